//! `loangate check`

use std::path::Path;
use std::process::ExitCode;

use loangate::app;
use loangate::config::{self, Document};
use loangate::gather::Held;

pub(super) async fn run(path: &Path, probe: bool) -> ExitCode {
    let opened = Document::load(Some(path), config::environment()).and_then(|document| app::open(&document));
    let opened = match opened {
        Ok(opened) => opened,
        Err(problems) => return super::fail(&format!("{} cannot be used:\n{problems}", path.display())),
    };
    let ttl = opened.config.cursor.ttl;
    for warning in &opened.config.warnings {
        super::say(&format!("warning: {warning}"));
    }
    let provider = opened.provider.clone();
    let store = opened.store();
    let gateway = opened.gateway(Held::new(ttl));
    let count = gateway.connections().count();
    super::say(&format!("{} is fine: {count} connections.", path.display()));
    if !probe {
        return ExitCode::SUCCESS;
    }
    let mut reachable = true;
    if let Some(provider) = provider {
        let word = match provider.probe().await {
            Ok(keys) => format!("ok, {keys} keys"),
            Err(error) => {
                reachable = false;
                format!("{}: {}", error.kind.as_str(), error.detail())
            }
        };
        super::say(&format!("  {:<16} {word}", "auth.jwt"));
    }
    if let Some(store) = store {
        let word = match store.open().await {
            Ok(()) => "ok".to_owned(),
            Err(why) => {
                reachable = false;
                why.to_string()
            }
        };
        super::say(&format!("  {:<16} {word}", "store"));
    }
    for source in gateway.probe().await {
        let word = match (&source.error, source.reason) {
            (Some(error), _) => {
                reachable = false;
                format!("{}: {}", error.kind.as_str(), error.detail())
            }
            (None, Some(reason)) => format!("not asked ({})", reason.as_str()),
            (None, None) => format!("ok, {} ms", source.elapsed.as_millis()),
        };
        super::say(&format!("  {:<16} {word}", source.connection));
    }
    if reachable {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    }
}
