//! What the gateway itself is told: everything but the providers' own keys.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use secrecy::{ExposeSecret as _, SecretString};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::auth::{Auth, auth};
use super::cache::{Cache, CacheBackend, cache};
use super::console::{Console, console};
use super::document::Document;
use super::problem::Problems;
use super::section::{Given, Section};
use super::store::{Store, store};
use super::telemetry::{Telemetry, telemetry};

const SECOND: Duration = Duration::from_secs(1);
pub(super) const HOUR: Duration = Duration::from_hours(1);
pub(super) const DAY: Duration = Duration::from_hours(24);

/// Everything but the connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[auth]`
    pub auth: Auth,
    /// `[limits]`
    pub limits: Limits,
    /// `[log]`
    pub log: Log,
    /// `[telemetry]`
    pub telemetry: Telemetry,
    /// `[cache]`
    pub cache: Cache,
    /// `[cursor]`
    pub cursor: Cursor,
    /// `[store]`, if there is one.
    pub store: Option<Store>,
    /// `[console]`
    pub console: Console,
    /// What is allowed but probably not meant.
    pub warnings: Vec<String>,
}

/// `[server]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The prefix a reverse proxy mounts the gateway below: empty, or `/…` without a trailing slash.
    pub base_path: String,
    /// The reverse proxies that are believed when they say who asks.
    pub trusted_proxies: Vec<IpNet>,
    /// Total budget of one request.
    pub deadline: Duration,
    /// How long connections are still accepted after a stop signal.
    pub drain_delay: Duration,
    /// How long requests in flight may take after that.
    pub shutdown_grace: Duration,
    /// Requests served at once.
    pub max_in_flight: usize,
}

/// `[limits]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Loans held for one answer, over all sources.
    pub max_gathered: usize,
    /// Pages read from one source for one answer.
    pub max_pages_per_source: usize,
    /// Decoded bytes of one upstream page.
    pub upstream_body: u64,
    /// Decoded bytes of all upstream pages being read.
    pub upstream_in_flight: u64,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// How a line looks.
    pub format: LogFormat,
    /// Which lines there are, in the syntax of `tracing_subscriber::EnvFilter`; valid.
    pub filter: String,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object.
    Json,
    /// For people.
    Pretty,
}

/// `[cursor]`
#[derive(Debug, Clone)]
pub struct Cursor {
    /// How long a cursor can be followed.
    pub ttl: Duration,
    /// The first signs, all verify; without any, a random one that ends with the process.
    pub keys: Vec<SecretString>,
}

impl PartialEq for Cursor {
    fn eq(&self, other: &Self) -> bool {
        let keys = |cursor: &Self| {
            cursor
                .keys
                .iter()
                .map(|key| key.expose_secret().to_owned())
                .collect::<Vec<_>>()
        };
        self.ttl == other.ttl && keys(self) == keys(other)
    }
}

impl Eq for Cursor {}

/// Reads a whole document.
///
/// `connection` is called once per `[connections.<id>]`, in order of ids, and reads the keys of that
/// connection, `provider` and the common ones included; it may look at the limits. What it returns counts only if there is no
/// problem anywhere.
pub fn read<C>(
    document: &Document,
    mut connection: impl FnMut(&Limits, &str, &mut Section<'_>) -> Option<C>,
) -> Result<(Config, Vec<C>), Problems> {
    document.with_root(|root| whole(root, &mut connection))
}

/// Reads `[server]` alone, for who wants to know where a gateway is and not whether it could be started.
pub fn read_server(document: &Document) -> Result<Server, Problems> {
    document.with_root(|root| {
        root.ignore_rest();
        root.table("server", server)
    })
}

pub(super) fn whole<C>(
    root: &mut Section<'_>,
    connection: &mut impl FnMut(&Limits, &str, &mut Section<'_>) -> Option<C>,
) -> (Config, Vec<C>) {
    let server = root.table("server", server);
    let limits = root.table("limits", limits);
    let log = root.table("log", log);
    let telemetry = root.table("telemetry", telemetry);
    let cache = root.table("cache", cache);
    let cursor = root.table("cursor", |section| cursor(section, cache.backend));
    // An empty table is one: a SQLite file in the working directory.
    let has_store = root.ask("store").is_some();
    let store = has_store.then(|| root.table("store", store));
    let console = root.table("console", console);
    let (ids, connections) = root.table("connections", |section| {
        let ids = section.keys();
        let mut connections = Vec::with_capacity(ids.len());
        for id in &ids {
            if !is_id(id) {
                section.problem(id, ID_RULE);
            }
            connections.extend(section.table(id, |section| connection(&limits, id, section)));
        }
        (ids, connections)
    });
    let auth = root.table("auth", |section| auth(section, server.listen, &ids));
    let mut warnings = Vec::new();
    if server
        .trusted_proxies
        .iter()
        .any(|network| network.prefix_len() == 0)
    {
        warnings.push(
            "server.trusted_proxies holds every address: any caller can choose the one in its log line"
                .to_owned(),
        );
    }
    if ids.is_empty() {
        warnings.push("no connections configured".to_owned());
    }
    warnings.extend(auth.without_effect());
    (
        Config {
            server,
            auth,
            limits,
            log,
            telemetry,
            cache,
            cursor,
            store,
            console,
            warnings,
        },
        connections,
    )
}

const ID_RULE: &str =
    "a connection id must be 1 to 32 of a-z, 0-9, _ and -, beginning with a letter or digit";

/// Lower case only: overrides are compared in lower case, so `Bsa` could never be overridden.
fn is_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    id.len() <= 32
        && id.bytes().next().is_some_and(plain)
        && id.bytes().all(|byte| plain(byte) || byte == b'_' || byte == b'-')
}

fn server(section: &mut Section<'_>) -> Server {
    let listen = section
        .value(
            "listen",
            "an IP address and port such as \"127.0.0.1:8080\"",
            |given: Given<'_>| given.text()?.parse().ok(),
        )
        .unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)));
    let base_path = section.string_or("base_path", "");
    if !is_base_path(&base_path) {
        section.problem(
            "base_path",
            "must be empty, or begin with / and not end with it, with segments of letters, digits and ._~-",
        );
    }
    Server {
        listen,
        base_path,
        trusted_proxies: trusted_proxies(section),
        deadline: section.duration_or(
            "deadline",
            Duration::from_secs(10),
            Duration::from_millis(250)..=Duration::from_mins(5),
        ),
        drain_delay: section.duration_or(
            "drain_delay",
            Duration::from_millis(500),
            Duration::ZERO..=Duration::from_mins(5),
        ),
        shutdown_grace: section.duration_or("shutdown_grace", Duration::from_secs(20), Duration::ZERO..=HOUR),
        max_in_flight: section.count_or("max_in_flight", 1024, 1..=1_000_000),
    }
}

