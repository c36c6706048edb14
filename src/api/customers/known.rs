//! Which of the references that are linked a question may use.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::unanswered;
use crate::api::Api;
use crate::api::access::Caller;
use crate::api::parameters::record;
use crate::api::problem::Problem;
use crate::gather::{Gateway, LeftOut, Named, Query, Reason, Unread, Whose, now};
use crate::store::{Link, Linked, Purpose};

/// References of one connection that a whole book may be made of. Each is a call of its own, and all of them are held for
/// as long as a cursor can be followed.
const MOST_LINKED: usize = 10_000;

/// What a question says about whose loans it means, beside naming references itself.
#[derive(Debug, Clone, Default)]
pub(in crate::api) struct Person {
    /// The caller's own id of the person.
    pub(in crate::api) customer: Option<String>,
    /// What the data is for.
    pub(in crate::api) purpose: Option<Purpose>,
    /// Whether it says which connections it means. Then nobody wants to hear of others.
    pub(in crate::api) chooses: bool,
}

impl Api {
    /// Completes a question with what is linked: to the customer it names, or to anybody where it means whole books. Since
    /// when that customer is there.
    pub(in crate::api) async fn complete(
        &self,
        caller: &Caller,
        query: &mut Query,
        person: &Person,
    ) -> Result<Option<DateTime<Utc>>, Problem> {
        if let Some(id) = &person.customer {
            let customer = self.customer(caller, id).await?;
            sort_out(query, customer.links, person, &self.gateway, caller, now());
            record(query, caller);
            return Ok(Some(customer.created_at));
        }
        if let (Whose::Everybody { .. }, Some(store)) = (&query.whose, &self.store) {
            let unlisted = self.unlisted(query);
            if unlisted.is_empty() {
                return Ok(None);
            }
            let because = |why| move |id| (id, why);
            match store.linked(&caller.namespace(), &unlisted, MOST_LINKED).await {
                Ok(Linked { links, too_many }) => {
                    query.unread = too_many.into_iter().map(because(Unread::TooMany)).collect();
                    sort_out(query, links, person, &self.gateway, caller, now());
                }
                // The others have nothing to do with it.
                Err(_) if unlisted.len() < query.connections.len() => {
                    query.unread = unlisted.into_iter().map(because(Unread::NoAnswer)).collect();
                }
                Err(fault) => return Err(unanswered(fault)),
            }
        }
        Ok(None)
    }

    /// The connections of a question that cannot list: of these a whole book is what is linked.
    fn unlisted(&self, query: &Query) -> Vec<Arc<str>> {
        let cannot_list = |id: &&Arc<str>| {
            let connection = self.gateway.connection(id);
            connection.is_some_and(|connection| !connection.descriptor.lists_book)
        };
        query.connections.iter().filter(cannot_list).cloned().collect()
    }
}

/// Adds the links that may be used to a question, and says where some may not.
fn sort_out(
    query: &mut Query,
    links: Vec<Link>,
    person: &Person,
    gateway: &Gateway,
    caller: &Caller,
    at: DateTime<Utc>,
) {
    let mut named = match &mut query.whose {
        Whose::Of(named) => std::mem::take(named),
        Whose::Everybody { linked } => std::mem::take(linked),
    };
    let mut known: HashSet<Named> = named.iter().cloned().collect();
    let mut allowed: HashSet<Named> = HashSet::new();
    let mut refused: Vec<(Named, Reason)> = Vec::new();
    for link in links {
        let connection = gateway
            .connection(&link.connection)
            .filter(|_| caller.sees(&link.connection));
        let Some(connection) = connection else {
            if !person.chooses {
                let reason = if caller.sees(&link.connection) {
                    Reason::NotConfigured
                } else {
                    Reason::NotAllowed
                };
                query.left_out.insert(Arc::from(link.connection), reason);
            }
            continue;
        };
        if !query.connections.contains(&connection.id) {
            continue;
        }
        let Ok(reference) = connection
            .descriptor
            .reference(&format!("{}:{}", link.kind, link.value))
        else {
            leave_out(&mut query.left_out, &connection.id, Reason::NotConfigured);
            continue;
        };
        let reference: Named = (Arc::clone(&connection.id), reference);
        match refusal(&link, person.purpose, at) {
            Some(reason) => refused.push((reference, reason)),
            None => {
                allowed.insert(reference.clone());
                if known.insert(reference.clone()) {
                    named.push(reference);
                }
            }
        }
    }
    let whole_books = matches!(query.whose, Whose::Everybody { .. });
    let mut unusable: HashSet<Named> = HashSet::new();
    for ((id, reference), reason) in refused {
        // Somebody else says that it may be used: another customer, or the config. That a question names it does not.
        let in_config = gateway
            .connection(&id)
            .is_some_and(|connection| connection.references.contains(&reference));
        let reference = (id, reference);
        let told_otherwise = allowed.contains(&reference) || (whole_books && in_config);
        if !told_otherwise {
            leave_out(&mut query.left_out, &reference.0, reason);
            unusable.insert(reference);
        }
    }
    named.retain(|reference| !unusable.contains(reference));
    match &mut query.whose {
        Whose::Of(list) | Whose::Everybody { linked: list } => *list = named,
    }
}

/// Of several reasons the first of the vocabulary is told.
fn leave_out(left_out: &mut LeftOut, connection: &Arc<str>, reason: Reason) {
    let told = left_out.entry(Arc::clone(connection)).or_insert(reason);
    *told = reason.min(*told);
}

/// Why a link may not be used now, for this.
fn refusal(link: &Link, purpose: Option<Purpose>, at: DateTime<Utc>) -> Option<Reason> {
    if link.expires_at.is_some_and(|expires_at| expires_at <= at) {
        return Some(Reason::ConsentExpired);
    }
    let other = link.purpose.zip(purpose).is_some_and(|(of, wanted)| of != wanted);
    other.then_some(Reason::PurposeMismatch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(purpose: Option<Purpose>, expires_at: Option<i64>) -> Link {
        Link {
            connection: "goscore".to_owned(),
            kind: "consent".to_owned(),
            value: "x".to_owned(),
            purpose,
            expires_at: expires_at.and_then(DateTime::from_timestamp_millis),
        }
    }

    #[test]
    fn a_consent_is_good_until_the_instant_it_expires() {
        let at = |instant| DateTime::from_timestamp_millis(instant).unwrap();
        let expiring = link(None, Some(1000));
        assert_eq!(refusal(&expiring, None, at(999)), None);
        assert_eq!(refusal(&expiring, None, at(1000)), Some(Reason::ConsentExpired));
        assert_eq!(refusal(&link(None, None), None, at(i64::from(u32::MAX))), None);
    }

    #[test]
    fn a_consent_is_good_for_its_purpose_and_for_whoever_names_none() {
        let at = DateTime::UNIX_EPOCH;
        let (shown, used) = (Some(Purpose::Presentation), Some(Purpose::Processing));
        for (of, wanted, refused) in [
            (None, shown, false),
            (shown, None, false),
            (shown, shown, false),
            (shown, used, true),
            (used, shown, true),
        ] {
            let mismatch = refused.then_some(Reason::PurposeMismatch);
            assert_eq!(
                refusal(&link(of, None), wanted, at),
                mismatch,
                "{of:?} {wanted:?}"
            );
        }
    }
}
