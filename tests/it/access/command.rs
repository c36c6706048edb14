//! Keys from the command line.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use loangate::config::KeyHash;
use loangate::sim::World;

use super::{COLLECTIONS, both};

fn loangate(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_loangate"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end without having read anything.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_key_on_standard_input_becomes_its_hash() {
    let hash = KeyHash::of(COLLECTIONS).to_string();
    for ending in ["", "\n", "\r\n"] {
        let output = loangate(&["hash-key"], &format!("{COLLECTIONS}{ending}"));
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(text(&output.stdout), format!("{hash}\n"));
        assert_eq!(text(&output.stderr), "");
    }
}

#[test]
fn a_weak_key_is_refused_and_not_repeated() {
    for (input, word) in [
        ("", "no key"),
        ("\n", "no key"),
        ("SECRET-mark", "too short"),
        ("SECRET-mark with spaces in it, long", "header"),
        ("SECRET-mark-long-enough\nand another line", "header"),
        ("SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS", "too few"),
    ] {
        let output = loangate(&["hash-key"], input);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert_eq!(text(&output.stdout), "");
        assert!(said.contains(word) && said.contains("hash-key --new"), "{said}");
        assert!(!said.contains("SECRET-mark"), "{said}");
    }
}

#[test]
fn a_new_key_comes_with_its_hash() {
    let output = loangate(&["hash-key", "--new"], "");
    let said: toml::Table = text(&output.stdout).parse().unwrap();
    let key = said["key"].as_str().unwrap();
    assert!(key.starts_with("lgk_") && key.len() == 47, "{key}");
    assert_eq!(said["key_hash"].as_str().unwrap(), KeyHash::of(key).to_string());
    let again = loangate(&["hash-key"], key);
    assert_eq!(text(&again.stdout).trim_end(), said["key_hash"].as_str().unwrap());
    assert_ne!(loangate(&["hash-key", "--new"], "").stdout, output.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_in_a_terminal_needs_a_key_from_a_file_or_a_variable() {
    let gateway = both(&World::documents()).start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, format!("{COLLECTIONS}\n")).unwrap();
    let url = format!("http://{}", gateway.address);
    let listed = async |file: bool, variable: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loangate"));
        command.args(["loans", "--format", "ndjson", "--url", &url]);
        command.env_remove("LOANGATE_API_KEY");
        if file {
            command.arg("--api-key-file").arg(&path);
        }
        if let Some(variable) = variable {
            command.env("LOANGATE_API_KEY", variable);
        }
        tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap()
    };
    for (file, variable) in [(true, None), (false, Some(COLLECTIONS)), (true, Some("wrong"))] {
        let output = listed(file, variable).await;
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(text(&output.stdout).lines().count(), 4, "{output:?}");
    }
    let output = listed(false, None).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("401"), "{output:?}");
}

/// Whoever has the config has the credentials in it, and needs no key of a client.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_straight_from_a_config_needs_no_key() {
    let gateway = both(&World::documents()).start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("loangate.toml");
    let client = format!(
        "mode = \"api_key\"\n[[auth.clients]]\nid = \"one\"\nkey_hash = \"{}\"\nscopes = [\"metrics:read\"]\nconnections = []\n",
        KeyHash::of(COLLECTIONS)
    );
    let config = crate::support::EXAMPLE
        .replace("mode = \"none\"\n", &client)
        .replace("127.0.0.1:9090", &gateway.simulators().to_string());
    std::fs::write(&path, config).unwrap();
    let arguments = ["loans", "--format", "ndjson", "--config", path.to_str().unwrap()].map(str::to_owned);
    let output = tokio::task::spawn_blocking(move || loangate(&arguments.each_ref().map(String::as_str), ""))
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(text(&output.stdout).lines().count(), 13, "{output:?}");
}
