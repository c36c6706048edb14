//! Who may ask for what: clients and their keys, scopes, connections and limits.

mod caller;
mod credentials;
mod limits;
mod tokens;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use axum::http::{HeaderMap, Method};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

pub(super) use caller::Caller;
pub use limits::{Limit, Meters};
pub(super) use limits::{POLICY, STANDING};

use super::problem::{Code, Problem};
use crate::identity;
use crate::store::Namespace;
use limits::Meter;
use tokens::Tokens;

/// What a client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// See loans and connections.
    LoansRead,
    /// See fields about people.
    PersonalRead,
    /// Change the customers.
    CustomersWrite,
    /// See the metrics.
    MetricsRead,
}

impl Scope {
    const ALL: [Self; 4] = [
        Self::LoansRead,
        Self::PersonalRead,
        Self::CustomersWrite,
        Self::MetricsRead,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoansRead => "loans:read",
            Self::PersonalRead => "personal:read",
            Self::CustomersWrite => "customers:write",
            Self::MetricsRead => "metrics:read",
        }
    }
}

/// What a route asks of its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing: it says nothing about anybody.
    Nothing,
    /// To be somebody.
    Credentials,
    /// To be somebody with this scope.
    Scope(Scope),
}

impl Need {
    /// Of a route by its template, `None` where there is none. A route that is not named here is about loans.
    pub(super) fn of(method: &Method, route: Option<&str>) -> Self {
        match route {
            Some(
                "/livez"
                | "/readyz"
                | "/problems/{code}"
                | "/docs"
                | "/docs/{file}"
                | "/openapi.json"
                | "/console"
                | "/console/"
                | "/console/assets/{version}/{*file}",
            ) => Self::Nothing,
            Some("/metrics") => Self::Scope(Scope::MetricsRead),
            Some("/customers" | "/customers/{id}") if !method.is_safe() => Self::Scope(Scope::CustomersWrite),
            Some(_) => Self::Scope(Scope::LoansRead),
            None => Self::Credentials,
        }
    }
}

/// A client as it was configured.
#[derive(Clone)]
pub struct Settings {
    /// The operator's name for it.
    pub id: String,
    /// The SHA-256 of each of its keys.
    pub keys: Vec<[u8; 32]>,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The connections it may see; `None` for all.
    pub connections: Option<Vec<String>>,
    /// How often it may ask, and how much at once.
    pub limit: Limit,
    /// Whose customers are its own.
    pub customers: Namespace,
}

/// Leaves out the keys.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Somebody with a key or a token.
#[derive(Debug)]
pub(super) struct Client {
    id: Arc<str>,
    scopes: BTreeSet<Scope>,
    connections: Option<BTreeSet<String>>,
    meter: Arc<Meter>,
    customers: Namespace,
}

/// A client and its keys.
struct Keyed {
    keys: Vec<[u8; 32]>,
    client: Arc<Client>,
}

impl fmt::Debug for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyed")
            .field("id", &self.client.id)
            .finish_non_exhaustive()
    }
}

/// Who may ask.
#[derive(Debug, Clone)]
pub struct Access(Who);

#[derive(Debug, Clone)]
enum Who {
    Everyone {
        personal: bool,
    },
    Clients(Arc<[Keyed]>),
    Holders {
        tokens: Arc<Tokens>,
        /// Who needs no token, because it is this process.
        owner: Arc<[Keyed]>,
    },
}

impl Access {
    /// Everybody who reaches us. `personal`: whether they may see fields about people.
    pub fn everyone(personal: bool) -> Self {
        Self(Who::Everyone { personal })
    }

    /// Who has a key of one of these clients. What their limits stand at comes from `meters`.
    pub fn clients(clients: Vec<Settings>, meters: &Meters) -> Self {
        Self(Who::Clients(keyed(clients, meters)))
    }

    /// Who has a token of an identity provider; and `owner`, by its key. All clients have the same `limit`, each for
    /// itself; `connections` are all there are.
    pub fn tokens(
        tokens: identity::Tokens,
        connections: BTreeSet<String>,
        limit: Limit,
        meters: &Meters,
        owner: Option<Settings>,
    ) -> Self {
        Self(Who::Holders {
            tokens: Arc::new(Tokens::new(tokens, connections, meters.of_tokens(limit))),
            owner: keyed(owner.into_iter().collect(), meters),
        })
    }

    /// Has everything at hand that the first callers will need. Needs a runtime.
    pub fn warm(&self) {
        if let Who::Holders { tokens, .. } = &self.0 {
            tokens.warm();
        }
    }

