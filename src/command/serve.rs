//! `loangate serve`

use std::path::Path;
use std::process::ExitCode;

use loangate::app::App;
use loangate::config::{self, Document};
use tokio::net::TcpListener;

pub(super) async fn run(path: &Path) -> ExitCode {
    let app =
        match Document::load(Some(path), config::environment()).and_then(|document| App::build(&document)) {
            Ok(app) => app,
            Err(problems) => return super::fail(&format!("{} cannot be used:\n{problems}", path.display())),
        };
    super::start_log(&app.config.log);
    for warning in &app.config.warnings {
        tracing::warn!("{warning}");
    }
    let listener = match TcpListener::bind(app.listen()).await {
        Ok(listener) => listener,
        Err(error) => return super::fail(&format!("cannot listen on {}: {error}", app.listen())),
    };
    tracing::info!(listen = %app.listen(), version = env!("CARGO_PKG_VERSION"), "ready");
    match app.serve(listener, super::stop_signal()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::fail(&format!("the server ended: {error}")),
    }
}
