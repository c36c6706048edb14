//! The binary as an operator meets it.

use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Answer, EXAMPLE, fetch};

const PATIENCE: Duration = Duration::from_secs(20);

pub fn loangate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loangate"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LOANGATE__")) {
        command.env_remove(name);
    }
    command
}

fn run(arguments: &[&str]) -> Output {
    loangate(arguments).output().unwrap()
}

/// A running binary, killed when the test is over.
pub struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Running {
    /// Starts it and reads its standard output or, with `log`, its standard error.
    pub fn start(mut command: Command, log: bool) -> Self {
        let (piped, null) = (Stdio::piped, Stdio::null);
        let mut child = if log {
            command.stdout(null()).stderr(piped()).spawn().unwrap()
        } else {
            command.stdout(piped()).stderr(null()).spawn().unwrap()
        };
        let output: Box<dyn Read + Send> = if log {
            Box::new(child.stderr.take().unwrap())
        } else {
            Box::new(child.stdout.take().unwrap())
        };
        let (send, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    /// The next line; `None` at the end of the output.
    pub fn line(&self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("nothing was written for {PATIENCE:?}"),
        }
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits for the end of the output, which is the end of the process, and gives its exit code.
    pub fn exit_code(&mut self) -> Option<i32> {
        while self.line().is_some() {}
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The example config on a port the system picks.
pub fn example(directory: &tempfile::TempDir) -> PathBuf {
    let path = directory.path().join("loangate.toml");
    let server = "[server]\nlisten = \"127.0.0.1:0\"\ndrain_delay = \"0ms\"\n\n[auth]";
    std::fs::write(&path, EXAMPLE.replace("[auth]", server)).unwrap();
    path
}

/// The address in the line that says that it is ready.
pub fn ready(running: &Running) -> SocketAddr {
    loop {
        let line = running.line().expect("it ended before it was ready");
        let event: Value = serde_json::from_str(&line).unwrap();
        if event["message"] == "ready" {
            return event["listen"].as_str().unwrap().parse().unwrap();
        }
    }
}

#[test]
fn check_finds_the_example_fine() {
    let output = run(&["check", "--config", "config/example.toml"]);
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{out}{error}");
    assert_eq!(out, "config/example.toml is fine: 5 connections.\n");
    assert_eq!(error, "");
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_owned()).unwrap()
}

#[test]
fn check_prints_every_problem_with_its_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bad.toml");
    let config = r#"
        [server]
        listen = "here"
        deadlines = "1s"
        [auth]
        mode = "none"
        [connections.bsa]
        provider = "bsa"
        base_url = "http://api.example.com"
        email = "someone@example.com"
        password = "SECRET-mark"
        timeout = "fast"
        [connections.Other]
        provider = "acme"
        [connections.goscore]
        provider = "goscore"
        secret_key = "SECRET-mark\u0001"
        references = ["customer:1"]
        [limits]
        upstream_body = "1"
    "#;
    std::fs::write(&path, config).unwrap();
    let output = run(&["check", "--config", path.to_str().unwrap()]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert_eq!(text(&output.stdout), "");
    for key in [
        "server.listen:",
        "server.deadlines: ",
        "connections.bsa.base_url:",
        "connections.bsa.timeout:",
        "connections.Other:",
        "connections.Other.provider:",
        "connections.goscore.client_id:",
        "connections.goscore.secret_key:",
        "connections.goscore.references:",
        "limits.upstream_body:",
    ] {
        assert!(
            error.lines().any(|line| line.starts_with(key)),
            "{key} is not in {error}"
        );
    }
    assert!(error.contains("did you mean server.deadline?"), "{error}");
    assert!(!error.contains("SECRET-mark"), "{error}");
}

#[test]
fn overrides_are_problems_too() {
    let mut command = loangate(&["check", "--config", "config/example.toml"]);
    let output = command
        .env("LOANGATE__SERVER__LISTEN", "nowhere")
        .env("LOANGATE__CONNECTIONS__BSA__COLOUR", "red")
        .output()
        .unwrap();
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("(from LOANGATE__SERVER__LISTEN)"), "{error}");
    assert!(
        error.contains("(from LOANGATE__CONNECTIONS__BSA__COLOUR)"),
        "{error}"
    );
}

#[test]
fn a_config_that_is_not_there() {
    for command in ["check", "serve"] {
        let output = run(&[command, "--config", "/nonexistent/loangate.toml"]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(
            text(&output.stderr).contains("/nonexistent/loangate.toml"),
            "{output:?}"
        );
    }
}

#[test]
fn nothing_is_served_beyond_loopback_without_authentication() {
    let mut command = loangate(&["serve", "--config", "config/example.toml"]);
    let output = command
        .env("LOANGATE__SERVER__LISTEN", "0.0.0.0:0")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("auth.mode:"), "{output:?}");
}

#[tokio::test]
async fn every_line_the_demo_prints_answers() {
    let demo = Running::start(loangate(&["demo", "--listen", "127.0.0.1:0"]), false);
    let mut urls = Vec::new();
    while let Some(line) = demo.line() {
        if let Some(command) = line.trim().strip_prefix("curl -s '") {
            urls.push(command.strip_suffix('\'').unwrap().to_owned());
        } else if !urls.is_empty() && line.is_empty() {
            break;
        }
    }
    assert!(urls.len() >= 7, "{urls:?}");
    for url in &urls {
        let answer: Answer = fetch(url).await;
        let path = url.splitn(4, '/').last().unwrap();
        match path {
            "loans?ref=goscore:consent:consent-in-progress" => {
                answer.assert_problem(503, "upstream_unavailable");
            }
            "loans?limit=0&colour=red" => {
                answer.assert_problem(400, "invalid_request");
                assert_eq!(answer.json()["errors"].as_array().unwrap().len(), 2);
            }
            "customers/ada" => assert_eq!(answer.status, 200),
            "loans/summary?customer=ada" => answer.assert_complete(),
            "connections" => {
                assert_eq!(answer.status, 200);
                assert_eq!(answer.loans().len(), 5);
            }
            "loans?connection=bsa,carbon&limit=5" | "loans" => {
                answer.assert_complete();
                assert!(answer.loans().len() > 2, "{answer:?}");
            }
            _ => {
                answer.assert_complete();
                assert!(!answer.loans().is_empty(), "{answer:?}");
            }
        }
    }
    assert!(urls.iter().any(|url| url.ends_with("/loans")), "{urls:?}");
}

#[tokio::test]
async fn the_simulators_alone() {
    let simulators = Running::start(
        loangate(&["simulate", "--port", "0", "--fault", "bsa=429"]),
        false,
    );
    let first = simulators.line().unwrap();
    let address = first.split("http://").nth(1).unwrap().split(';').next().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("probe.toml");
    std::fs::write(&path, EXAMPLE.replace("127.0.0.1:9090", address)).unwrap();
    let mut command = loangate(&["check", "--probe", "--config", path.to_str().unwrap()]);
    let output = command
        .env("LOANGATE__CONNECTIONS__BSA__RETRY__ATTEMPTS", "1")
        .output()
        .unwrap();
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{out}");
    for provider in ["belvo", "carbon", "fineract", "goscore"] {
        let fine = |line: &str| line.trim().starts_with(provider) && line.contains(" ok, ");
        assert!(out.lines().any(fine), "{out}");
    }
    assert!(out.contains("upstream_rate_limited"), "{out}");
}

#[tokio::test]
async fn serve_ends_well_on_a_signal() {
    let directory = tempfile::tempdir().unwrap();
    let path = example(&directory);
    for name in ["TERM", "INT"] {
        let mut serving = Running::start(loangate(&["serve", "--config", path.to_str().unwrap()]), true);
        let address = ready(&serving);
        assert_eq!(fetch(&format!("http://{address}/livez")).await.status, 200);
        assert_eq!(fetch(&format!("http://{address}/readyz")).await.status, 200);
        serving.signal(name);
        assert_eq!(serving.exit_code(), Some(0), "{name}");
    }
}

/// A key is made, opens, and is revoked, with nothing but the program and its config.
#[tokio::test]
async fn a_hangup_reads_the_config_again_and_what_is_gone_from_it_no_longer_opens() {
    let made = run(&["hash-key", "--new"]);
    let made: toml::Table = text(&made.stdout).parse().unwrap();
    let [key, hash] = ["key", "key_hash"].map(|name| made[name].as_str().unwrap().to_owned());
    let directory = tempfile::tempdir().unwrap();
    let path = example(&directory);
    let config = std::fs::read_to_string(&path).unwrap();
    let with = |hash: &str| {
        let client = format!(
            "[[auth.clients]]\nid = \"one\"\nkey_hash = \"{hash}\"\nscopes = [\"metrics:read\"]\nconnections = []\n"
        );
        std::fs::write(&path, config.replace("mode = \"none\"\n", &client)).unwrap();
    };
    with(&hash);
    let serving = Running::start(loangate(&["serve", "--config", path.to_str().unwrap()]), true);
    let url = format!("http://{}/metrics", ready(&serving));
    let asked = async || {
        let request = reqwest::Client::builder().no_proxy().build().unwrap().get(&url);
        request.bearer_auth(&key).send().await.unwrap().status().as_u16()
    };
    let until = |message: &str| {
        while let Some(line) = serving.line() {
            assert!(!line.contains(&key) && !line.contains(&hash), "{line}");
            if line.contains(message) {
                return;
            }
        }
        panic!("it ended");
    };
    assert_eq!(asked().await, 200);
    with("not a hash");
    serving.signal("HUP");
    until("config not reloaded");
    assert_eq!(asked().await, 200);
    with(&format!("sha256:{}", "0".repeat(64)));
    serving.signal("HUP");
    until("config reloaded");
    assert_eq!(asked().await, 401);
}

#[test]
fn help_and_version() {
    let version = run(&["--version"]);
    assert_eq!(
        text(&version.stdout),
        format!("loangate {}\n", env!("CARGO_PKG_VERSION"))
    );
    let help = text(&run(&["--help"]).stdout);
    for command in ["demo", "serve", "simulate", "check", "hash-key", "healthcheck"] {
        assert!(help.contains(command), "{help}");
    }
    assert_eq!(run(&["--nonsense"]).status.code(), Some(2));
}
