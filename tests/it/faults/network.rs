//! Rows 2.1: the network and the socket.

use std::time::Duration;

use loangate::sim::Fault;

use super::table::{ALL, Ends, KEPT, Row, row};
use crate::support::chaos::{Act, Door, End};

fn nothing(end: End) -> Act {
    Act::Bytes(Vec::new(), end)
}

fn half_a_head() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\nContent-Type: appl".to_vec()
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("N02", "port closed", |_, _| nothing(End::Close))
            // Port 1 is reserved and nobody listens there.
            .setup(|setup, provider| {
                let base = format!("http://127.0.0.1:1{}", provider.base_path());
                setup.connection(provider, "base_url", &base)
            }),
        row("N03", "connection reset once accepted", |_, _| {
            nothing(End::Reset)
        })
        .door(Door::Reset),
        row("N04", "reset before the first byte", |_, _| nothing(End::Reset)),
        row("N04", "closed before the first byte", |_, _| nothing(End::Close)),
        row("N04", "reset in the middle of the head", |_, _| {
            Act::Bytes(half_a_head(), End::Reset)
        }),
        row(
            "N05",
            "reset before the first byte, on a kept connection",
            |_, asked| {
                if asked.nth == 0 {
                    Act::Answer(End::Keep)
                } else {
                    nothing(End::Reset)
                }
            },
        )
        .warm()
        .over(KEPT),
        row("N05", "kept connection closed right after the answer", |_, _| {
            Act::Answer(End::Close)
        })
        .warm()
        .over(ALL),
        row("N06", "reset in the middle of the body", |_, _| {
            Act::Half(End::Reset)
        }),
        row(
            "N06",
            "reset in the middle of the body, once",
            |_, asked| match asked.attempt {
                0 => Act::Half(End::Reset),
                _ => Act::Answer(End::Keep),
            },
        ),
        row("N07", "takes the request and never answers", |_, _| {
            nothing(End::Hang)
        })
        .ends(Ends::Attempt),
        row(
            "N07",
            "never answers, and the attempt has longer than the request",
            |_, _| nothing(End::Hang),
        )
        .ends(Ends::Deadline),
        row("N08", "stalls in the head", |_, _| {
            Act::Bytes(half_a_head(), End::Hang)
        })
        .ends(Ends::Attempt),
        row("N08", "stalls in the body", |_, _| Act::Half(End::Hang)).ends(Ends::Attempt),
        row("N09", "one byte every 20 ms", |_, _| {
            Act::Drip(Duration::from_millis(20))
        })
        .ends(Ends::Attempt),
        row("N18", "300 ms late", |_, _| Act::Answer(End::Keep)).world(|world, provider| {
            world.set_fault(provider, Fault::Slow(Duration::from_millis(300)));
        }),
        row("N16", "TLS handshake stalls", |_, _| nothing(End::Hang))
            .ends(Ends::Attempt)
            .setup(|setup, provider| {
                setup
                    .over_tls(provider)
                    .connection(provider, "connect_timeout", "100ms")
            }),
        row("N16", "plain text where TLS should be", |_, _| nothing(End::Hang))
            .door(Door::Speak("HTTP/1.1 400 Bad Request\r\n\r\n"))
            .setup(super::super::support::Setup::over_tls),
    ]
}
