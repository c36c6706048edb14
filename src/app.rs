//! The gateway as a whole: built from a config, served on a listener, stopped without losing a request.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::api::Api;
use crate::config::{self, Config, Document, Problems};
use crate::gather::{Connection, Gateway, Limits};

/// A gateway that is ready to be served.
#[derive(Debug)]
pub struct App {
    /// What it was told.
    pub config: Config,
    api: Api,
}

impl App {
    /// Builds a gateway, or reports every problem of its config.
    pub fn build(document: &Document) -> Result<Self, Problems> {
        let (config, gateway) = gateway(document)?;
        // Without authentication the only thing that says who may see people's data is where we listen.
        let personal_allowed = config.server.listen.ip().is_loopback();
        let api = Api::new(gateway, personal_allowed, config.server.max_in_flight);
        Ok(Self { config, api })
    }

    /// The routes, for whoever serves them.
    pub fn router(&self) -> Router {
        self.api.clone().router(&self.config.server.base_path)
    }

    /// Where the config says to listen.
    pub fn listen(&self) -> SocketAddr {
        self.config.server.listen
    }

    /// Serves until `stop`, then drains: not ready, connections not kept, listener closed after the drain delay,
    /// requests in flight finished within the grace.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()> + Send) -> io::Result<()> {
        let router = self.router();
        let (close, closed) = oneshot::channel::<()>();
        let server = axum::serve(listener, router).with_graceful_shutdown(async move {
            // A dropped sender means that the server itself ended.
            let _ = closed.await;
        });
        let server = tokio::spawn(async move { server.await });
        stop.await;
        tracing::info!("draining");
        self.api.drain();
        tokio::time::sleep(self.config.server.drain_delay).await;
        // The server may have ended by itself; then there is nobody to tell.
        let _ = close.send(());
        finish(server, self.config.server.shutdown_grace).await
    }
}

async fn finish(server: tokio::task::JoinHandle<io::Result<()>>, grace: Duration) -> io::Result<()> {
    match tokio::time::timeout(grace, server).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(_)) => Err(io::Error::other("the server task ended unexpectedly")),
        Err(_) => {
            tracing::warn!("requests still in flight were cut at the end of the grace");
            Ok(())
        }
    }
}

/// The connections of a config, open and ready to be asked.
pub fn gateway(document: &Document) -> Result<(Config, Gateway), Problems> {
    let (config, connections) = config::read(document, |limits, id, section| {
        Connection::open(id, section, limits.upstream_body)
    })?;
    let limits = Limits {
        deadline: config.server.deadline,
        max_gathered: config.limits.max_gathered,
        max_pages: u32::try_from(config.limits.max_pages_per_source).unwrap_or(u32::MAX),
    };
    Ok((config, Gateway::new(connections, limits)))
}