fn trusted_proxies(section: &mut Section<'_>) -> Vec<IpNet> {
    // `10.0.0.7/8` is one machine to who wrote it, and a sixteen-millionth of what it would let in.
    let network = |text: &String| match text.parse::<IpAddr>() {
        Ok(address) => Some(IpNet::from(address)),
        Err(_) => text
            .parse()
            .ok()
            .filter(|network: &IpNet| network.trunc() == *network),
    };
    let given = section.strings("trusted_proxies");
    let networks: Vec<IpNet> = given.iter().filter_map(network).collect();
    if networks.len() != given.len() {
        section.problem(
            "trusted_proxies",
            "must be IP addresses and networks such as \"10.0.0.7\" and \"10.0.0.0/8\", with no bits set after the prefix",
        );
    }
    networks
}

/// Plain segments only: braces would become a route pattern, dots would be resolved away by callers.
fn is_base_path(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._~-".contains(c);
    let segment = |text: &str| !text.is_empty() && !matches!(text, "." | "..") && text.chars().all(plain);
    path.is_empty()
        || path
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(segment))
}

fn limits(section: &mut Section<'_>) -> Limits {
    let limits = Limits {
        max_gathered: section.count_or("max_gathered", 10_000, 1..=1_000_000),
        max_pages_per_source: section.count_or("max_pages_per_source", 10_000, 1..=1_000_000),
        upstream_body: section.bytes_or("upstream_body", 8 << 20, 1 << 10..=1 << 30),
        upstream_in_flight: section.bytes_or("upstream_in_flight", 64 << 20, 1 << 10..=1 << 36),
    };
    if limits.upstream_in_flight < limits.upstream_body {
        section.problem(
            "upstream_in_flight",
            "must not be less than upstream_body: a full page would never fit",
        );
    }
    limits
}

fn log(section: &mut Section<'_>) -> Log {
    let formats = [("json", LogFormat::Json), ("pretty", LogFormat::Pretty)];
    let format = section.choice("format", LogFormat::Json, &formats);
    let filter = section.string_or("filter", "info");
    // A word that is no level is taken for the name of a target, and all others are off: a typo would silence the log.
    let misspelt = |directive: &str| {
        let directive = directive.trim();
        directive.is_empty() || (!directive.contains(['=', '[']) && directive.parse::<LevelFilter>().is_err())
    };
    if EnvFilter::try_new(&filter).is_err() || filter.split(',').any(misspelt) {
        section.problem(
            "filter",
            "must be a log filter such as \"info\" or \"warn,loangate=debug\"",
        );
    }
    Log { format, filter }
}

fn cursor(section: &mut Section<'_>, backend: CacheBackend) -> Cursor {
    let keys = section.secrets("keys");
    if backend == CacheBackend::Redis && !section.has("keys") {
        section.problem(
            "keys",
            "is required with cache.backend = \"redis\": each gateway has to read the cursors of the others",
        );
    }
    if keys.iter().any(|key| key.expose_secret().len() < MIN_CURSOR_KEY) {
        section.problem(
            "keys",
            format!("each must have at least {MIN_CURSOR_KEY} characters"),
        );
    }
    Cursor {
        ttl: section.duration_or("ttl", Duration::from_mins(15), SECOND..=DAY),
        keys,
    }
}

/// A key that can be guessed lets anybody make cursors.
const MIN_CURSOR_KEY: usize = 16;
