//! `loangate healthcheck`: whether a running gateway takes traffic, for container images that have no shell to ask with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use loangate::config::{self, Document};
use reqwest::{Client, Url};

/// Whom to ask, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The config of the gateway; only where it listens is read. Without it: the defaults and the environment.
    #[arg(long, env = "LOANGATE_CONFIG")]
    config: Option<PathBuf>,
    /// A gateway to ask instead, with its base path. Plain HTTP: the gateway itself speaks nothing else.
    #[arg(long)]
    url: Option<Url>,
    /// Milliseconds until it counts as dead.
    #[arg(long, default_value_t = 2000)]
    timeout_ms: u64,
}

/// Exit code of whatever is not well. Container engines know 0 and 1.
const UNWELL: u8 = 1;

pub(super) async fn run(options: &Options) -> ExitCode {
    match ask(options).await {
        Ok(line) => {
            super::say(&line);
            ExitCode::SUCCESS
        }
        Err(line) => {
            super::fail(&line);
            ExitCode::from(UNWELL)
        }
    }
}

async fn ask(options: &Options) -> Result<String, String> {
    let gateway = match &options.url {
        Some(url) => url.clone(),
        None => configured(options)?,
    };
    let mut url = gateway;
    url.path_segments_mut()
        .map_err(|()| "the address is not one of HTTP".to_owned())?
        .pop_if_empty()
        .push("readyz");
    let answer = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        // No CA store is read: it takes longer than the question.
        .tls_certs_only([])
        .timeout(Duration::from_millis(options.timeout_ms))
        .build()
        .map_err(|error| format!("no HTTP client: {error}"))?
        .get(url.clone())
        .send()
        .await
        .map_err(|error| {
            let why = if error.is_timeout() {
                "within its time"
            } else {
                "at all"
            };
            format!("{url} does not answer {why}")
        })?;
    let line = format!("{url} answers {}", answer.status());
    if answer.status().is_success() {
        Ok(line)
    } else {
        Err(line)
    }
}

/// Where the config says that the gateway listens. Whatever else is wrong with the file is not asked: a reload that was
/// refused leaves a gateway that is well.
fn configured(options: &Options) -> Result<Url, String> {
    let server = Document::load(options.config.as_deref(), config::environment())
        .and_then(|document| config::read_server(&document))
        .map_err(|problems| problems.to_string().trim().replace('\n', "; "))?;
    if server.listen.port() == 0 {
        return Err("server.listen has port 0, which is another one in fact; give --url".to_owned());
    }
    let address = reachable(server.listen);
    Url::parse(&format!("http://{address}{}", server.base_path)).map_err(|error| error.to_string())
}

/// Who listens everywhere listens on loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let address = match listen.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(address, listen.port())
}
