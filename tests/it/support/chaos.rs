//! An upstream that breaks HTTP and TCP on purpose, request by request: a raw socket in front of a simulator, whose
//! healthy answer it passes on, bends, cuts, delays or withholds.

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use loangate::sim::{Provider, World};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tower::ServiceExt as _;

/// How a connection goes on after what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// For the next request.
    Keep,
    /// Closed in order.
    Close,
    /// Reset.
    Reset,
    /// Open and silent until the client goes away.
    Hang,
}

/// What is done with one request.
pub enum Act {
    /// The simulator's answer, and then this.
    Answer(End),
    /// These bytes instead.
    Bytes(Vec<u8>, End),
    /// What this makes of the simulator's answer.
    Bent(fn(&Whole) -> Vec<u8>, End),
    /// The right length, and half the body.
    Half(End),
    /// The simulator's answer, byte by byte, with a pause before each.
    Drip(Duration),
    /// This head, and then this piece for ever.
    Endless(&'static str, Vec<u8>),
    /// On this connection every answer is the one before: its first was given twice.
    OneBehind,
    /// The simulator's answer, once this turns true.
    Held(watch::Receiver<bool>),
}

/// What is done with a new connection.
#[derive(Debug, Clone, Copy)]
pub enum Door {
    /// It is served.
    Open,
    /// It is reset.
    Reset,
    /// It gets these bytes, whatever it says.
    Speak(&'static str),
}

/// A request, and where it stands among the others.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Requests on this connection before it.
    pub nth: usize,
    /// Requests with the same target before it.
    pub attempt: usize,
    /// Path and query.
    pub target: String,
    /// Whether it asks for a token.
    pub token: bool,
}

/// An answer of the simulator.
#[derive(Debug, Clone)]
pub struct Whole {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Whole {
    /// The head with these fields in place of the length.
    pub fn head(&self, fields: &[(&str, &str)]) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Said\r\n", self.status);
        let own = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.chain(fields.iter().copied()) {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// The answer as it should be on the wire.
    pub fn wire(&self) -> Vec<u8> {
        self.framed(&[("content-length", &self.body.len().to_string())], &self.body)
    }

    /// The answer with another frame and another body.
    pub fn framed(&self, fields: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        [self.head(fields), body.to_vec()].concat()
    }
}

/// What was counted so far.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Connections accepted.
    pub connections: usize,
    /// Connections that are still open.
    pub open: usize,
    /// Requests by path and query.
    pub targets: HashMap<String, usize>,
}

impl Counts {
    /// Requests that are not for tokens. Where two pages are opened at once, the second is not counted.
    pub fn requests(&self) -> usize {
        self.sum(|target| !is_token(target) && !target.contains("page=2&"))
    }

    /// Requests for loans, whatever page.
    pub fn pages(&self) -> usize {
        self.sum(|target| !is_token(target))
    }

    /// Requests for tokens.
    pub fn tokens(&self) -> usize {
        self.sum(is_token)
    }

    fn sum(&self, which: impl Fn(&str) -> bool) -> usize {
        let counted = self.targets.iter().filter(|(target, _)| which(target));
        counted.map(|(_, times)| times).sum()
    }
}

fn is_token(target: &str) -> bool {
    target.ends_with("/auth") || target.ends_with("/auth/token")
}

type Script = Box<dyn Fn(&Asked) -> Act + Send + Sync>;

/// The upstream, for as long as the test's runtime lives.
#[derive(Clone)]
pub struct Chaos {
    pub address: SocketAddr,
    inner: Arc<Inner>,
}

struct Inner {
    router: Router,
    script: Mutex<Arc<Script>>,
    counts: watch::Sender<Counts>,
}

impl fmt::Debug for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chaos")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Chaos {
    pub async fn start(world: &World, script: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Self {
        Self::behind(Door::Open, world, script).await
    }

    pub async fn behind(
        door: Door,
        world: &World,
        script: impl Fn(&Asked) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            router: world.router(),
            script: Mutex::new(Arc::new(Box::new(script))),
            counts: watch::Sender::default(),
        });
        let shared = Arc::clone(&inner);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                shared.counts.send_modify(|counts| {
                    counts.connections += 1;
                    counts.open += 1;
                });
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    // A client that goes away ends it; that is no failure of the test.
                    let _ = Box::pin(shared.serve(stream, door)).await;
                    shared.counts.send_modify(|counts| counts.open -= 1);
                });
            }
        });
        Self { address, inner }
    }

    /// Goes on like this from now on.
    pub fn turn(&self, script: impl Fn(&Asked) -> Act + Send + Sync + 'static) {
        *self.inner.script.lock().unwrap() = Arc::new(Box::new(script));
    }

    /// The `base_url` of a provider that is reached through this.
    pub fn base(&self, provider: Provider) -> String {
        format!("http://{}{}", self.address, provider.base_path())
    }

    pub fn counts(&self) -> Counts {
        self.inner.counts.borrow().clone()
    }

    /// Waits until the counts are so.
    pub async fn until(&self, so: impl Fn(&Counts) -> bool) {
        let mut counts = self.inner.counts.subscribe();
        let done = timeout(Duration::from_secs(10), counts.wait_for(|counts| so(counts))).await;
        assert!(done.is_ok(), "never so: {:?}", self.counts());
    }
}

