//! Who sent a request, as handlers see it.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tokio::sync::OwnedSemaphorePermit;

use super::limits::Standing;
use super::{Client, Need, Scope};
use crate::api::audit::Audit;
use crate::api::problem::{Challenge, Code, Problem};
use crate::gather;
use crate::store::Namespace;

/// Who sent a request. A handler that asks for it can only be reached through the check of who that is.
#[derive(Debug, Clone)]
pub(in crate::api) struct Caller {
    client: Option<Arc<Client>>,
    /// Whether an unknown caller may see fields about people.
    personal: bool,
    audit: Audit,
}

impl Caller {
    pub(super) fn anonymous(personal: bool) -> Self {
        Self {
            client: None,
            personal,
            audit: Audit::default(),
        }
    }

    pub(super) fn client(client: Arc<Client>) -> Self {
        Self {
            client: Some(client),
            personal: false,
            audit: Audit::default(),
        }
    }

    /// Writes down in `audit` who this is, and whatever is found out later.
    pub(in crate::api) fn recorded(self, audit: Audit) -> Self {
        audit.client(self.client.as_ref().map(|client| &client.id));
        Self { audit, ..self }
    }

    /// What is written down about the request.
    pub(in crate::api) fn audit(&self) -> &Audit {
        &self.audit
    }

    /// The name under which answers are kept for this caller, and for nobody else.
    pub(in crate::api) fn name(&self) -> gather::Client {
        match &self.client {
            Some(client) => gather::Client::named(&client.id),
            None => gather::Client::anonymous(),
        }
    }

    /// Whose customers this caller knows.
    pub(in crate::api) fn namespace(&self) -> Namespace {
        match &self.client {
            Some(client) => client.customers.clone(),
            None => Namespace::everyone(),
        }
    }

    /// Refuses a caller that may not do this at all.
    pub(in crate::api) fn may(&self, need: Need) -> Result<(), Problem> {
        match (need, &self.client) {
            (Need::Scope(scope), Some(client)) if !client.scopes.contains(&scope) => {
                let detail = format!("This needs the scope `{}`.", scope.as_str());
                Err(Problem {
                    challenge: Some(Challenge::InsufficientScope(scope.as_str())),
                    ..Problem::because(Code::Forbidden, detail)
                })
            }
            _ => Ok(()),
        }
    }

    /// Whether fields about people may be shown.
    pub(in crate::api) fn sees_personal(&self) -> bool {
        match &self.client {
            Some(client) => client.scopes.contains(&Scope::PersonalRead),
            None => self.personal,
        }
    }

    /// Whether this connection may be named. To a client with a list of its own every other name is forbidden alike, so
    /// that it does not learn which of them exist.
    pub(in crate::api) fn sees(&self, connection: &str) -> bool {
        let list = self
            .client
            .as_ref()
            .and_then(|client| client.connections.as_ref());
        list.is_none_or(|list| list.contains(connection))
    }

    /// Refuses the name of a connection that may not be named.
    pub(in crate::api) fn may_name(&self, connection: &str) -> Result<(), Problem> {
        if self.sees(connection) {
            Ok(())
        } else {
            Err(Problem::new(Code::Forbidden))
        }
    }

    /// What a cursor of this caller is bound to beside its query: who it is, and what it may see.
    pub(in crate::api) fn bound(&self) -> Vec<(&str, &str)> {
        let Some(client) = &self.client else {
            return Vec::new();
        };
        let seen = client.connections.iter().flatten();
        let mut bound: Vec<(&str, &str)> = seen.map(|id| ("(sees)", id.as_str())).collect();
        bound.push(("(client)", &client.id));
        if client.connections.is_none() {
            bound.push(("(sees)", "*"));
        }
        bound
    }

    /// Counts the request against the rate.
    pub(in crate::api) async fn count(&self) -> (Option<Standing>, Result<(), Problem>) {
        match &self.client {
            Some(client) => client.meter.count().await,
            None => (None, Ok(())),
        }
    }

    /// A place among the requests that the caller has in hand.
    pub(in crate::api) fn hand(&self) -> Result<Option<OwnedSemaphorePermit>, Problem> {
        self.client
            .as_ref()
            .map_or(Ok(None), |client| client.meter.hand())
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    /// Without the check nobody is anybody.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or(Problem::new(Code::Internal))
    }
}
