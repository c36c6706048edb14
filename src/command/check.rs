//! `loangate check`

use std::path::Path;
use std::process::ExitCode;

use loangate::app;
use loangate::config::{self, Document};
use loangate::gather::Held;
use loangate::upstream::Error;

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
    let (provider, fleet, store) = (opened.provider.clone(), opened.fleet.clone(), opened.store());
    let gateway = opened.gateway(Held::new(ttl));
    let count = gateway.connections().count();
    super::say(&format!("{} is fine: {count} connections.", path.display()));
    if !probe {
        return ExitCode::SUCCESS;
    }
    let mut reachable = true;
    let mut say = |name: &str, answer: Result<String, String>| {
        reachable &= answer.is_ok();
        let (Ok(word) | Err(word)) = answer;
        super::say(&format!("  {name:<16} {word}"));
    };
    let failed = |error: &Error| format!("{}: {}", error.kind.as_str(), error.detail());
    if let Some(provider) = provider {
        let keys = provider.probe().await;
        let keys = keys.map(|keys| format!("ok, {keys} keys"));
        say("auth.jwt", keys.map_err(|error| failed(&error)));
    }
    if let Some(fleet) = fleet {
        let answer = fleet.probe().await.map(|()| "ok".to_owned());
        say("redis", answer.map_err(str::to_owned));
    }
    if let Some(store) = store {
        let opened = store.open().await.map(|()| "ok".to_owned());
        say("store", opened.map_err(|why| why.to_string()));
    }
    for source in gateway.probe().await {
        let answer = match (&source.error, source.reason) {
            (Some(error), _) => Err(failed(error)),
            (None, Some(reason)) => Ok(format!("not asked ({})", reason.as_str())),
            (None, None) => Ok(format!("ok, {} ms", source.elapsed.as_millis())),
        };
        say(&source.connection, answer);
    }
    if reachable {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    }
}
