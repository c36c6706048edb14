//! The gateway behind nginx, with the file that `deploy/nginx/` ships.
//!
//! `LOANGATE_TEST_NGINX` names the binary. Without it these tests say that they are skipped; `.ci/run` has one.

mod passing;
mod stopping;
mod writing;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use crate::support::Answer;

pub(crate) const SHIPPED: &str = include_str!("../../../deploy/nginx/loangate.conf");
const SOON: Duration = Duration::from_secs(10);

/// The binary; `None`, and a line that nobody overlooks, where there is none to be had.
pub(crate) fn nginx() -> Option<OsString> {
    let binary = std::env::var_os("LOANGATE_TEST_NGINX");
    if binary.is_none() {
        // What `eprintln` writes is not shown of a test that passes.
        let line = b"SKIPPED: LOANGATE_TEST_NGINX names no nginx\n";
        std::io::stderr().write_all(line).unwrap();
    }
    binary
}

/// nginx in front of gateways, for as long as this lives.
pub(crate) struct Nginx {
    process: Child,
    address: SocketAddr,
    directory: tempfile::TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Nginx {
    /// In front of the gateways at these addresses; `None` where there is no nginx to be had.
    async fn before(gateways: &[SocketAddr]) -> Option<Self> {
        Self::of(SHIPPED, gateways).await
    }

    /// The same with this file.
    pub(crate) async fn of(file: &str, gateways: &[SocketAddr]) -> Option<Self> {
        let binary = nginx()?;
        let directory = tempfile::tempdir().unwrap();
        let address = own_address().await;
        let at = directory.path().display();
        // As the file says of several.
        let of_several = if gateways.len() > 1 { " max_fails=0" } else { "" };
        let servers = gateways.iter().fold(String::new(), |mut servers, gateway| {
            write!(servers, "server {gateway}{of_several};").unwrap();
            servers
        });
        let site = [
            (
                "listen 80 default_server;",
                format!("listen {address} default_server;"),
            ),
            ("server 127.0.0.1:8080;", servers),
            ("/var/log/nginx/", format!("{at}/")),
        ];
        let site = site.iter().fold(file.to_owned(), |text, (shipped, here)| {
            assert!(text.contains(shipped), "{shipped}");
            text.replace(shipped, here)
        });
        std::fs::write(directory.path().join("site.conf"), site).unwrap();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {at}/{name};"))
            .concat();
        // One process: it is gone when it is killed.
        // The logs are where Debian has them: open, above every site. And there is another site, which comes first.
        let main = format!(
            "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log;\nevents {{ worker_connections 512; }}\nhttp {{ {temporary} access_log {at}/access.log; server {{ listen {address}; server_name other.example; }} include {at}/site.conf; }}\n"
        );
        let path = directory.path().join("nginx.conf");
        std::fs::write(&path, main).unwrap();
        let mut process = Command::new(binary)
            .arg("-p")
            .arg(directory.path())
            .args(["-e", "stderr", "-c"])
            .arg(&path)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let listening = async {
            while TcpStream::connect(address).await.is_err() {
                assert!(process.try_wait().unwrap().is_none(), "nginx ended");
                tokio::task::yield_now().await;
            }
        };
        timeout(SOON, listening).await.unwrap();
        Some(Self {
            process,
            address,
            directory,
        })
    }

    /// The address of a path below the prefix.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/lending{path}", self.address)
    }

    async fn get(&self, path: &str) -> Answer {
        answered(caller(Ipv4Addr::LOCALHOST).get(self.url(path))).await
    }

    /// What is in all of its logs.
    async fn everything_written(&self) -> String {
        let mut all = String::new();
        for log in ["access.log", "error.log", "loangate.log", "loangate-error.log"] {
            all += &self.written(log).await;
        }
        all
    }

    /// What is in this one of its logs.
    async fn written(&self, log: &str) -> String {
        // A line is written after the answer, and before the next request is read.
        let _ = caller(Ipv4Addr::LOCALHOST).get(self.url("/livez")).send().await;
        std::fs::read_to_string(self.directory.path().join(log)).unwrap()
    }
}

/// An address of loopback that nobody else uses: between finding a free port and nginx taking it, it stays free.
pub(crate) async fn own_address() -> SocketAddr {
    let [one, two, three] = std::array::from_fn(|_| fastrand::u8(1..255));
    let listener = TcpListener::bind((Ipv4Addr::new(127, one, two, three), 0))
        .await
        .unwrap();
    listener.local_addr().unwrap()
}

/// A caller with connections of its own, from an address of its own.
fn caller(from: Ipv4Addr) -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .local_address(std::net::IpAddr::from(from))
        .pool_max_idle_per_host(0)
        .build()
        .unwrap()
}

/// What came, of the gateway or of nginx itself. Not held to the API's document: nginx adds a header of its own.
async fn answered(request: reqwest::RequestBuilder) -> Answer {
    let started = Instant::now();
    let response = request.send().await.unwrap();
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
        took: started.elapsed(),
    }
}

/// The numbers of the file are those of the gateway it stands before.
#[test]
fn the_shipped_file_follows_the_gateway() {
    let defaults: toml::Table = toml::from_str(include_str!("../../../config/default.toml")).unwrap();
    let listen = defaults["server"]["listen"].as_str().unwrap();
    assert!(SHIPPED.contains(&format!("    server {listen};")));
    let deadline = defaults["server"]["deadline"].as_str().unwrap();
    assert!(SHIPPED.contains(&format!("proxy_next_upstream_timeout {deadline};")));
    let idle = loangate::server::Patience::default().idle;
    assert!(SHIPPED.contains("keepalive_timeout 30s;") && idle > Duration::from_secs(30));
    assert!(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("deploy/nginx")
            .is_dir()
    );
}
