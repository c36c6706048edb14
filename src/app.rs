//! The gateway as a whole: built from a config, served on a listener, reloaded and stopped without losing a request.

mod sharing;
mod stores;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::api::cursor::Cursors;
use crate::api::{Access, Api, Lifecycle, Limit, Meters, Scope, Settings};
use crate::config::{
    self, AccessScope, AuthClient, AuthMode, Config, Document, Jwt, KeyHash, Origin, Problem, Problems,
    RateLimit,
};
use crate::fleet::Fleet;
use crate::gather::{Ages, Connection, Gateway, Held, Limits, Outbound, courier};
use crate::identity::{Expected, Kept, Names, Patience as KeyPatience, Provider, Tokens};
use crate::server::{self, Patience, Routes, Stop};
use crate::store::{Keeper, Namespace, Store};
use crate::telemetry::{self, Exporter, Telemetry};
use sharing::KeptFleet;

use stores::Stores;

/// No client of a config or of a token can have this id.
const OWNER: &str = "(owner)";

/// How long the last spans may take to be handed over; nobody waits longer for the process to end.
const FLUSH: Duration = Duration::from_secs(2);

/// A gateway that is ready to be served.
#[derive(Debug)]
pub struct App {
    /// What it was told.
    pub config: Config,
    lasting: Lasting,
    access: Access,
    routes: Routes,
    exporter: Option<Exporter>,
    fleet: Option<Fleet>,
}

/// What outlives a reload: where we listen, the requests in hand, what cursors name, the key they are signed with if the
/// config names none, what the limits of clients stand at, the identity provider's keys, the key of whoever started this
/// gateway for itself, the way to what a fleet shares, and what was counted.
#[derive(Debug, Clone)]
struct Lasting {
    listen: SocketAddr,
    lifecycle: Lifecycle,
    held: Held,
    cursor_key: SecretString,
    meters: Meters,
    provider_keys: Kept,
    owner: Option<KeyHash>,
    fleet: KeptFleet,
    telemetry: Telemetry,
    tracing: config::Telemetry,
    stores: Stores,
}

/// Replaces what a running gateway serves.
#[derive(Debug, Clone)]
pub struct Reloader {
    lasting: Lasting,
    routes: Routes,
}

impl App {
    /// Builds a gateway, or reports every problem of its config.
    pub fn build(document: &Document) -> Result<Self, Problems> {
        Self::build_for(document, None)
    }

    /// Builds a gateway that also lets in, to everything, who has the key of this hash: for a program that starts one
    /// for itself from a config whose keys it does not have.
    pub fn build_for(document: &Document, owner: Option<KeyHash>) -> Result<Self, Problems> {
        let (telemetry, fleet) = (Telemetry::default(), KeptFleet::default());
        let opened = open_for(document, &telemetry, &fleet)?;
        let exporter = exporter(&opened.config.telemetry, &telemetry)?;
        let lasting = Lasting {
            listen: opened.config.server.listen,
            lifecycle: Lifecycle::new(opened.config.server.max_in_flight),
            held: Held::new(opened.config.cursor.ttl),
            cursor_key: Cursors::random_key(),
            meters: Meters::default(),
            provider_keys: Kept::default(),
            owner,
            fleet,
            tracing: opened.config.telemetry.clone(),
            telemetry,
            stores: Stores::default(),
        };
        let (config, fleet) = (opened.config.clone(), opened.fleet.clone());
        let access = access(&opened, &lasting);
        let routes = routes(opened, access.clone(), &lasting);
        Ok(Self {
            fleet,
            config,
            lasting,
            access,
            routes: Arc::new(ArcSwap::from_pointee(routes)),
            exporter,
        })
    }

    /// Opens the store, if there is one, and brings its tables up. Without this it is opened by the first question.
    pub async fn open_store(&self) -> Result<(), Problems> {
        self.lasting.stores.open(self.config.store.as_ref()).await
    }

    /// Where the config says to listen.
    pub fn listen(&self) -> SocketAddr {
        self.config.server.listen
    }

    /// A handle that replaces the config while this app is served.
    pub fn reloader(&self) -> Reloader {
        Reloader {
            lasting: self.lasting.clone(),
            routes: Arc::clone(&self.routes),
        }
    }

