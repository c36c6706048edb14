//! Who may call: `[auth]` and its clients.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroU32;

use secrecy::ExposeSecret as _;

use super::jwt::{Jwt, jwt};
use super::keys::KeyHash;
use super::section::Section;

/// `[auth]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// How callers are told apart.
    pub mode: AuthMode,
    /// Whether `none` may listen beyond loopback.
    pub allow_insecure: bool,
    /// Who has a key.
    pub clients: Vec<AuthClient>,
    /// Whose tokens are taken.
    pub jwt: Option<Jwt>,
}

impl Auth {
    /// Whether everybody who reaches `listen` would be let in, against what the config allows.
    pub fn exposed_at(&self, listen: SocketAddr) -> bool {
        self.mode == AuthMode::None && !self.allow_insecure && !listen.ip().to_canonical().is_loopback()
    }

    /// What is configured for another mode than this one.
    pub(super) fn without_effect(&self) -> Vec<String> {
        let mut idle = Vec::new();
        if !self.clients.is_empty() {
            match self.mode {
                AuthMode::None => idle.push(
                    "auth.mode is \"none\": nobody is asked for a key, and auth.clients has no effect"
                        .to_owned(),
                ),
                AuthMode::Jwt => idle.push(
                    "auth.mode is \"jwt\": tokens are taken and keys are not, and auth.clients has no effect"
                        .to_owned(),
                ),
                AuthMode::ApiKey => {}
            }
        }
        if self.jwt.is_some() && self.mode != AuthMode::Jwt {
            idle.push("auth.mode is not \"jwt\": no token is taken, and auth.jwt has no effect".to_owned());
        }
        idle
    }
}

/// How callers are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    /// Not at all.
    None,
    /// By a key.
    ApiKey,
    /// By a signed token of an identity provider.
    Jwt,
}

/// `[[auth.clients]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthClient {
    /// The operator's name for it.
    pub id: String,
    /// The hashes of its keys; several while one is replaced by another.
    pub keys: Vec<KeyHash>,
    /// What it may do.
    pub scopes: Vec<AccessScope>,
    /// The connections it may see; `None` for all there are and will be.
    pub connections: Option<Vec<String>>,
    /// How often it may ask; as often as it likes when not said.
    pub rate_limit: Option<RateLimit>,
    /// Requests it may have in hand at once; as many as it likes when not said.
    pub max_concurrency: Option<usize>,
    /// The name under which it shares its customers with others; its own alone when not said.
    pub customers: Option<String>,
}

/// What a client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessScope {
    /// See loans and connections.
    LoansRead,
    /// See fields about people.
    PersonalRead,
    /// Change the customers.
    CustomersWrite,
    /// See the metrics.
    MetricsRead,
}

const SCOPES: [(&str, AccessScope); 4] = [
    ("loans:read", AccessScope::LoansRead),
    ("personal:read", AccessScope::PersonalRead),
    ("customers:write", AccessScope::CustomersWrite),
    ("metrics:read", AccessScope::MetricsRead),
];

/// `rate_limit` of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests a second, for as long as it likes.
    pub per_second: NonZeroU32,
    /// Requests at once, after a pause.
    pub burst: NonZeroU32,
}

/// What no two clients may share.
#[derive(Default)]
struct Taken {
    ids: BTreeSet<String>,
    keys: BTreeSet<[u8; 32]>,
}

/// Reads `[auth]`; `connections` are the ids of all connections.
pub(super) fn auth(section: &mut Section<'_>, listen: SocketAddr, connections: &[String]) -> Auth {
    let choices = [
        ("none", AuthMode::None),
        ("api_key", AuthMode::ApiKey),
        ("jwt", AuthMode::Jwt),
    ];
    let mode = section.choice("mode", AuthMode::ApiKey, &choices);
    let allow_insecure = section.bool_or("allow_insecure", false);
    // Read whatever the mode, so that what is wrong with it is known before the mode is changed.
    let has_jwt = section.ask("jwt").is_some();
    let jwt = has_jwt.then(|| section.table("jwt", jwt)).flatten();
    let mut taken = Taken::default();
    let clients = section.tables("clients", |section| client(section, connections, &mut taken));
    match mode {
        AuthMode::ApiKey if clients.as_ref().is_some_and(Vec::is_empty) => section.problem(
            "clients",
            "auth.mode \"api_key\" (the default) lets nobody in without clients: make a key with \
             `loangate hash-key --new` and add [[auth.clients]] with its hash, or set auth.mode = \"none\" on a \
             loopback address",
        ),
        AuthMode::Jwt if !has_jwt => section.problem(
            "jwt",
            "is required with auth.mode = \"jwt\": [auth.jwt] with issuer, audience and jwks_url of the identity provider",
        ),
        AuthMode::ApiKey | AuthMode::None | AuthMode::Jwt => {}
    }
    let auth = Auth {
        mode,
        allow_insecure,
        clients: clients.unwrap_or_default(),
        jwt,
    };
    if auth.exposed_at(listen) {
        section.problem(
            "mode",
            "\"none\" lets everyone in: give server.listen a loopback address or set auth.allow_insecure = true",
        );
    }
    auth
}

