//! Carries a fault out: what goes on the wire instead of, or around, the healthy answer.

use std::convert::Infallible;
use std::future;
use std::io;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::sync::watch;

use super::fault::Fault;
use super::front::Bend;
use super::provider::Provider;
use super::reply::{HTML, JSON, Reply, failure, failure_body, unauthorized};

const OVERSIZED_TO: usize = 64 * 1024 * 1024;
const CHUNK: usize = 64 * 1024;

const BAD_GATEWAY: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
const SIGN_IN: &str =
    "<!doctype html>\n<html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>\n";

/// Tells the answers that never end that the server does.
#[derive(Clone, Debug, Default)]
pub(super) struct Closing(Option<watch::Receiver<bool>>);

impl Closing {
    pub(super) fn new(closing: watch::Receiver<bool>) -> Self {
        Self(Some(closing))
    }

    async fn wait(self) {
        match self.0 {
            // An error means that the server is gone, which is what is waited for.
            Some(mut closing) => drop(closing.wait_for(|closed| *closed).await),
            None => future::pending().await,
        }
    }
}

/// Answers one call that met `fault`; `healthy` makes the answer of a provider that is well.
pub(super) async fn carry_out(
    fault: Fault,
    provider: Provider,
    healthy: impl FnOnce(Bend) -> Reply,
    closing: Closing,
) -> Response {
    let well = Bend::default();
    match fault {
        Fault::None => healthy(well).into_response(),
        Fault::NewEnum => healthy(Bend {
            new_words: true,
            ..well
        })
        .into_response(),
        Fault::PageLoop => healthy(Bend {
            pages_loop: true,
            ..well
        })
        .into_response(),
        // Where tokens are handed out, the old ones were refused at the door and this is a new one.
        Fault::ExpiredToken if matches!(provider, Provider::Goscore | Provider::Bsa) => {
            healthy(well).into_response()
        }
        Fault::ExpiredToken | Fault::Unauthorized => unauthorized(provider).into_response(),
        Fault::Slow(delay) => {
            tokio::time::sleep(delay).await;
            healthy(well).into_response()
        }
        Fault::RateLimited { retry_after_secs, .. } => failure(provider, 429, "Too many requests")
            .header("retry-after", retry_after_secs.to_string())
            .into_response(),
        Fault::Status { status, .. } => {
            failure(provider, status, "Something went wrong, please try again").into_response()
        }
        Fault::HtmlBadGateway => Reply::new(502, HTML, BAD_GATEWAY).into_response(),
        Fault::Html200 => Reply::new(200, HTML, SIGN_IN).into_response(),
        Fault::EmptyBody => Reply::new(200, JSON, "").into_response(),
        Fault::Truncated => truncated(healthy(well)),
        Fault::Stalled => stalled(healthy(well), closing),
        Fault::NoAnswer => {
            closing.wait().await;
            failure(provider, 503, "Shutting down").into_response()
        }
        Fault::Oversized => oversized(provider),
        Fault::ErrorEnvelope => {
            // GoScore's word for "please try again" is that of a 503.
            let status = if provider == Provider::Goscore { 503 } else { 500 };
            Reply::json(failure_body(
                provider,
                status,
                "Something went wrong, please try again",
            ))
            .into_response()
        }
        Fault::Redirect(location) => Reply::new(302, "", "")
            .header("location", location)
            .into_response(),
        Fault::Raw {
            status,
            content_type,
            body,
        } => Reply::new(status, content_type, body).into_response(),
    }
}

fn truncated(reply: Reply) -> Response {
    let whole = reply.body.clone();
    let half = whole.slice(..whole.len() / 2);
    let cut = async {
        // Without a pause the server would drop the connection before it has written the half.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    };
    let body = stream::once(future::ready(Ok(half))).chain(stream::once(cut));
    reply
        .header("content-length", whole.len().to_string())
        .into_response_with(Body::from_stream(body))
}

fn stalled(reply: Reply, closing: Closing) -> Response {
    let silence = stream::once(async move {
        closing.wait().await;
        Err::<Bytes, _>(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    let length = reply.body.len().to_string();
    reply
        .header("content-length", length)
        .into_response_with(Body::from_stream(silence))
}

fn oversized(provider: Provider) -> Response {
    let opening = match provider {
        Provider::Goscore => r#"{"status":"done","loans":[{}"#,
        Provider::Carbon => r#"{"status":"success","data":[{}"#,
        Provider::Bsa | Provider::Belvo => r#"{"items":[{}"#,
        Provider::Fineract => r#"{"succeeded":true,"data":[{}"#,
    };
    let filler =
        Bytes::from(r#",{"filler":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#.repeat(CHUNK / 64));
    let chunks = OVERSIZED_TO / CHUNK;
    let body = stream::once(future::ready(Bytes::from_static(opening.as_bytes())))
        .chain(stream::repeat(filler).take(chunks))
        .map(Ok::<_, Infallible>);
    Reply::json("").into_response_with(Body::from_stream(body))
}
