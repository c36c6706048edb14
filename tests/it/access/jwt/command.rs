//! What the commands of the program make of tokens.

use std::path::Path;
use std::process::{Command, Output};

use loangate::sim::World;

use super::small;
use crate::support::identity::{Says, claims};
use crate::support::{EXAMPLE, Setup};

async fn loangate(arguments: &[&str], key: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loangate"));
    command.args(arguments).env_remove("LOANGATE_API_KEY");
    if let Some(key) = key {
        command.env("LOANGATE_API_KEY", key);
    }
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn config(path: &Path, jwt: &str, simulators: &str) {
    let auth = format!("mode = \"jwt\"\n[auth.jwt]\n{jwt}\n");
    let config = EXAMPLE
        .replace("mode = \"none\"\n", &auth)
        .replace("127.0.0.1:9090", simulators);
    std::fs::write(path, config).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_names_what_is_wrong_and_fetches_the_keys_when_asked_to() {
    let (provider, _, _) = small().await;
    let gateway = Setup::all(&World::documents())
        .set("auth.mode", "none")
        .start()
        .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("loangate.toml");
    let shown = path.to_str().unwrap();
    let simulators = gateway.simulators().to_string();

    config(
        &path,
        "audience = []\njwks_url = \"http://id.example.com/\"",
        &simulators,
    );
    let output = loangate(&["check", "--config", shown], None).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    for line in [
        "auth.jwt.audience: must be a string or a list of strings, none of them empty",
        "auth.jwt.issuer: is required",
        "auth.jwt.jwks_url: must be https (or a loopback host, or set allow_http = true)",
    ] {
        assert!(text(&output.stderr).contains(line), "{output:?}");
    }

    let url = provider.url();
    config(
        &path,
        &format!("issuer = \"i\"\naudience = \"a\"\njwks_url = \"{url}\""),
        &simulators,
    );
    let output = loangate(&["check", "--config", shown], None).await;
    assert_eq!(
        (output.status.code(), provider.asked()),
        (Some(0), 0),
        "{output:?}"
    );
    let output = loangate(&["check", "--config", shown, "--probe"], None).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        text(&output.stdout).contains("  auth.jwt         ok, 1 keys"),
        "{output:?}"
    );
    provider.say(Says::document(r#"{"keys":[]}"#));
    let output = loangate(&["check", "--config", shown, "--probe"], None).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        text(&output.stdout).contains("  auth.jwt         upstream_bad_payload: "),
        "{output:?}"
    );

    // Whoever has the config needs no token, and the provider is not asked for one.
    let asked = provider.asked();
    let list = ["loans", "--format", "ndjson", "--config", shown];
    let output = loangate(&list, None).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(text(&output.stdout).lines().count(), 13, "{output:?}");
    assert_eq!(provider.asked(), asked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_in_a_terminal_takes_a_token_where_it_takes_a_key() {
    let (_, key, setup) = small().await;
    let gateway = setup.start().await;
    let url = format!("http://{}", gateway.address);
    let list = ["loans", "--format", "ndjson", "--url", &url];
    let output = loangate(&list, Some(&key.token(&claims("one")))).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(text(&output.stdout).lines().count(), 3, "{output:?}");
    let output = loangate(&list, Some("lgk_not-a-token")).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("401"), "{output:?}");
}