fn client(section: &mut Section<'_>, connections: &[String], taken: &mut Taken) -> AuthClient {
    let id = section.require_string("id");
    if !id.is_empty() && !is_id(&id) {
        section.problem("id", ID_RULE);
    } else if !id.is_empty() && !taken.ids.insert(id.clone()) {
        section.problem("id", "is the id of another client as well");
    }
    AuthClient {
        id,
        keys: keys(section, taken),
        scopes: scopes(section),
        connections: seen(section, connections),
        rate_limit: rate_limit(section),
        max_concurrency: max_concurrency(section),
        customers: customers(section),
    }
}

fn customers(section: &mut Section<'_>) -> Option<String> {
    let name = section.string("customers")?;
    if !is_id(&name) {
        section.problem("customers", ID_RULE);
    }
    Some(name)
}

/// Largest rate, burst and concurrency.
const MOST: u64 = 1_000_000;

const ID_RULE: &str = "must be 1 to 64 letters, digits, _, - and ., beginning with a letter or digit";

/// It stands in logs, so it is nothing that could end a line.
fn is_id(id: &str) -> bool {
    id.len() <= 64
        && id.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

fn keys(section: &mut Section<'_>, taken: &mut Taken) -> Vec<KeyHash> {
    if !section.has("key_hash") && !section.has("key_hashes") {
        section.problem(
            "key_hash",
            "is required: what `loangate hash-key` prints; several of them in key_hashes",
        );
    }
    let one: Vec<_> = section.secret("key_hash").into_iter().collect();
    let several = section.secrets("key_hashes");
    if several.is_empty() && one.is_empty() && section.has("key_hashes") {
        section.problem("key_hashes", "must have at least one hash");
    }
    let mut keys = Vec::with_capacity(several.len().saturating_add(1));
    for (key, hashes) in [("key_hash", one), ("key_hashes", several)] {
        for (at, hash) in hashes.iter().enumerate() {
            // The text is not repeated: it may be the key itself.
            let which = match key {
                "key_hashes" => format!("entry {} ", at.saturating_add(1)),
                _ => String::new(),
            };
            match KeyHash::parse(hash.expose_secret()) {
                None => section.problem(
                    key,
                    format!("{which}must be what `loangate hash-key` prints: sha256: and 64 hex digits"),
                ),
                Some(hash) if !taken.keys.insert(hash.bytes()) => section.problem(
                    key,
                    format!("{which}is there already; a key belongs to one client, once"),
                ),
                Some(hash) => keys.push(hash),
            }
        }
    }
    keys
}

fn scopes(section: &mut Section<'_>) -> Vec<AccessScope> {
    let known = SCOPES.map(|(word, _)| word).join(", ");
    let mut scopes = Vec::new();
    let words = section.strings("scopes");
    if words.is_empty() {
        section.problem("scopes", format!("must have at least one of {known}"));
    }
    for (at, word) in words.iter().enumerate() {
        match SCOPES.iter().find(|(known, _)| known == word) {
            Some((_, scope)) if scopes.contains(scope) => {}
            Some((_, scope)) => scopes.push(*scope),
            None => section.problem(
                "scopes",
                format!("entry {} must be one of {known}", at.saturating_add(1)),
            ),
        }
    }
    scopes
}

/// Which connections a client may see.
fn seen(section: &mut Section<'_>, connections: &[String]) -> Option<Vec<String>> {
    if !section.has("connections") {
        section.problem(
            "connections",
            "is required: ids of connections, or [\"*\"] for all",
        );
    }
    let mut ids = section.strings("connections");
    if ids.iter().any(|id| id == "*") {
        if ids.len() > 1 {
            section.problem("connections", "must be [\"*\"] alone, or ids of connections");
        }
        return None;
    }
    for (at, id) in ids.iter().enumerate() {
        if !connections.contains(id) {
            let there = match connections {
                [] => "there are none".to_owned(),
                connections => format!("there are {}", connections.join(", ")),
            };
            section.problem(
                "connections",
                format!(
                    "entry {} is no connection of this config; {there}",
                    at.saturating_add(1)
                ),
            );
        }
    }
    ids.sort();
    ids.dedup();
    Some(ids)
}

pub(super) fn max_concurrency(section: &mut Section<'_>) -> Option<usize> {
    let count = section.integer("max_concurrency", 1..=MOST)?;
    usize::try_from(count).ok()
}

pub(super) fn rate_limit(section: &mut Section<'_>) -> Option<RateLimit> {
    let given = section.has("rate_limit");
    let limit = section.table("rate_limit", |section| {
        let per_second = section.integer("per_second", 1..=MOST);
        let burst = section.integer("burst", 1..=MOST);
        if given && !section.has("per_second") {
            section.problem("per_second", "is required");
        }
        let narrow = |number| NonZeroU32::new(u32::try_from(number).ok()?);
        let per_second = per_second.and_then(narrow)?;
        Some(RateLimit {
            per_second,
            burst: burst.and_then(narrow).unwrap_or(per_second),
        })
    });
    limit.filter(|_| given)
}
