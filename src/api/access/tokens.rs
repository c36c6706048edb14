//! Clients that no config names: who they are, and what they may, is in their tokens.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::limits::TokenMeters;
use super::{Client, Scope};
use crate::api::problem::{Challenge, Code, Problem};
use crate::identity::{self, Holder, Refusal, Seen};
use crate::store::Namespace;

/// Makes clients of tokens.
#[derive(Debug)]
pub(super) struct Tokens {
    provider: identity::Tokens,
    /// All there are.
    connections: BTreeSet<String>,
    meters: TokenMeters,
}

impl Tokens {
    pub(super) fn new(
        provider: identity::Tokens,
        connections: BTreeSet<String>,
        meters: TokenMeters,
    ) -> Self {
        Self {
            provider,
            connections,
            meters,
        }
    }

    pub(super) fn warm(&self) {
        self.provider.warm();
    }

    /// Whose token this is.
    pub(super) async fn client(&self, token: &str) -> Result<Arc<Client>, Problem> {
        let holder = self.provider.verify(token).await.map_err(refused)?;
        Ok(Arc::new(self.known(holder)))
    }

    /// The holder in our terms. What is not known here grants nothing: neither a scope nor a connection that does not
    /// exist, so that a token naming one is told what everybody is told.
    fn known(&self, holder: Holder) -> Client {
        let scopes = Scope::ALL.into_iter();
        Client {
            meter: self.meters.of(&holder.client),
            customers: Namespace::of_client(&holder.client),
            id: Arc::from(holder.client),
            scopes: scopes
                .filter(|scope| holder.scopes.iter().any(|word| word == scope.as_str()))
                .collect(),
            connections: match holder.connections {
                Seen::All => None,
                Seen::Only(ids) => Some(
                    ids.into_iter()
                        .filter(|id| self.connections.contains(id))
                        .collect(),
                ),
            },
        }
    }
}

/// What the caller is told. Of a token that the provider did not sign: nothing but that.
fn refused(refusal: Refusal) -> Problem {
    tracing::debug!(reason = refusal.reason(), "a token was not taken");
    let detail = match refusal {
        Refusal::Unavailable(wait) => {
            return Problem {
                retry_after: Some(wait),
                sources: Some(Vec::new()),
                ..Problem::because(
                    Code::UpstreamUnavailable,
                    "The keys that tokens are checked with cannot be fetched from the identity provider. Ask again \
                     after `Retry-After`.",
                )
            };
        }
        Refusal::Unknown(_) | Refusal::Forged => "The token is not one that this gateway takes.",
        Refusal::Expired => "The token has expired.",
        Refusal::Early => "The token is not valid yet.",
        Refusal::Foreign => "The token is not for this gateway: its issuer or its audience is another.",
        Refusal::Incomplete => "The token lacks `exp`, `iss` or `aud`, or one of its claims cannot be read.",
        Refusal::Nameless => "The token lacks the claim that names its client.",
    };
    Problem {
        challenge: Some(Challenge::InvalidToken),
        ..Problem::because(Code::Unauthorized, detail)
    }
}
