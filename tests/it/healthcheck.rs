//! `loangate healthcheck`, as a container engine calls it: an exit code and one line.

use std::net::SocketAddr;

use loangate::sim::{Provider, World};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::support::Setup;

/// Its exit code and its one line.
async fn healthcheck(arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_loangate"))
        .arg("healthcheck")
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .output()
        .await
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// Something that listens and says this to whoever asks.
async fn speaker(says: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await.unwrap();
            stream.write_all(says.as_bytes()).await.unwrap();
            open.push(stream);
        }
    });
    address
}

#[tokio::test]
async fn a_gateway_that_is_ready_is_well() {
    let gateway = Setup::only(Provider::Bsa, &World::documents())
        .set("server.base_path", "/lending")
        .start()
        .await;
    let port = gateway.address.port();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("loangate.toml");
    // A key that nobody knows and a connection without its secret: the gateway was started before they were wrong.
    let config = format!(
        "[server]\nlisten = \"0.0.0.0:{port}\"\nbase_path = \"/lending\"\n\n[nonsense]\n\n[connections.bsa]\npassword_file = \"/nowhere\"\n"
    );
    std::fs::write(&path, config).unwrap();
    let path = path.to_str().unwrap();
    let url = format!("http://127.0.0.1:{port}/lending");
    let well = (0, format!("{url}/readyz answers 200 OK\n"));
    assert_eq!(healthcheck(&["--config", path], &[]).await, well);
    assert_eq!(healthcheck(&[], &[("LOANGATE_CONFIG", path)]).await, well);
    assert_eq!(healthcheck(&["--url", &url], &[]).await, well);
    assert_eq!(healthcheck(&["--url", &format!("{url}/")], &[]).await, well);
    let listen = format!("127.0.0.1:{port}");
    let environment = [
        ("LOANGATE__SERVER__LISTEN", listen.as_str()),
        ("LOANGATE__SERVER__BASE_PATH", "/lending"),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
    ];
    assert_eq!(healthcheck(&[], &environment).await, well);
    // The wrong prefix.
    let (code, line) = healthcheck(&["--url", &format!("http://127.0.0.1:{port}")], &[]).await;
    assert_eq!(code, 1, "{line}");
    assert!(line.ends_with("/readyz answers 404 Not Found\n"), "{line}");
}

#[tokio::test]
async fn whatever_is_not_well_is_1_and_one_line() {
    let draining = speaker("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").await;
    let silent = speaker("").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    for (address, patience, said) in [
        (draining, "20000", "/readyz answers 503 Service Unavailable"),
        (silent, "100", "/readyz does not answer within its time"),
        (nobody, "20000", "/readyz does not answer at all"),
    ] {
        let url = format!("http://{address}");
        let (code, line) = healthcheck(&["--url", &url, "--timeout-ms", patience], &[]).await;
        assert_eq!(code, 1, "{line}");
        assert_eq!(line, format!("loangate: {url}{said}\n"));
    }
    let any = [("LOANGATE__SERVER__LISTEN", "127.0.0.1:0")];
    let (code, line) = healthcheck(&[], &any).await;
    assert_eq!((code, line.lines().count()), (1, 1), "{line}");
    assert!(line.contains("server.listen") && line.contains("--url"), "{line}");
    let (code, line) = healthcheck(&["--config", "/nowhere/loangate.toml"], &[]).await;
    assert_eq!(code, 1, "{line}");
    assert!(line.contains("/nowhere/loangate.toml"), "{line}");
}