    /// Whether everybody who reaches us may ask.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.0, Who::Everyone { .. })
    }

    /// Whether a key lets anybody in.
    pub(super) fn takes_keys(&self) -> bool {
        matches!(self.0, Who::Clients(_))
    }

    /// Who sends these headers.
    pub(super) async fn identify(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        match &self.0 {
            Who::Everyone { personal } => Ok(Caller::anonymous(*personal)),
            Who::Clients(clients) => {
                let key = credentials::presented(headers)?.ok_or_else(|| {
                    Problem::because(
                        Code::Unauthorized,
                        "This needs a key, as `Authorization: Bearer …` or `X-Api-Key: …`.",
                    )
                })?;
                let client = with_key(clients, key).ok_or_else(|| {
                    Problem::because(Code::Unauthorized, "The key is none of this gateway's.")
                })?;
                Ok(Caller::client(client))
            }
            Who::Holders { tokens, owner } => {
                let token = credentials::token(headers)?.ok_or_else(|| {
                    Problem::because(
                        Code::Unauthorized,
                        "This needs a token, as `Authorization: Bearer …`.",
                    )
                })?;
                if let Some(owner) = with_key(owner, token) {
                    return Ok(Caller::client(owner));
                }
                // On the heap, so that whoever brings a key carries nothing of it.
                let client = Box::pin(tokens.client(token)).await?;
                Ok(Caller::client(client))
            }
        }
    }
}

/// Clients as they are known by their keys.
fn keyed(clients: Vec<Settings>, meters: &Meters) -> Arc<[Keyed]> {
    let limits = clients
        .iter()
        .map(|client| (client.id.as_str(), client.limit))
        .collect();
    let meters = meters.of(limits);
    let clients = clients.into_iter().zip(meters).map(|(settings, meter)| Keyed {
        keys: settings.keys,
        client: Arc::new(Client {
            id: Arc::from(settings.id),
            scopes: settings.scopes.into_iter().collect(),
            connections: settings.connections.map(|ids| ids.into_iter().collect()),
            meter,
            customers: settings.customers,
        }),
    });
    clients.collect()
}

/// The client that has this key. Looks at every key to its end, whichever it is, so that the time it takes says nothing
/// about any of them.
fn with_key(clients: &[Keyed], key: &str) -> Option<Arc<Client>> {
    if clients.is_empty() {
        return None;
    }
    let presented: [u8; 32] = Sha256::digest(key).into();
    let mut found = u32::MAX;
    for (at, client) in (0_u32..).zip(clients) {
        let mine = client.keys.iter().fold(Choice::from(0), |mine, known| {
            mine | known.as_slice().ct_eq(presented.as_slice())
        });
        found.conditional_assign(&at, mine);
    }
    let found = clients.get(usize::try_from(found).ok()?)?;
    Some(Arc::clone(&found.client))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(id: &str, keys: &[&str]) -> Settings {
        Settings {
            id: id.to_owned(),
            keys: keys.iter().map(|key| Sha256::digest(key).into()).collect(),
            scopes: vec![Scope::LoansRead],
            connections: None,
            limit: Limit::default(),
            customers: Namespace::of_client(id),
        }
    }

    #[test]
    fn every_key_leads_to_its_client_and_no_other_text_to_any() {
        let clients = vec![
            settings("one", &["a"]),
            settings("two", &["b", "c"]),
            settings("none", &[]),
        ];
        let Access(Who::Clients(clients)) = Access::clients(clients, &Meters::default()) else {
            panic!("clients");
        };
        for (key, id) in [("a", "one"), ("b", "two"), ("c", "two")] {
            assert_eq!(&*with_key(&clients, key).unwrap().id, id);
        }
        for key in ["", "d", "A", "a "] {
            assert!(with_key(&clients, key).is_none(), "{key:?}");
        }
        assert!(with_key(&[], "a").is_none());
    }

    #[test]
    fn what_is_not_named_needs_to_read_loans() {
        let (get, put) = (Method::GET, Method::PUT);
        for route in [
            "/livez",
            "/readyz",
            "/problems/{code}",
            "/docs",
            "/console",
            "/openapi.json",
        ] {
            assert_eq!(Need::of(&get, Some(route)), Need::Nothing);
        }
        for route in [
            "/loans",
            "/connections",
            "/loans/{id}",
            "/customers",
            "/anything/new",
        ] {
            assert_eq!(Need::of(&get, Some(route)), Need::Scope(Scope::LoansRead));
        }
        assert_eq!(
            Need::of(&put, Some("/customers/{id}")),
            Need::Scope(Scope::CustomersWrite)
        );
        assert_eq!(Need::of(&get, Some("/metrics")), Need::Scope(Scope::MetricsRead));
        assert_eq!(Need::of(&get, None), Need::Credentials);
    }

    #[test]
    fn nothing_of_a_key_is_in_debug_output() {
        let settings = settings("one", &["a"]);
        let access = Access::clients(vec![settings.clone()], &Meters::default());
        let shown = format!("{settings:?} {access:?}");
        assert!(shown.contains("one"), "{shown}");
        for byte in Sha256::digest("a") {
            assert!(!shown.contains(&format!("{byte}, ")), "{shown}");
        }
    }
}
