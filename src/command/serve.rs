//! `loangate serve`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use loangate::app::{App, Reloader};
use loangate::config::{self, Document, Problems};
use loangate::server;

pub(super) async fn run(path: &Path) -> ExitCode {
    let app = match load(path).and_then(|document| App::build(&document)) {
        Ok(app) => app,
        Err(problems) => return super::fail(&format!("{} cannot be used:\n{problems}", path.display())),
    };
    super::log::start(&app.config.log);
    if let Err(problems) = app.open_store().await {
        return super::fail(&format!("{} cannot be used:\n{problems}", path.display()));
    }
    for warning in &app.config.warnings {
        tracing::warn!("{warning}");
    }
    let listener = match server::listen(app.listen()) {
        Ok(listener) => listener,
        Err(error) => return super::fail(&format!("cannot listen on {}: {error}", app.listen())),
    };
    // A configured port 0 is another one by now.
    let listen = listener.local_addr().unwrap_or(app.listen());
    tracing::info!(%listen, version = env!("CARGO_PKG_VERSION"), "ready");
    let reloads = tokio::spawn(reload_on_hangup(path.to_owned(), app.reloader()));
    app.serve(listener, super::stop_signal()).await;
    reloads.abort();
    ExitCode::SUCCESS
}

fn load(path: &Path) -> Result<Document, Problems> {
    Document::load(Some(path), config::environment())
}

/// SIGHUP reads the config again. A bad one changes nothing but the log.
#[cfg(unix)]
async fn reload_on_hangup(path: PathBuf, reloader: Reloader) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut hangups) = signal(SignalKind::hangup()) else {
        tracing::warn!("SIGHUP cannot be listened to; the config is read at the start only");
        return;
    };
    while hangups.recv().await.is_some() {
        match reload(&path, &reloader).await {
            Ok(()) => tracing::info!("config reloaded"),
            Err(problems) => {
                for problem in &problems.0 {
                    tracing::error!(key = problem.key, detail = problem.detail, "config not reloaded");
                }
            }
        }
    }
}

/// A store that cannot be opened is a problem like any other.
#[cfg(unix)]
async fn reload(path: &Path, reloader: &Reloader) -> Result<(), Problems> {
    let document = load(path)?;
    reloader.open_store(&document).await?;
    reloader.reload(&document).map(drop)
}

#[cfg(not(unix))]
async fn reload_on_hangup(_: PathBuf, _: Reloader) {}
