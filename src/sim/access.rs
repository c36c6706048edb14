//! The way in: tokens handed out, tokens and keys accepted.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::fault::Fault;
use super::fineract_native;
use super::provider::{Provider, credential, fixed_token};
use super::reply::{Reply, failure};
use super::request::Ask;
use super::world::State;

const GOSCORE_LIFE: i64 = 60 * 60;
const BSA_LIFE: i64 = 365 * 24 * 60 * 60;

/// Whether a request for loans carries what the provider asks for.
pub(super) fn allowed(state: &State, ask: &Ask) -> bool {
    let provider = ask.provider;
    match provider {
        Provider::Fineract if fineract_native::is_asked(ask) => fineract_native::refusal(ask).is_none(),
        Provider::Carbon => {
            ask.header("apikey") == credential(provider, "api_key")
                && ask.header("x-carbon-key") == credential(provider, "carbon_key")
        }
        Provider::Belvo => {
            ask.header("api-key-id") == credential(provider, "key_id")
                && ask.header("api-key-secret") == credential(provider, "key_secret")
        }
        Provider::Goscore | Provider::Bsa | Provider::Fineract => {
            bearer(ask).is_some_and(|token| token_works(state, provider, token))
        }
    }
}

pub(super) fn bearer(ask: &Ask) -> Option<&str> {
    let (scheme, token) = ask.header("authorization").split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// `user:password`, decoded.
pub(super) fn basic(ask: &Ask) -> Option<Vec<u8>> {
    let (scheme, value) = ask.header("authorization").split_once(' ')?;
    let basic = scheme.eq_ignore_ascii_case("basic");
    basic.then(|| STANDARD.decode(value).ok()).flatten()
}

fn token_works(state: &State, provider: Provider, token: &str) -> bool {
    if fixed_token(provider) == Some(token) {
        return !matches!(state.faults.get(&provider), Some(Fault::ExpiredToken));
    }
    state
        .tokens
        .get(token)
        .is_some_and(|(owner, expires_at)| *owner == provider && *expires_at > now().timestamp())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a simulator is its own program, with its own clock"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Answers a request for a token.
pub(super) fn hand_out(state: &mut State, ask: &Ask) -> Reply {
    let now = now();
    if ask.provider == Provider::Goscore {
        if ask.header("client-id") != credential(ask.provider, "client_id")
            || ask.header("secret-key") != credential(ask.provider, "secret_key")
        {
            return failure(ask.provider, 401, "Client ID or Secret Key is not valid");
        }
        let expires_at = now.timestamp().saturating_add(GOSCORE_LIFE);
        let claims = format!(r#"{{"app_id":1,"expire_at":{expires_at}}}"#);
        let token = mint(state, ask.provider, r#"{"alg":"HS256"}"#, &claims, expires_at);
        // Month first, to the minute, UTC; the zone is not written.
        let shown = DateTime::from_timestamp(expires_at, 0)
            .unwrap_or(now)
            .format("%m-%d-%Y %H:%M");
        return Reply::json(format!(r#"{{"token":"{token}","expire_at":"{shown}"}}"#));
    }
    let expected = format!(
        "{}:{}",
        credential(ask.provider, "email"),
        credential(ask.provider, "password")
    );
    if basic(ask).as_deref() != Some(expected.as_bytes()) {
        return failure(ask.provider, 401, "authentication failed");
    }
    let issued_at = now.timestamp();
    let expires_at = issued_at.saturating_add(BSA_LIFE);
    let claims = format!(
        concat!(
            r#"{{"iss":"service-project","sub":"5cf37266-3473-4006-984f-9325122678b7","#,
            r#""exp":{},"iat":{},"roles":["ADMIN"]}}"#
        ),
        expires_at, issued_at
    );
    let header = r#"{"alg":"RS256","kid":"54bb2165-71e1-41a6-af3e-7da4a0e1e2c1","typ":"JWT"}"#;
    let token = mint(state, ask.provider, header, &claims, expires_at);
    Reply::json(format!(r#"{{"token":"{token}"}}"#))
}

/// A token that reads like the provider's. The serial number is in what is signed only, so two tokens of
/// one second differ without a claim that the provider does not have.
fn mint(state: &mut State, provider: Provider, header: &str, claims: &str, expires_at: i64) -> String {
    let serial = state.next_serial();
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let signature = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{signed}.{serial}")));
    let token = format!("{signed}.{signature}");
    state.tokens.insert(token.clone(), (provider, expires_at));
    token
}
