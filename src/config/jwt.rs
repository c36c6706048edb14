//! Whose tokens are taken, and how they are read: `[auth.jwt]`.

use std::time::Duration;

use reqwest::Url;
use toml::Value;

use super::auth::{RateLimit, max_concurrency, rate_limit};
use super::section::{Given, Section};

/// `[auth.jwt]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwt {
    /// What `iss` must be.
    pub issuer: String,
    /// What `aud` must name one of.
    pub audiences: Vec<String>,
    /// Where the provider publishes its keys.
    pub jwks_url: Url,
    /// The claim that names the client.
    pub client_claim: String,
    /// The claim with its scopes.
    pub scope_claim: String,
    /// The claim with the connections it may see.
    pub connections_claim: String,
    /// How far the clocks of the provider and of this machine may be apart.
    pub leeway: Duration,
    /// How old the keys may be.
    pub jwks_max_age: Duration,
    /// How old they may be while the provider fails.
    pub jwks_stale_if_error: Duration,
    /// Least time between two fetches of them.
    pub jwks_min_pause: Duration,
    /// How long a fetch may take, and a request may wait for it.
    pub jwks_timeout: Duration,
    /// How often each client may ask; as often as it likes when not said.
    pub rate_limit: Option<RateLimit>,
    /// Requests each client may have in hand at once; as many as it likes when not said.
    pub max_concurrency: Option<usize>,
}

/// Reads `[auth.jwt]`; `None` where something without a default is not right.
pub(super) fn jwt(section: &mut Section<'_>) -> Option<Jwt> {
    let hour = Duration::from_hours(1);
    let day = Duration::from_hours(24);
    let second = Duration::from_secs(1);
    let issuer = section.require_string("issuer");
    let audiences = audiences(section);
    let jwks_url = section.document_url("jwks_url");
    let [client_claim, scope_claim, connections_claim] = claims(section);
    let leeway = section.duration_or(
        "leeway",
        Duration::from_secs(30),
        Duration::ZERO..=Duration::from_mins(5),
    );
    let jwks_max_age = section.duration_or("jwks_max_age", Duration::from_mins(5), second..=day);
    let jwks_stale_if_error = section.duration_or("jwks_stale_if_error", hour, Duration::ZERO..=day);
    let shortest = Duration::from_millis(100);
    let jwks_min_pause = section.duration_or("jwks_min_pause", Duration::from_secs(10), shortest..=hour);
    if jwks_min_pause > jwks_max_age {
        section.problem(
            "jwks_min_pause",
            "must not be more than jwks_max_age: keys could not be fetched again in time",
        );
    }
    let jwks_timeout = section.duration_or(
        "jwks_timeout",
        Duration::from_secs(3),
        shortest..=Duration::from_secs(30),
    );
    let rate_limit = rate_limit(section);
    let max_concurrency = max_concurrency(section);
    Some(Jwt {
        issuer,
        audiences,
        jwks_url: jwks_url?,
        client_claim,
        scope_claim,
        connections_claim,
        leeway,
        jwks_max_age,
        jwks_stale_if_error,
        jwks_min_pause,
        jwks_timeout,
        rate_limit,
        max_concurrency,
    })
}

/// One, or several.
fn audiences(section: &mut Section<'_>) -> Vec<String> {
    if !section.has("audience") {
        section.problem(
            "audience",
            "is required: what the provider puts into `aud` of tokens for this gateway",
        );
    }
    let read = |given: Given<'_>| {
        let names: Vec<&str> = match given {
            Given::File(Value::Array(items)) => items.iter().map(Value::as_str).collect::<Option<_>>()?,
            Given::File(value) => vec![value.as_str()?],
            Given::Environment(text) => text.split(',').map(str::trim).collect(),
        };
        let fine = !names.is_empty() && names.iter().all(|name| !name.is_empty());
        fine.then(|| names.into_iter().map(str::to_owned).collect())
    };
    section
        .value(
            "audience",
            "a string or a list of strings, none of them empty",
            read,
        )
        .unwrap_or_default()
}

/// The names of the three claims, which are no two the same.
fn claims(section: &mut Section<'_>) -> [String; 3] {
    let mut taken: Vec<String> = Vec::with_capacity(3);
    [
        ("client_claim", "client_id"),
        ("scope_claim", "scope"),
        ("connections_claim", "loangate_connections"),
    ]
    .map(|(key, default)| {
        let read = |given: Given<'_>| given.text().filter(|text| !text.is_empty()).map(str::to_owned);
        let name = section.value(key, "the name of a claim", read);
        let name = name.unwrap_or_else(|| default.to_owned());
        if taken.contains(&name) {
            section.problem(key, "must not be the claim that another key names");
        }
        taken.push(name.clone());
        name
    })
}
