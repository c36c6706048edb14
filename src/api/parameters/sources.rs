//! Which connections and which references of theirs are meant, as far as the caller may name them.

use std::sync::Arc;

use super::{Pairs, shown};
use crate::api::access::Caller;
use crate::gather::{Gateway, Named};
use crate::providers;

impl Pairs {
    /// Whether the caller may name this connection; if not, nothing else of the request counts.
    fn may_name(&mut self, caller: &Caller, id: &str) -> bool {
        self.forbidden |= !caller.sees(id);
        caller.sees(id)
    }

    pub(super) fn connections(&mut self, gateway: &Gateway, caller: &Caller) -> Vec<Arc<str>> {
        let ids = self.list("connection");
        let names = self.list("provider");
        for id in ids.iter().flatten() {
            if self.may_name(caller, id) && gateway.connection(id).is_none() {
                let known = connection_ids(gateway, caller);
                self.problem(
                    "connection",
                    format!("knows no `{}`; there are {known}", shown(id)),
                );
            }
        }
        for name in names.iter().flatten() {
            if providers::find(name).is_none() {
                let known: Vec<&str> = providers::ALL.iter().map(|descriptor| descriptor.name).collect();
                self.problem(
                    "provider",
                    format!("knows no `{}`; there are {}", shown(name), known.join(", ")),
                );
            }
        }
        let wanted = |list: &Option<Vec<String>>, name: &str| {
            list.as_ref()
                .is_none_or(|list| list.iter().any(|item| item == name))
        };
        gateway
            .connections()
            .filter(|connection| caller.sees(&connection.id))
            .filter(|connection| wanted(&ids, &connection.id) && wanted(&names, connection.descriptor.name))
            .map(|connection| Arc::clone(&connection.id))
            .collect()
    }

    /// Connections of which a gap is an error: `all`, or some of the selected ones.
    pub(super) fn required(
        &mut self,
        gateway: &Gateway,
        caller: &Caller,
        selected: &[Arc<str>],
    ) -> Vec<Arc<str>> {
        let named = self.list("require").unwrap_or_default();
        if named.iter().any(|id| id == "all") {
            if named.len() > 1 {
                self.problem("require", "must be `all` alone, or a list of connections");
            }
            return selected.to_vec();
        }
        let mut required = Vec::new();
        for id in named {
            if !self.may_name(caller, &id) {
                continue;
            }
            match selected.iter().find(|known| ***known == *id) {
                Some(id) => required.push(Arc::clone(id)),
                None if gateway.connection(&id).is_some() => {
                    self.problem(
                        "require",
                        format!("names `{id}`, which `connection` or `provider` leaves out"),
                    );
                }
                None => {
                    let known = connection_ids(gateway, caller);
                    self.problem(
                        "require",
                        format!("knows no `{}`; there are all, {known}", shown(&id)),
                    );
                }
            }
        }
        required
    }

    pub(super) fn references(
        &mut self,
        gateway: &Gateway,
        caller: &Caller,
        selected: &[Arc<str>],
    ) -> Vec<Named> {
        let mut references = Vec::new();
        for text in self.values("ref") {
            if let Some((id, _)) = text.split_once(':')
                && !self.may_name(caller, id)
            {
                continue;
            }
            match selected_reference(&text, gateway, caller, selected) {
                Ok(reference) if references.contains(&reference) => {}
                Ok(reference) => references.push(reference),
                Err(detail) => self.problem("ref", detail),
            }
        }
        references
    }
}

fn selected_reference(
    text: &str,
    gateway: &Gateway,
    caller: &Caller,
    selected: &[Arc<str>],
) -> Result<Named, String> {
    if let Some((id, _)) = text.split_once(':')
        && gateway.connection(id).is_some()
        && !selected.iter().any(|known| **known == *id)
    {
        return Err(format!(
            "is for `{id}`, which `connection` or `provider` leaves out"
        ));
    }
    named_reference(text, gateway, caller)
}

/// The value of a reference never comes back in an error: it names a person.
pub(in crate::api) fn named_reference(
    text: &str,
    gateway: &Gateway,
    caller: &Caller,
) -> Result<Named, String> {
    let (id, rest) = text
        .split_once(':')
        .ok_or("must be `<connection>:<type>:<value>`")?;
    let connection = gateway.connection(id).ok_or_else(|| {
        format!(
            "names no connection; there are {}",
            connection_ids(gateway, caller)
        )
    })?;
    let reference = connection
        .descriptor
        .reference(rest)
        .map_err(|problem| format!("for `{}` {problem}", connection.id))?;
    Ok((Arc::clone(&connection.id), reference))
}

/// The connections that the caller may see.
fn connection_ids(gateway: &Gateway, caller: &Caller) -> String {
    let ids: Vec<&str> = gateway
        .connections()
        .map(|connection| &*connection.id)
        .filter(|id| caller.sees(id))
        .collect();
    ids.join(", ")
}
