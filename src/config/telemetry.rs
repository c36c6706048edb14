//! `[telemetry]`: where traces go.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use secrecy::ExposeSecret as _;
use toml::Value;

use super::section::{Given, Section};

/// `[telemetry]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// The collector's address for traces; without one there are none.
    pub otlp_endpoint: Option<Url>,
    /// Headers of every call to it. Secret.
    pub otlp_headers: HeaderMap,
    /// Whose spans they are.
    pub service_name: String,
    /// Of a million traces that begin here, how many are recorded.
    pub share: u32,
    /// How long a call to the collector may take.
    pub timeout: Duration,
}

/// The path of traces below an OTLP endpoint.
const TRACES: [&str; 2] = ["v1", "traces"];

/// Headers that are what the request is, and not a caller's to choose.
const OURS: [HeaderName; 6] = [
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::HOST,
    header::TRANSFER_ENCODING,
];

const MILLION: u32 = 1_000_000;

pub(super) fn telemetry(section: &mut Section<'_>) -> Telemetry {
    let otlp_endpoint = if section.has("otlp_endpoint") {
        section.base_url("otlp_endpoint", None)
    } else {
        let _ = section.bool_or("allow_http", false);
        None
    };
    if otlp_endpoint
        .as_ref()
        .is_some_and(|url| url.path().ends_with("/v1/traces"))
    {
        section.problem("otlp_endpoint", "must be without /v1/traces, which is added");
    }
    let otlp_endpoint = otlp_endpoint.map(|mut base| {
        if let Ok(mut path) = base.path_segments_mut() {
            path.pop_if_empty().extend(TRACES);
        }
        base
    });
    let service_name = section.string_or("service_name", "loangate");
    if service_name.is_empty() || service_name.chars().any(char::is_control) {
        section.problem("service_name", "must be a name without control characters");
    }
    let share = section
        .value("sample_ratio", "a number from 0 to 1 such as 0.05", ratio)
        .unwrap_or(MILLION);
    Telemetry {
        otlp_endpoint,
        otlp_headers: headers(section),
        service_name,
        share,
        timeout: section.duration_or(
            "timeout",
            Duration::from_secs(5),
            Duration::from_millis(10)..=Duration::from_mins(1),
        ),
    }
}

/// A share in millionths. Read as a decimal: it needs no float.
fn ratio(given: Given<'_>) -> Option<u32> {
    let text = match given {
        Given::File(value @ (Value::Float(_) | Value::Integer(_))) => value.to_string(),
        Given::File(_) => return None,
        Given::Environment(text) => text.to_owned(),
    };
    let millionths = text.parse::<Decimal>().ok()?.checked_mul(MILLION.into())?;
    millionths
        .to_u32()
        .filter(|share| !millionths.is_sign_negative() && *share <= MILLION)
}

fn headers(section: &mut Section<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for given in section.secrets("otlp_headers") {
        let header = given.expose_secret().split_once('=').and_then(|(name, value)| {
            let name = name.trim().parse::<HeaderName>().ok()?;
            if OURS.contains(&name) {
                return None;
            }
            let mut value = value.trim().parse::<HeaderValue>().ok()?;
            value.set_sensitive(true);
            Some((name, value))
        });
        match header {
            Some((name, value)) => {
                headers.append(name, value);
            }
            // What was given is not repeated: it may be a secret.
            None => section.problem(
                "otlp_headers",
                "each must be a header such as \"authorization=Bearer …\", and none that the request has anyway",
            ),
        }
    }
    headers
}