    /// Serves until `stop` ends, then drains: not ready, connections not kept, listener closed after the drain delay,
    /// requests in hand finished within the grace.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let stopping = Stop {
            drain_delay: self.config.server.drain_delay,
            grace: self.config.server.shutdown_grace,
        };
        let exporting = self.exporter.map(|exporter| {
            let (stop, stopped) = oneshot::channel();
            (stop, tokio::spawn(exporter.run(stopped)))
        });
        if self.lasting.owner.is_none() {
            self.access.warm();
        }
        if let Some(fleet) = &self.fleet {
            fleet.connect();
        }
        let lifecycle = self.lasting.lifecycle;
        server::serve(listener, self.routes, Patience::default(), stopping, stop, || {
            tracing::info!("draining");
            lifecycle.drain();
        })
        .await;
        if let Some((stop, exported)) = exporting {
            let _ = stop.send(());
            if timeout(FLUSH, exported).await.is_err() {
                tracing::warn!("the last spans could not be handed over in time");
            }
        }
    }
}

impl Reloader {
    /// Opens the store of this config, if it has another than the one in use.
    pub async fn open_store(&self, document: &Document) -> Result<(), Problems> {
        let opened = open_for(document, &self.lasting.telemetry, &self.lasting.fleet)?;
        self.lasting.stores.open(opened.config.store.as_ref()).await
    }

    /// Serves new requests from this config, and lets those in hand finish with the old one. On any problem the old
    /// config stays. The listen address, the in-flight limit, the life of cursors and where traces go are those of the start.
    pub fn reload(&self, document: &Document) -> Result<Config, Problems> {
        let opened = open_for(document, &self.lasting.telemetry, &self.lasting.fleet)?;
        let config = opened.config.clone();
        if config.auth.exposed_at(self.lasting.listen) {
            return Err(Problems::exposed());
        }
        if config.server.listen != self.lasting.listen {
            tracing::warn!("server.listen changed; it takes effect at the next start");
        }
        if config.telemetry != self.lasting.tracing {
            tracing::warn!("telemetry changed; it takes effect at the next start");
        }
        let access = access(&opened, &self.lasting);
        self.routes.store(Arc::new(routes(opened, access, &self.lasting)));
        Ok(config)
    }
}

/// What hands traces over, if the config says where to.
fn exporter(config: &config::Telemetry, telemetry: &Telemetry) -> Result<Option<Exporter>, Problems> {
    let Some(endpoint) = config.otlp_endpoint.clone() else {
        return Ok(None);
    };
    let settings = telemetry::Settings {
        endpoint,
        headers: config.otlp_headers.clone(),
        service_name: config.service_name.clone(),
        share: config.share,
        timeout: config.timeout,
    };
    let client = courier(config.timeout).map_err(|_| no_client("telemetry.otlp_endpoint"))?;
    Ok(telemetry.trace(settings, client))
}

fn routes(opened: Opened, access: Access, lasting: &Lasting) -> Router {
    let config = &opened.config;
    let keys = match config.cursor.keys.as_slice() {
        [] => std::slice::from_ref(&lasting.cursor_key),
        keys => keys,
    };
    let cursors = Cursors::new(keys, config.cursor.ttl);
    let (server, console) = (config.server.clone(), config.console.enabled);
    let config_store = config.store.clone();
    let gateway = opened.gateway(lasting.held.clone());
    let (lifecycle, telemetry) = (lasting.lifecycle.clone(), lasting.telemetry.clone());
    let store = lasting.stores.of(config_store.as_ref());
    Api::new(gateway, access, cursors, lifecycle, telemetry)
        .with_store(store.map(|store| -> Arc<dyn Store> { store }))
        .behind(&server.trusted_proxies)
        .with_console(console)
        .router(&server.base_path)
}

/// Who may ask for what.
fn access(opened: &Opened, lasting: &Lasting) -> Access {
    lasting.meters.share(opened.fleet.clone());
    let auth = &opened.config.auth;
    let owner = lasting.owner.map(|key| Settings {
        id: OWNER.to_owned(),
        keys: vec![key.bytes()],
        scopes: vec![Scope::LoansRead, Scope::PersonalRead],
        connections: None,
        limit: Limit::default(),
        customers: Namespace::of_client(OWNER),
    });
    match (auth.mode, &auth.jwt, &opened.provider) {
        // Without authentication the only thing that says who may see people's data is where we listen, whatever a new
        // config says.
        (AuthMode::None, ..) => Access::everyone(lasting.listen.ip().to_canonical().is_loopback()),
        (AuthMode::Jwt, Some(jwt), Some(provider)) => {
            let tokens = tokens(jwt, provider, &lasting.provider_keys);
            let connections = opened
                .connections
                .iter()
                .map(|connection| connection.id.to_string());
            let limit = limit(jwt.rate_limit, jwt.max_concurrency);
            Access::tokens(tokens, connections.collect(), limit, &lasting.meters, owner)
        }
        // A config of mode jwt is never without a provider; if it were, nobody is let in.
        (AuthMode::Jwt, ..) => Access::clients(owner.into_iter().collect(), &lasting.meters),
        (AuthMode::ApiKey, ..) => {
            let clients = auth.clients.iter().map(client).chain(owner);
            Access::clients(clients.collect(), &lasting.meters)
        }
    }
}

