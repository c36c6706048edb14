//! Rows 2.3: bodies that are too large, cut, compressed to deceive, or no JSON.

use std::io::Write as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::table::{Ends, Row, row};
use crate::support::chaos::{Act, End, Whole};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// 4 MiB of spaces in a few kilobytes.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| gzip(&vec![b' '; 4 << 20]));

/// 16 MiB of spaces.
const BROTLI: [u8; 27] = [
    203, 255, 255, 63, 248, 37, 64, 226, 177, 64, 32, 247, 254, 143, 255, 255, 127, 240, 75, 0, 196, 97, 17,
    128, 238, 253, 223,
];

fn ok(fields: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{fields}content-length: {length}\r\n\r\n"
    );
    [head.into_bytes(), body.to_vec()].concat()
}

fn body(body: &[u8]) -> Act {
    Act::Bytes(ok("", body), End::Keep)
}

fn bent(bend: fn(&Whole) -> Vec<u8>, end: End) -> Act {
    Act::Bent(bend, end)
}

fn encoded(whole: &Whole, coding: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len().to_string();
    whole.framed(&[("content-encoding", coding), ("content-length", &length)], body)
}

/// A chunk of 64 KiB.
fn chunk() -> Vec<u8> {
    [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat()
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = large();
    rows.extend(compressed());
    rows.extend(cut());
    rows.extend(unreadable());
    rows
}

fn large() -> Vec<Row> {
    vec![
        row("B01", "Content-Length of 10 GiB", |_, _| {
            Act::Endless(
                "HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n",
                vec![b' '; 0x10000],
            )
        }),
        row("B02", "chunks for ever", |_, _| {
            Act::Endless("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", chunk())
        }),
        row("B02", "bytes for ever, until closed", |_, _| {
            Act::Endless(
                "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
                vec![b' '; 0x10000],
            )
        }),
        row("B02", "an error answer for ever", |_, _| {
            Act::Endless("HTTP/1.1 503 Said\r\ntransfer-encoding: chunked\r\n\r\n", chunk())
        }),
        row("B08", "one string of 16 MiB", |_, _| {
            Act::Endless(
                "HTTP/1.1 200 OK\r\ncontent-length: 16777218\r\n\r\n\"",
                vec![b'a'; 0x10000],
            )
        }),
    ]
}

fn compressed() -> Vec<Row> {
    vec![
        row("B03", "gzip bomb, a thousand to one", |_, _| {
            Act::Bytes(ok("content-encoding: gzip\r\n", &BOMB), End::Keep)
        }),
        row("B03", "brotli bomb, a million to one", |_, _| {
            Act::Bytes(ok("content-encoding: br\r\n", &BROTLI), End::Keep)
        }),
        row("B04", "gzip as it should be", |_, _| {
            bent(|whole| encoded(whole, "gzip", &gzip(&whole.body)), End::Keep)
        }),
        row("B04", "gzip, gzip", |_, _| {
            bent(
                |whole| encoded(whole, "gzip, gzip", &gzip(&gzip(&whole.body))),
                End::Keep,
            )
        }),
        row("B04", "plain, called gzip", |_, _| {
            bent(|whole| encoded(whole, "gzip", &whole.body), End::Keep)
        }),
        row("B04", "gzip, not called so", |_, _| {
            bent(
                |whole| {
                    let body = gzip(&whole.body);
                    whole.framed(&[("content-length", &body.len().to_string())], &body)
                },
                End::Keep,
            )
        }),
        row("B04", "a coding that nobody asked for", |_, _| {
            bent(|whole| encoded(whole, "zstd", b"\x28\xb5\x2f\xfd"), End::Keep)
        }),
        row("B04", "gzip, cut", |_, _| {
            bent(
                |whole| {
                    let body = gzip(&whole.body);
                    encoded(whole, "gzip", &body[..body.len() / 2])
                },
                End::Keep,
            )
        }),
        row("B04", "gzip with a wrong checksum", |_, _| {
            bent(
                |whole| {
                    let mut body = gzip(&whole.body);
                    let at = body.len() - 6;
                    body[at] ^= 0xff;
                    encoded(whole, "gzip", &body)
                },
                End::Keep,
            )
        }),
    ]
}

fn cut() -> Vec<Row> {
    vec![
        row("B05", "Content-Length longer than the body, closed", |_, _| {
            Act::Half(End::Close)
        }),
        row("B05", "Content-Length shorter than the body", |_, _| {
            bent(
                |whole| {
                    let half = (whole.body.len() / 2).to_string();
                    whole.framed(&[("content-length", &half)], &whole.body)
                },
                End::Keep,
            )
        }),
        row("B05", "Content-Length longer than the body, kept", |_, _| {
            Act::Half(End::Hang)
        })
        .ends(Ends::Attempt),
        row("B05", "chunked, cut before the last chunk", |_, _| {
            bent(
                |whole| {
                    let head = whole.head(&[("transfer-encoding", "chunked")]);
                    let size = format!("{:x}\r\n", whole.body.len()).into_bytes();
                    [head, size, whole.body.clone(), b"\r\n".to_vec()].concat()
                },
                End::Close,
            )
        }),
        row("B05", "until closed, cut in the middle", |_, _| {
            bent(
                |whole| whole.framed(&[("connection", "close")], &whole.body[..whole.body.len() / 2]),
                End::Close,
            )
        }),
    ]
}

fn unreadable() -> Vec<Row> {
    vec![
        row("B07", "random bytes", |_, _| {
            body(&fastrand::Rng::with_seed(7).u128(..).to_le_bytes().repeat(64))
        }),
        row("B08", "200,000 levels deep", |_, _| body(&vec![b'['; 200_000])),
        row("B08", "50,000 empty keys", |_, _| {
            body(format!("[{}{{}}]", r#"{"":0},"#.repeat(30_000)).as_bytes())
        }),
        row("B08", "null", |_, _| body(b"null")),
        row("B09", "NaN", |_, _| {
            body(br#"{"data":NaN,"items":NaN,"loans":NaN}"#)
        }),
        row("B12", "byte order mark", |_, _| {
            bent(
                |whole| {
                    let body = [b"\xEF\xBB\xBF".to_vec(), whole.body.clone()].concat();
                    whole.framed(&[("content-length", &body.len().to_string())], &body)
                },
                End::Keep,
            )
        }),
        row("B12", "bytes that are no UTF-8", |_, _| {
            body(b"{\"data\":[{\"id\":\"\xff\xfe\"}],\"items\":[{\"id\":\"\xff\xfe\"}],\"loans\":[{\"id\":\"\xff\xfe\"}]}")
        }),
    ]
}
