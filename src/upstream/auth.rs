//! How a connection proves who it is, as data. Credentials go into headers here and nowhere else.

use std::sync::Arc;

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use super::token::{Minted, TokenCache};

/// Credentials of a connection.
#[derive(Debug, Clone)]
pub enum Auth {
    /// The same headers on every call.
    Headers(Vec<(HeaderName, HeaderValue)>),
    /// A bearer token that a token call mints and that runs out.
    Token(Arc<TokenCache>),
}

/// A secret that cannot be a header value: it holds control characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("holds characters that cannot be sent in an HTTP header")]
pub struct NotAHeader;

impl Auth {
    /// A bearer token that does not run out.
    pub fn bearer(token: &SecretString) -> Result<Self, NotAHeader> {
        Ok(Self::Headers(vec![(AUTHORIZATION, bearer(token)?)]))
    }

    /// A user's name and password on every call.
    pub fn basic(user: &str, password: &SecretString) -> Result<Self, NotAHeader> {
        Ok(Self::Headers(vec![(AUTHORIZATION, basic(user, password)?)]))
    }
}

/// A header that debug output does not show.
pub fn secret_header(value: &SecretString) -> Result<HeaderValue, NotAHeader> {
    sensitive(value.expose_secret())
}

/// `Authorization: Bearer …`.
pub(super) fn bearer(token: &SecretString) -> Result<HeaderValue, NotAHeader> {
    sensitive(&format!("Bearer {}", token.expose_secret()))
}

/// `Authorization: Basic …`.
pub(super) fn basic(user: &str, password: &SecretString) -> Result<HeaderValue, NotAHeader> {
    use base64::Engine as _;
    let pair = format!("{user}:{}", password.expose_secret());
    sensitive(&format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(pair)
    ))
}

fn sensitive(text: &str) -> Result<HeaderValue, NotAHeader> {
    let mut value = HeaderValue::from_str(text).map_err(|_| NotAHeader)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The headers of one attempt, and what to throw away if they are refused.
#[derive(Debug)]
pub(super) struct Credential {
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) minted: Option<Minted>,
}
