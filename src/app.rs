//! The gateway as a whole: built from a config, served on a listener, reloaded and stopped without losing a request.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use tokio::net::TcpListener;

use crate::api::{Api, Lifecycle};
use crate::config::{self, Config, Document, Problems};
use crate::gather::{Ages, Connection, Gateway, Limits};
use crate::server::{self, Patience, Routes, Stop};
use crate::upstream::Shared;

/// A gateway that is ready to be served.
#[derive(Debug)]
pub struct App {
    /// What it was told.
    pub config: Config,
    lifecycle: Lifecycle,
    routes: Routes,
}

/// Replaces what a running gateway serves.
#[derive(Debug, Clone)]
pub struct Reloader {
    lifecycle: Lifecycle,
    routes: Routes,
    listen: SocketAddr,
}

impl App {
    /// Builds a gateway, or reports every problem of its config.
    pub fn build(document: &Document) -> Result<Self, Problems> {
        let (config, gateway) = gateway(document)?;
        let lifecycle = Lifecycle::new(config.server.max_in_flight);
        let routes = Arc::new(ArcSwap::from_pointee(routes(&config, gateway, &lifecycle)));
        Ok(Self {
            config,
            lifecycle,
            routes,
        })
    }

    /// Where the config says to listen.
    pub fn listen(&self) -> SocketAddr {
        self.config.server.listen
    }

    /// A handle that replaces the config while this app is served.
    pub fn reloader(&self) -> Reloader {
        Reloader {
            lifecycle: self.lifecycle.clone(),
            routes: Arc::clone(&self.routes),
            listen: self.config.server.listen,
        }
    }

    /// Serves until `stop` ends, then drains: not ready, connections not kept, listener closed after the drain delay,
    /// requests in hand finished within the grace.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let stopping = Stop {
            drain_delay: self.config.server.drain_delay,
            grace: self.config.server.shutdown_grace,
        };
        let lifecycle = self.lifecycle;
        server::serve(listener, self.routes, Patience::default(), stopping, stop, || {
            tracing::info!("draining");
            lifecycle.drain();
        })
        .await;
    }
}

impl Reloader {
    /// Serves new requests from this config, and lets those in hand finish with the old one. On any problem the old
    /// config stays. The listen address and the in-flight limit are those of the start.
    pub fn reload(&self, document: &Document) -> Result<Config, Problems> {
        let (config, gateway) = gateway(document)?;
        if config.server.listen != self.listen {
            tracing::warn!("server.listen changed; it takes effect at the next start");
        }
        self.routes
            .store(Arc::new(routes(&config, gateway, &self.lifecycle)));
        Ok(config)
    }
}

fn routes(config: &Config, gateway: Gateway, lifecycle: &Lifecycle) -> Router {
    // Without authentication the only thing that says who may see people's data is where we listen.
    let personal_allowed = config.server.listen.ip().is_loopback();
    Api::new(gateway, personal_allowed, lifecycle.clone()).router(&config.server.base_path)
}

/// The connections of a config, open and ready to be asked.
pub fn gateway(document: &Document) -> Result<(Config, Gateway), Problems> {
    let mut shared = None;
    let (config, connections) = config::read(document, |limits, id, section| {
        let shared =
            shared.get_or_insert_with(|| Shared::new(limits.upstream_in_flight, limits.upstream_body));
        Connection::open(id, section, limits.upstream_body, shared)
    })?;
    let limits = Limits {
        deadline: config.server.deadline,
        max_gathered: config.limits.max_gathered,
        max_pages: u32::try_from(config.limits.max_pages_per_source).unwrap_or(u32::MAX),
    };
    let ages = Ages {
        max_age: config.cache.max_age,
        stale_if_error: config.cache.stale_if_error,
    };
    let gateway = Gateway::new(connections, limits, ages);
    Ok((config, gateway))
}
