//! Answers that are known before anybody asks, so that what an adapter makes of a page can be measured without a socket.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::health::Verdict;
use super::{Call, Inner, Reply, now};
use crate::telemetry::{OK, Span};

impl Call {
    /// A call in which nothing is sent: the answer to every question is this body, as if it had come on a connection of
    /// its own.
    pub fn answered(body: impl Into<Bytes>) -> Self {
        Self {
            known: Some(body.into()),
            ..Self::until(Instant::now())
        }
    }
}

/// The reply to a question whose answer is known.
pub(super) fn reply(upstream: &Inner, operation: &'static str, span: Span, body: &Bytes) -> Reply {
    let at = now();
    let exchange = upstream.meter.sends(operation);
    exchange.turns_out(OK);
    Reply {
        at,
        body: body.clone().into(),
        kept: false,
        attempts: 0,
        operation,
        pool: Arc::clone(&upstream.pool),
        exchange,
        span,
        connection: Arc::clone(&upstream.connection),
        verdict: Verdict::new(&upstream.health, at),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;

    use super::*;
    use crate::telemetry::Telemetry;
    use crate::upstream::{Answers, Dialler, Kind, Settings, Shared, Url, circuit, retry};

    /// Where nobody answers.
    const NOWHERE: &str = "http://127.0.0.1:9";

    #[tokio::test]
    async fn nothing_is_sent_where_the_answer_is_known() {
        let settings = Settings {
            timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(1),
            max_concurrency: 1,
            per_second: None,
            retry: retry::Policy {
                attempts: 1,
                base: Duration::ZERO,
                max: Duration::ZERO,
            },
            circuit: circuit::Policy {
                failures: 1,
                open_for: Duration::from_secs(1),
                attempt: Duration::from_secs(1),
            },
            max_body: 1024,
        };
        let shared = Shared::new(1024, 1024, Telemetry::default());
        let dialler = Dialler::new(Arc::from("test"), settings, &shared).unwrap();
        let upstream = dialler.open_to_all(Url::parse(NOWHERE).unwrap());
        let call = Call::answered("[1, 2]");

        let asked = upstream.get(&call, "list", Answers::NameTheirSubject, &["loans"], &[]);
        // It is there at once: there is no socket to wait for.
        let reply = asked.now_or_never().unwrap().unwrap();

        assert_eq!(reply.json::<Vec<u8>>().unwrap(), [1, 2]);
        assert_eq!(reply.json::<String>().unwrap_err().kind, Kind::BadPayload);
        assert!(!reply.on_kept_connection());
        assert_eq!(call.sent(), 0);
    }
}
