//! What `deploy/`, the `Dockerfile` and `compose.yaml` say, held against the gateway they start.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use loangate::app::App;
use loangate::config::{Config, Document, KeyHash};

fn text(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What follows this on the one line that has it.
fn after(path: &str, key: &str) -> String {
    let text = text(path);
    let mut found = text.lines().filter_map(|line| line.trim().strip_prefix(key));
    let value = found.next().unwrap_or_else(|| panic!("{path} has no {key}"));
    assert_eq!(found.next(), None, "{path} has several {key}");
    value.trim().to_owned()
}

fn seconds(text: &str) -> Duration {
    Duration::from_secs(text.trim_end_matches('s').parse().unwrap())
}

/// The gateway that a shipped config makes, with something in every file that it names.
fn config(path: &str, uncomment: bool) -> Config {
    let secrets = tempfile::tempdir().unwrap();
    let mut shipped = text(path);
    if uncomment {
        // "# key = value" and "# [table]" are settings to be; prose has neither.
        let setting = |line: &str| line.starts_with("# [") || line.split_once(" = ").is_some();
        shipped = shipped
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|_| setting(line)).unwrap_or(line))
            .fold(String::new(), |all, line| all + line + "\n");
    }
    let mut here = String::new();
    for line in shipped.lines() {
        match line.split_once("_file = \"") {
            Some((key, file)) => {
                let name = file.trim_end_matches('"').rsplit('/').next().unwrap();
                let holds = KeyHash::of("lgk_of-nobody").to_string();
                let path = secrets.path().join(name);
                fs::write(&path, holds).unwrap();
                writeln!(here, "{key}_file = \"{}\"", path.display()).unwrap();
            }
            None => writeln!(here, "{line}").unwrap(),
        }
    }
    let none: [(String, String); 0] = [];
    let document = Document::parse(&here, none).unwrap_or_else(|problems| panic!("{path}: {problems}"));
    App::build(&document)
        .unwrap_or_else(|problems| panic!("{path}: {problems}"))
        .config
}

const COMPOSE: &str = "deploy/compose/loangate.toml";
const BASE: &str = "deploy/kubernetes/base/loangate.toml";
const DEMO: &str = "deploy/kubernetes/overlays/demo/loangate.toml";
const DEPLOYMENT: &str = "deploy/kubernetes/base/deployment.yaml";

#[test]
fn every_shipped_config_starts_a_gateway_where_it_is_looked_for() {
    for (path, uncomment) in [(COMPOSE, false), (BASE, true), (DEMO, false)] {
        let config = config(path, uncomment);
        assert_eq!(config.server.listen.to_string(), "0.0.0.0:8080", "{path}");
        assert_eq!(config.server.base_path, "", "{path}: the probes ask at the root");
    }
    assert!(text("Dockerfile").contains("\nEXPOSE 8080\n"));
    assert!(text(DEPLOYMENT).contains("containerPort: 8080\n"));
    assert!(text("compose.yaml").contains("\"127.0.0.1:8080:8080\""));
    // Nobody is asked for a key there, so it is published to this machine only.
    assert_eq!(text("compose.yaml").matches(":8080\"").count(), 1);
}

#[test]
fn whoever_stops_the_gateway_waits_for_its_grace() {
    let needed = |config: &Config| config.server.drain_delay + config.server.shutdown_grace;
    let compose = seconds(&after("compose.yaml", "stop_grace_period:"));
    assert!(compose > needed(&config(COMPOSE, false)), "{compose:?}");
    let pod = seconds(&after(DEPLOYMENT, "terminationGracePeriodSeconds:"));
    for (path, uncomment) in [(BASE, true), (DEMO, false)] {
        let config = config(path, uncomment);
        assert!(pod > needed(&config), "{path}: {pod:?}");
        // Longer than it takes the cluster to hear that the pod is not ready.
        let period = Duration::from_secs(2);
        assert!(text(DEPLOYMENT).contains("periodSeconds: 2\n"));
        assert!(config.server.drain_delay > 2 * period, "{path}");
    }
    let unit = seconds(&after("deploy/systemd/loangate.service", "TimeoutStopSec="));
    assert!(unit > needed(&config(COMPOSE, false)), "{unit:?}");
}

#[test]
fn the_image_is_what_its_users_take_it_for() {
    let dockerfile = text("Dockerfile");
    assert!(dockerfile.contains("\nENV LOANGATE_CONFIG=/etc/loangate/loangate.toml\n"));
    assert!(text("compose.yaml").contains("- ./deploy/compose:/etc/loangate:ro\n"));
    assert!(text(DEPLOYMENT).contains("mountPath: /etc/loangate\n"));
    assert!(dockerfile.contains("\nUSER 65532:65532\n"));
    assert!(text(DEPLOYMENT).contains("runAsUser: 65532\n"));
    // The compiler is the one that Cargo.toml asks for, in the image and in a release.
    let version = after("Cargo.toml", "rust-version = ").replace('"', "");
    let image = after("Dockerfile", "FROM rust:");
    let image = image.split(' ').next().unwrap();
    assert!(image.starts_with(&format!("{version}-")), "{image}");
    assert_eq!(after(".github/workflows/release.yml", "container: rust:"), image);
    let own = after("Cargo.toml", "version = ");
    assert_eq!(after("Dockerfile", "ARG VERSION="), own.replace('"', ""));
}

/// A file that the program is compiled with and the image's build does not get would be found by who builds the image.
#[test]
fn the_build_of_the_image_gets_every_file_that_the_sources_include() {
    let ignored = text(".dockerignore");
    let kept: Vec<&str> = ignored
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    let copied = text("Dockerfile");
    let mut left = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut found = 0;
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let Ok(source) = fs::read_to_string(&path) else {
            continue;
        };
        let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for name in source.split("include_str!(\"").skip(1) {
            let name = name.split('"').next().unwrap();
            let included = path.parent().unwrap().join(name).canonicalize().unwrap();
            let below = included.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
            let first = below.iter().next().unwrap().to_str().unwrap();
            assert!(kept.contains(&first), ".dockerignore hides {}", below.display());
            assert!(
                copied.contains(&format!("COPY {first} {first}\n")),
                "the Dockerfile does not copy {}",
                below.display()
            );
            found += 1;
        }
    }
    assert!(found > 5, "{found}");
}