fn tokens(jwt: &Jwt, provider: &Provider, kept: &Kept) -> Tokens {
    let expected = Expected {
        issuer: jwt.issuer.clone(),
        audiences: jwt.audiences.clone(),
        leeway: jwt.leeway,
        names: Names {
            client: jwt.client_claim.clone(),
            scopes: jwt.scope_claim.clone(),
            connections: jwt.connections_claim.clone(),
        },
    };
    let patience = KeyPatience {
        max_age: jwt.jwks_max_age,
        stale_if_error: jwt.jwks_stale_if_error,
        min_pause: jwt.jwks_min_pause,
    };
    Tokens::new(expected, provider.clone(), patience, kept)
}

fn client(client: &AuthClient) -> Settings {
    let scope = |scope: &AccessScope| match scope {
        AccessScope::LoansRead => Scope::LoansRead,
        AccessScope::PersonalRead => Scope::PersonalRead,
        AccessScope::CustomersWrite => Scope::CustomersWrite,
        AccessScope::MetricsRead => Scope::MetricsRead,
    };
    Settings {
        id: client.id.clone(),
        keys: client.keys.iter().map(|key| key.bytes()).collect(),
        scopes: client.scopes.iter().map(scope).collect(),
        connections: client.connections.clone(),
        limit: limit(client.rate_limit, client.max_concurrency),
        customers: match &client.customers {
            Some(name) => Namespace::shared(name),
            None => Namespace::of_client(&client.id),
        },
    }
}

fn limit(rate: Option<RateLimit>, concurrency: Option<usize>) -> Limit {
    Limit {
        rate: rate.map(|limit| (limit.per_second, limit.burst)),
        concurrency,
    }
}

/// A config and its connections, open and ready to be asked.
#[derive(Debug)]
pub struct Opened {
    /// The config.
    pub config: Config,
    /// Where the keys come from that tokens are checked with, if tokens are taken.
    pub provider: Option<Provider>,
    /// The fleet that it is one of, if it shares anything.
    pub fleet: Option<Fleet>,
    connections: Vec<Connection>,
    telemetry: Telemetry,
}

/// Opens the connections of a config, or reports every problem of it.
pub fn open(document: &Document) -> Result<Opened, Problems> {
    open_for(document, &Telemetry::default(), &KeptFleet::default())
}

fn open_for(document: &Document, telemetry: &Telemetry, fleet: &KeptFleet) -> Result<Opened, Problems> {
    let mut shared = None;
    let (config, connections) = config::read(document, |limits, id, section| {
        let shared = shared.get_or_insert_with(|| {
            Outbound::new(limits.upstream_in_flight, limits.upstream_body, telemetry.clone())
        });
        Connection::open(id, section, limits.upstream_body, shared)
    })?;
    let jwt = config
        .auth
        .jwt
        .as_ref()
        .filter(|_| config.auth.mode == AuthMode::Jwt);
    let provider = jwt.map(|jwt| {
        let provider = Provider::at(jwt.jwks_url.clone(), jwt.jwks_timeout, telemetry.clone());
        provider.ok_or_else(|| no_client("auth.jwt.jwks_url"))
    });
    Ok(Opened {
        provider: provider.transpose()?,
        fleet: fleet.of(&config.cache, telemetry)?,
        config,
        connections,
        telemetry: telemetry.clone(),
    })
}

fn no_client(key: &str) -> Problems {
    Problems::new(vec![Problem {
        key: key.to_owned(),
        detail: "no HTTP client could be built on this machine".to_owned(),
        origin: Origin::File,
    }])
}

impl Opened {
    /// The store of the config, not opened yet.
    pub fn store(&self) -> Option<Arc<Keeper>> {
        Stores::default().of(self.config.store.as_ref())
    }

    /// The gateway over these connections; `held` is what cursors name.
    pub fn gateway(self, held: Held) -> Gateway {
        let config = self.config;
        let limits = Limits {
            deadline: config.server.deadline,
            max_gathered: config.limits.max_gathered,
            max_pages: u32::try_from(config.limits.max_pages_per_source).unwrap_or(u32::MAX),
        };
        let ages = Ages {
            max_age: config.cache.max_age,
            stale_if_error: config.cache.stale_if_error,
        };
        Gateway::new(self.connections, limits, ages, held, self.telemetry).sharing(self.fleet)
    }
}
