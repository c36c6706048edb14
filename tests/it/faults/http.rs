//! Rows 2.2: HTTP that is well formed and unhelpful, and HTTP that is neither.

use super::table::{Ends, Row, row};
use crate::support::chaos::{Act, Asked, End, Whole};

/// A whole answer without a body worth reading.
fn status(status: u16, fields: &str) -> Act {
    let head = format!("HTTP/1.1 {status} Said\r\n{fields}content-length: 2\r\n\r\n{{}}");
    Act::Bytes(head.into_bytes(), End::Keep)
}

fn once(asked: &Asked, act: Act) -> Act {
    if asked.attempt == 0 {
        act
    } else {
        Act::Answer(End::Keep)
    }
}

fn bent(bend: fn(&Whole) -> Vec<u8>) -> Act {
    Act::Bent(bend, End::Close)
}

const HTML: &str = "<!doctype html><title>Sign in</title>";

/// The healthy body behind these framing fields.
fn framed(whole: &Whole, fields: &[(&str, &str)]) -> Vec<u8> {
    whole.framed(fields, &whole.body)
}

fn chunked(whole: &Whole, size: &str, end: &str) -> Vec<u8> {
    let body = String::from_utf8(whole.body.clone()).unwrap();
    whole.framed(
        &[("transfer-encoding", "chunked")],
        format!("{size}\r\n{body}\r\n{end}").as_bytes(),
    )
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = statuses();
    rows.extend(limits());
    rows.extend(strange());
    rows.extend(broken());
    rows
}

fn statuses() -> Vec<Row> {
    vec![
        row("H01", "one 500, then well", |_, asked| {
            once(asked, status(500, ""))
        }),
        row("H01", "one 502, then well", |_, asked| {
            once(asked, status(502, ""))
        }),
        row("H01", "one 503, then well", |_, asked| {
            once(asked, status(503, ""))
        }),
        row("H01", "one 504, then well", |_, asked| {
            once(asked, status(504, ""))
        }),
        row("H02", "500 for ever", |_, _| status(500, "")),
        row("H02", "503 for ever", |_, _| status(503, "")),
        row("H02", "503 for ever, Retry-After: 3600", |_, _| {
            status(503, "retry-after: 3600\r\n")
        }),
        row("H09", "401 once", |_, asked| once(asked, status(401, ""))),
        row("H10", "401 for ever", |_, _| status(401, "")),
        row("H11", "400", |_, _| status(400, "")),
        row("H11", "403", |_, _| status(403, "")),
        row("H11", "404", |_, _| status(404, "")),
        row("H11", "408 for ever", |_, _| status(408, "")),
        row("H11", "409", |_, _| status(409, "")),
        row("H11", "422", |_, _| status(422, "")),
        row("H12", "302 to another host", |_, _| {
            status(302, "location: http://127.0.0.1:1/loans\r\n")
        }),
        row("H12", "307 to the same host", |_, _| {
            status(307, "location: /loans\r\n")
        }),
    ]
}

fn limits() -> Vec<Row> {
    vec![
        row("H05", "one 429, Retry-After: 1", |_, asked| {
            once(asked, status(429, "retry-after: 1\r\n"))
        }),
        row("H06", "429, Retry-After: 3600", |_, _| {
            status(429, "retry-after: 3600\r\n")
        }),
        row("H07", "429, Retry-After a date, both clocks in 2016", |_, _| {
            status(
                429,
                "date: Sun, 20 Nov 2016 10:00:00 GMT\r\nretry-after: Sun, 20 Nov 2016 10:02:00 GMT\r\n",
            )
        }),
        row("H08", "429 for ever, Retry-After: soon", |_, _| {
            status(429, "retry-after: soon\r\n")
        }),
        row("H08", "429 for ever, Retry-After: -1", |_, _| {
            status(429, "retry-after: -1\r\n")
        }),
        row("H08", "429, Retry-After past any number", |_, _| {
            status(429, "retry-after: 99999999999999999999999\r\n")
        }),
    ]
}

fn strange() -> Vec<Row> {
    vec![
        row("H13", "200 with HTML", |_, _| {
            let length = HTML.len();
            let text = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {length}\r\n\r\n{HTML}"
            );
            Act::Bytes(text.into_bytes(), End::Keep)
        }),
        row("H13", "200 with no body", |_, _| {
            Act::Bytes(
                b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec(),
                End::Keep,
            )
        }),
        row("H13", "204", |_, _| {
            Act::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(), End::Keep)
        }),
        row("H13", "101", |_, _| {
            let text = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
            Act::Bytes(text.to_vec(), End::Keep)
        }),
        row("H13", "206 with the healthy body", |_, _| {
            Act::Bent(
                |whole| {
                    let text = String::from_utf8(whole.wire()).unwrap();
                    text.replacen("200", "206", 1).into_bytes()
                },
                End::Keep,
            )
        }),
        row("H13", "999", |_, _| status(999, "")),
        row("H13", "right JSON called text/plain", |_, _| {
            Act::Bent(
                |whole| {
                    let mut whole = whole.clone();
                    whole.headers.retain(|(name, _)| name != "content-type");
                    whole.headers.push(("content-type".into(), "text/plain".into()));
                    whole.wire()
                },
                End::Keep,
            )
        }),
        row("H14", "200 with the provider's error body", |_, _| {
            Act::Answer(End::Keep)
        })
        .world(|world, provider| world.set_fault(provider, loangate::sim::Fault::ErrorEnvelope)),
        row("H17", "103 Early Hints for ever", |_, _| {
            let hint = "HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n";
            Act::Endless("", hint.repeat(16).into_bytes())
        })
        .ends(Ends::Attempt),
    ]
}

fn broken() -> Vec<Row> {
    vec![
        row("H16", "both Content-Length and chunked", |_, _| {
            bent(|whole| {
                let text = String::from_utf8(chunked(whole, &format!("{:x}", whole.body.len()), "0\r\n\r\n"));
                let text = text.unwrap();
                let both = "content-length: 5\r\ntransfer-encoding: chunked";
                text.replacen("transfer-encoding: chunked", both, 1).into_bytes()
            })
        }),
        row("H16", "two Content-Lengths", |_, _| {
            bent(|whole| {
                let length = whole.body.len().to_string();
                framed(whole, &[("content-length", &length), ("content-length", "5")])
            })
        }),
        row("H16", "negative Content-Length", |_, _| {
            bent(|whole| framed(whole, &[("content-length", "-1")]))
        }),
        row("H16", "chunk size that is no number", |_, _| {
            bent(|whole| chunked(whole, "zz", "0\r\n\r\n"))
        }),
        row("H16", "chunk size past 64 bits", |_, _| {
            bent(|whole| chunked(whole, "fffffffffffffffff", "0\r\n\r\n"))
        }),
        row("H16", "300 header fields", |_, _| {
            bent(|whole| framed(whole, &[("x-more", "1"); 300]))
        }),
        row("H16", "1 MiB of header", |_, _| {
            bent(|whole| framed(whole, &[("x-large", &"a".repeat(1 << 20))]))
        }),
        row("H16", "not HTTP at all", |_, _| {
            Act::Bytes(b"220 mail.example.com ESMTP\r\n".to_vec(), End::Close)
        }),
    ]
}
