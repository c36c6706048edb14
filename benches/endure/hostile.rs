//! A Belvo upstream that means harm. Which harm, the question says: its customer is named `<harm>-<number>`.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

const MIB: usize = 1024 * 1024;
/// `limits.upstream_body`, where nothing else is configured.
const CAP: usize = 8 * MIB;
/// What the bomb weighs when it has gone off.
const BLAST: usize = 256 * MIB;

/// Every harm, with the code that it must end as.
pub(crate) const HARMS: [(&str, &str); 11] = [
    ("announced", "upstream_too_large"),
    ("endless", "upstream_too_large"),
    ("bomb", "upstream_too_large"),
    ("string", "upstream_too_large"),
    ("deep", "upstream_bad_payload"),
    ("objects", "upstream_bad_payload"),
    ("rows", "upstream_bad_payload"),
    ("zeros", "upstream_bad_payload"),
    ("many", "upstream_bad_payload"),
    ("fields", "upstream_bad_payload"),
    ("wide", "upstream_bad_payload"),
];

/// The server, and when each question had been sent as much as the cap allows.
#[derive(Debug, Clone)]
pub(crate) struct Hostile {
    pub(crate) address: SocketAddr,
    sent: Arc<Mutex<HashMap<String, Instant>>>,
    bodies: Arc<HashMap<&'static str, Vec<u8>>>,
}

impl Hostile {
    /// Serves until the program ends.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let bodies = tokio::task::spawn_blocking(bodies).await.unwrap();
        let hostile = Self {
            address,
            sent: Arc::default(),
            bodies: Arc::new(bodies),
        };
        let serving = hostile.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let hostile = serving.clone();
                // The gateway hangs up on most of this.
                tokio::spawn(async move { hostile.harm(stream).await });
            }
        });
        hostile
    }

    /// When this customer's answer had reached the cap, or its end.
    pub(crate) fn sent(&self, customer: &str) -> Option<Instant> {
        self.sent.lock().unwrap().get(customer).copied()
    }

    async fn harm(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let head = String::from_utf8_lossy(&head);
        let customer = head
            .split(['?', '&', ' '])
            .find_map(|pair| pair.strip_prefix("merchant_customer_id="))
            .unwrap_or_default()
            .to_owned();
        let harm = customer.split('-').next().unwrap_or_default();
        let reached = || {
            self.sent.lock().unwrap().insert(customer.clone(), Instant::now());
        };
        let start = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
        match harm {
            "announced" => {
                let text = format!("{start}content-length: {}\r\n\r\n", 10 * 1024 * MIB);
                stream.write_all(text.as_bytes()).await?;
                reached();
                flood(&mut stream, b"[", b"{\"id\":\"x\"},", None, || {}).await
            }
            "endless" | "string" => {
                let text = format!("{start}transfer-encoding: chunked\r\n\r\n");
                stream.write_all(text.as_bytes()).await?;
                let (opening, filler): (&[u8], &[u8]) = match harm {
                    "endless" => (b"{\"items\":[", b"{\"id\":\"x\"},"),
                    _ => (b"\"", b"aaaaaaaa"),
                };
                let end = (harm == "string").then_some(16 * MIB);
                flood_chunks(&mut stream, opening, filler, end, reached).await
            }
            "bomb" => {
                let body = &self.bodies["bomb"];
                let text = format!(
                    "{start}content-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                stream.write_all(text.as_bytes()).await?;
                reached();
                stream.write_all(body).await
            }
            _ => {
                let nothing = b"{\"items\":[],\"meta\":{\"totalPages\":0,\"currentPage\":1}}".to_vec();
                let body = self.bodies.get(harm).unwrap_or(&nothing);
                let text = format!("{start}content-length: {}\r\n\r\n", body.len());
                stream.write_all(text.as_bytes()).await?;
                stream.write_all(body).await?;
                reached();
                Ok(())
            }
        }
    }
}

/// Writes for ever, or until the other side has had enough.
async fn flood(
    stream: &mut TcpStream,
    opening: &[u8],
    filler: &[u8],
    end: Option<usize>,
    reached: impl Fn(),
) -> io::Result<()> {
    stream.write_all(opening).await?;
    let block = filler.repeat((64 * 1024 / filler.len()).max(1));
    let (mut written, mut told) = (opening.len(), false);
    while end.is_none_or(|end| written < end) {
        stream.write_all(&block).await?;
        written += block.len();
        if written >= CAP && !told {
            told = true;
            reached();
        }
    }
    Ok(())
}

async fn flood_chunks(
    stream: &mut TcpStream,
    opening: &[u8],
    filler: &[u8],
    end: Option<usize>,
    reached: impl Fn(),
) -> io::Result<()> {
    let chunk = |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    let block = chunk(&filler.repeat(64 * 1024 / filler.len()));
    flood(stream, &chunk(opening), &block, end, reached).await?;
    stream.write_all(&chunk(opening)).await?;
    stream.write_all(b"0\r\n\r\n").await
}

/// `opening`, then as many of `filler` as fit below the cap, then `closing`.
fn filled(opening: &str, filler: &str, closing: &str) -> Vec<u8> {
    let times = (CAP - opening.len() - closing.len()) / filler.len();
    let last = filler.trim_end_matches(',');
    [opening, &filler.repeat(times - 1), last, closing]
        .concat()
        .into_bytes()
}

fn bodies() -> HashMap<&'static str, Vec<u8>> {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(b"{\"items\":[").unwrap();
    let spaces = vec![b' '; MIB];
    for _ in 0..BLAST / MIB {
        bomb.write_all(&spaces).unwrap();
    }
    let levels = 200_000;
    let deep = format!("{{\"items\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    let page = |row: &str| {
        let end = "],\"meta\":{\"totalPages\":1,\"currentPage\":1}}";
        filled("{\"items\":[", &format!("{row},"), end)
    };
    let record = |fields: usize| {
        let fields: Vec<String> = (0..fields).map(|number| format!("\"f{number}\":0")).collect();
        page(&format!("{{{}}}", fields.join(",")))
    };
    HashMap::from([
        ("bomb", bomb.finish().unwrap()),
        ("deep", deep.into_bytes()),
        ("objects", filled("[", "{\"\":0},", "]")),
        ("rows", page("{\"\":0}")),
        ("zeros", page("0")),
        // As many records, and as many fields, as are still looked at one by one.
        ("many", page(&format!("{{\"x\":\"{}\"}}", "a".repeat(170)))),
        ("fields", record(120)),
        ("wide", record(49_000)),
    ])
}