/// Nothing more comes of this connection.
struct Over;

impl<E: std::error::Error> From<E> for Over {
    fn from(_: E) -> Self {
        Self
    }
}

impl Inner {
    async fn serve(&self, mut stream: TcpStream, door: Door) -> Result<(), Over> {
        match door {
            Door::Open => {}
            Door::Reset => return end(stream, End::Reset).await.map(drop),
            Door::Speak(bytes) => {
                stream.write_all(bytes.as_bytes()).await?;
                return end(stream, End::Hang).await.map(drop);
            }
        }
        let mut read = Vec::new();
        let mut before: Option<Vec<u8>> = None;
        for nth in 0.. {
            let head = next_head(&mut stream, &mut read).await?;
            let asked = self.note(nth, &head);
            let script = Arc::clone(&self.script.lock().unwrap());
            let act = script(&asked);
            let (bytes, ending) = match act {
                Act::Bytes(bytes, ending) => (bytes, ending),
                Act::Endless(head, piece) => {
                    stream.write_all(head.as_bytes()).await?;
                    loop {
                        stream.write_all(&piece).await?;
                    }
                }
                Act::Answer(ending) => (self.healthy(&head).await.wire(), ending),
                Act::Bent(bend, ending) => (bend(&self.healthy(&head).await), ending),
                Act::Half(ending) => {
                    let whole = self.healthy(&head).await;
                    let bytes = whole.wire();
                    (bytes[..bytes.len() - whole.body.len() / 2].to_vec(), ending)
                }
                Act::Drip(pause) => {
                    for byte in self.healthy(&head).await.wire() {
                        sleep(pause).await;
                        stream.write_all(&[byte]).await?;
                    }
                    (Vec::new(), End::Keep)
                }
                Act::OneBehind => {
                    let own = self.healthy(&head).await.wire();
                    (before.replace(own.clone()).unwrap_or(own), End::Keep)
                }
                Act::Held(mut gate) => {
                    let own = self.healthy(&head).await.wire();
                    let mut byte = [0];
                    tokio::select! {
                        _ = gate.wait_for(|open| *open) => {}
                        _ = stream.read(&mut byte) => return Err(Over),
                    }
                    (own, End::Keep)
                }
            };
            stream.write_all(&bytes).await?;
            match ending {
                End::Keep => {}
                ending => return end(stream, ending).await,
            }
        }
        Ok(())
    }

    fn note(&self, nth: usize, head: &str) -> Asked {
        let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut attempt = 0;
        self.counts.send_modify(|counts| {
            let times = counts.targets.entry(target.clone()).or_default();
            attempt = *times;
            *times += 1;
        });
        Asked {
            nth,
            attempt,
            token: is_token(&target),
            target,
        }
    }

    /// What the simulator answers.
    async fn healthy(&self, head: &str) -> Whole {
        let mut lines = head.split("\r\n");
        let mut first = lines.next().unwrap_or_default().split(' ');
        let mut request = Request::builder()
            .method(first.next().unwrap())
            .uri(first.next().unwrap());
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            request = request.header(name, value);
        }
        let request = request.body(Body::empty()).unwrap();
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
        let headers = head.headers.iter().filter(|(name, _)| *name != "content-length");
        Whole {
            status: head.status.as_u16(),
            headers: headers
                .map(|(name, value)| (name.to_string(), text(value)))
                .collect(),
            body: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
        }
    }
}

/// Reads to the end of the next head. No request to a provider has a body.
async fn next_head(stream: &mut TcpStream, read: &mut Vec<u8>) -> Result<String, Over> {
    loop {
        if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = read.split_off(at + 4);
            let head = std::mem::replace(read, rest);
            return Ok(String::from_utf8(head)?);
        }
        if stream.read_buf(read).await? == 0 {
            return Err(Over);
        }
    }
}

async fn end(mut stream: TcpStream, how: End) -> Result<(), Over> {
    match how {
        End::Keep => {}
        End::Close => stream.shutdown().await?,
        End::Reset => stream.set_zero_linger()?,
        End::Hang => {
            let mut sink = [0; 1024];
            while stream.read(&mut sink).await? > 0 {}
        }
    }
    Ok(())
}
