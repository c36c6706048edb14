//! An identity provider on a real socket, and keys of its own making. What it says can be changed while it runs.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaEncoding,
    RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

pub const ISSUER: &str = "https://id.example.com/realms/lending";
pub const AUDIENCE: &str = "https://loans.example.com";

/// A key that signs.
pub struct Key {
    pub kid: Option<String>,
    pair: Pair,
}

enum Pair {
    // Making one takes a while.
    Rsa(&'static RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

static RSA: LazyLock<[RsaKeyPair; 2]> = LazyLock::new(|| {
    let new = || RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    [new(), new()]
});

fn named(kid: &str, pair: Pair) -> Key {
    Key {
        kid: Some(kid.to_owned()),
        pair,
    }
}

pub fn rsa(kid: &str) -> Key {
    named(kid, Pair::Rsa(&RSA[0]))
}

pub fn other_rsa(kid: &str) -> Key {
    named(kid, Pair::Rsa(&RSA[1]))
}

pub fn ec(kid: &str) -> Key {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    named(kid, Pair::Ec(pair))
}

pub fn ed(kid: &str) -> Key {
    named(kid, Pair::Ed(Ed25519KeyPair::generate().unwrap()))
}

pub fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Key {
    /// The same key without a name.
    pub fn nameless(self) -> Self {
        Self { kid: None, ..self }
    }

    pub fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::Ec(_) => "ES256",
            Pair::Ed(_) => "EdDSA",
        }
    }

    /// The public half, as a set has it.
    pub fn public(&self) -> Value {
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({"kty": "RSA", "n": encoded(public.n), "e": encoded(public.e)})
            }
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "x": encoded(&point[1..33]), "y": encoded(&point[33..])})
            }
            Pair::Ed(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": encoded(pair.public_key())}),
        };
        if let Some(kid) = &self.kid {
            jwk["kid"] = json!(kid);
        }
        jwk["use"] = json!("sig");
        jwk
    }

    pub fn header(&self) -> Value {
        let mut header = json!({"alg": self.algorithm(), "typ": "JWT"});
        if let Some(kid) = &self.kid {
            header["kid"] = json!(kid);
        }
        header
    }

    pub fn token(&self, claims: &Value) -> String {
        self.sign(&self.header().to_string(), &claims.to_string())
    }

    /// A token with this header and these claims, whatever they are, and a signature that is right.
    pub fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encoded(header), encoded(claims));
        let signature = match &self.pair {
            Pair::Rsa(_) => self.signed(&signature::RSA_PKCS1_SHA256, &message),
            Pair::Ec(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message.as_bytes());
                signature.unwrap().as_ref().to_vec()
            }
            Pair::Ed(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
        };
        format!("{message}.{}", encoded(signature))
    }

    /// An RSA signature of another kind than that of the key.
    pub fn signed(&self, how: &'static dyn RsaEncoding, message: &str) -> Vec<u8> {
        let Pair::Rsa(pair) = &self.pair else {
            panic!("{}", self.algorithm());
        };
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(how, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .unwrap();
        signature
    }
}

/// Seconds since the epoch, so many from now.
pub fn seconds(from_now: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap() + from_now
}

/// Claims of a client that may do and see everything.
pub fn claims(client: &str) -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "exp": seconds(600),
        "client_id": client,
        "sub": "person-SECRET-mark-43",
        "scope": "loans:read personal:read customers:write metrics:read openid",
        "loangate_connections": ["*"],
    })
}

/// A set of keys as it is published.
pub fn published(keys: &[&Key]) -> String {
    let keys: Vec<Value> = keys.iter().map(|key| key.public()).collect();
    json!({ "keys": keys }).to_string()
}

/// What the provider does when it is asked for its keys.
#[derive(Clone)]
pub enum Says {
    /// These bytes, whole.
    Bytes(Vec<u8>),
    /// This document, once this turns true.
    Held(String, watch::Receiver<bool>),
    /// Spaces for ever.
    Endless,
    /// Nothing, and the line stays open.
    Silence,
    /// Nothing: it hangs up.
    Gone,
}

impl Says {
    pub fn keys(keys: &[&Key]) -> Self {
        Self::document(&published(keys))
    }

    pub fn document(text: &str) -> Self {
        Self::answer("200 OK", "content-type: application/jwk-set+json\r\n", text)
    }

    pub fn answer(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        Self::Bytes(text.into_bytes())
    }
}

/// The provider, for as long as the test's runtime lives.
#[derive(Clone)]
pub struct IdentityProvider {
    pub address: SocketAddr,
    says: Arc<Mutex<Says>>,
    asked: watch::Sender<Vec<String>>,
}

impl IdentityProvider {
    pub async fn start(says: Says) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Self {
            address: listener.local_addr().unwrap(),
            says: Arc::new(Mutex::new(says)),
            asked: watch::Sender::default(),
        };
        let serving = provider.clone();
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                tokio::spawn(serving.clone().serve(socket));
            }
        });
        provider
    }

    pub fn url(&self) -> String {
        format!("http://{}/keys", self.address)
    }

    pub fn say(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }

    /// How often it was asked for its keys.
    pub fn asked(&self) -> usize {
        self.asked.borrow().len()
    }

    /// What it was sent each time.
    pub fn heads(&self) -> Vec<String> {
        self.asked.borrow().clone()
    }

    /// Waits until it was asked so often.
    pub async fn until_asked(&self, times: usize) {
        let mut asked = self.asked.subscribe();
        let enough = asked.wait_for(|heads| heads.len() >= times);
        timeout(Duration::from_secs(20), enough).await.unwrap().unwrap();
    }

    /// Does something again and again until it was asked so often.
    pub async fn until_asked_by<T, F: Future<Output = T>>(&self, times: usize, again: impl Fn() -> F) {
        let asking = async {
            while self.asked() < times {
                again().await;
            }
        };
        timeout(Duration::from_secs(20), asking).await.unwrap();
    }

    async fn serve(self, mut socket: TcpStream) -> Option<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.ok()?);
        }
        self.asked
            .send_modify(|heads| heads.push(String::from_utf8_lossy(&head).into_owned()));
        let says = self.says.lock().unwrap().clone();
        match says {
            Says::Bytes(bytes) => socket.write_all(&bytes).await.ok()?,
            Says::Held(document, mut gate) => {
                gate.wait_for(|open| *open).await.ok()?;
                let Says::Bytes(bytes) = Says::document(&document) else {
                    unreachable!();
                };
                socket.write_all(&bytes).await.ok()?;
            }
            Says::Endless => {
                let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
                socket.write_all(head).await.ok()?;
                loop {
                    socket.write_all(b"8\r\n        \r\n").await.ok()?;
                }
            }
            Says::Silence => {
                // Until the other side hangs up.
                let _ = socket.read_u8().await;
            }
            Says::Gone => {}
        }
        Some(())
    }
}
