//! HTTP/1.1 by hand: one connection, one request after the other, nothing retried.

use std::io;
use std::net::SocketAddr;

use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One connection to the gateway.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Whether the gateway said that it will close the connection.
    pub(crate) closing: bool,
    pub(crate) body: Vec<u8>,
}

/// What a list says.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Listing {
    #[serde(default)]
    pub(crate) complete: bool,
    #[serde(default)]
    pub(crate) data: Vec<IgnoredAny>,
    #[serde(default)]
    pub(crate) sources: Vec<Source>,
}

/// One source of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Source {
    pub(crate) connection: String,
    pub(crate) status: String,
    pub(crate) count: usize,
    pub(crate) error: Option<Failure>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Failure {
    pub(crate) code: String,
}

impl Listing {
    pub(crate) fn of(answer: &Answer) -> Result<Self, String> {
        serde_json::from_slice(&answer.body).map_err(|error| format!("not a list: {error}"))
    }

    /// Loans per source, in its order.
    pub(crate) fn counts(&self) -> Vec<(String, usize)> {
        self.sources
            .iter()
            .map(|source| (source.connection.clone(), source.count))
            .collect()
    }
}

/// The text of a GET.
pub(crate) fn request(target: &str) -> Vec<u8> {
    format!(
        "GET {target} HTTP/1.1\r\nhost: endure.test\r\naccept: application/json, text/plain;q=0.5\r\n\r\n"
    )
    .into_bytes()
}

/// One GET on a connection of its own.
pub(crate) async fn get(address: SocketAddr, target: &str) -> io::Result<Answer> {
    Connection::open(address).await?.get(target).await
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            read: Vec::new(),
        })
    }

    /// Whether the other side has closed it while nothing was asked.
    pub(crate) fn closed(&self) -> bool {
        let mut byte = [0];
        match self.stream.try_read(&mut byte) {
            Ok(_) => true,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }

    /// Asks and reads the answer to its end.
    pub(crate) async fn get(&mut self, target: &str) -> io::Result<Answer> {
        self.exchange(&request(target)).await
    }

    /// Sends a request and reads the answer to its end.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.write_all(request).await?;
        let head_end = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8_lossy(&self.read[..head_end]).to_ascii_lowercase();
        let field = |name: &str| {
            head.lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.trim().to_owned())
        };
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|word| word.parse().ok())
            .ok_or(io::ErrorKind::InvalidData)?;
        let length: usize = field("content-length")
            .and_then(|length| length.parse().ok())
            .ok_or(io::ErrorKind::InvalidData)?;
        while self.read.len() < head_end + length {
            self.more().await?;
        }
        let rest = self.read.split_off(head_end + length);
        let body = self.read.split_off(head_end);
        self.read = rest;
        Ok(Answer {
            status,
            closing: field("connection").is_some_and(|value| value.contains("close")),
            body,
        })
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.read).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}
