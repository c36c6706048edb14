//! What both programs share: where they listen.

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

/// Serves on 127.0.0.1, on the port that `PORT` names, until the process is ended.
pub async fn serve(router: Router) {
    let port: u16 = variable("PORT").parse().expect("PORT is a number");
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .expect("the port is free");
    let listener = listener.tap_io(|tcp| _ = tcp.set_nodelay(true));
    axum::serve(listener, router).await.expect("it serves");
}

/// An environment variable that must be set.
pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}
