//! Media types: what a caller accepts, and what it sends.

use axum::http::{HeaderMap, header};

use super::problem::{Code, Problem};

/// What a list can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// A page, in one document.
    Json,
    /// Everything, one loan a line.
    Ndjson,
    /// Everything, in a flat table.
    Csv,
}

impl Format {
    const ALL: [Self; 3] = [Self::Json, Self::Ndjson, Self::Csv];

    /// The media type.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv",
        }
    }
}

/// What metrics can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exposition {
    /// Prometheus text.
    Classic,
    /// OpenMetrics text.
    OpenMetrics,
}

impl Exposition {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Classic => "text/plain",
            Self::OpenMetrics => "application/openmetrics-text",
        }
    }

    /// The media type with its version.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// What metrics are to be written in: what the caller likes best, Prometheus text when it does not care.
pub(super) fn exposition(headers: &HeaderMap) -> Result<Exposition, Problem> {
    let all = [Exposition::Classic, Exposition::OpenMetrics];
    accepted(headers, &all, Exposition::media_type)
}

/// Refuses a caller that does not accept JSON.
pub(super) fn json(headers: &HeaderMap) -> Result<(), Problem> {
    accepted(headers, &[Format::Json], Format::as_str).map(|_| ())
}

/// What a list is to be written in: what the caller likes best, JSON when it does not care.
pub(super) fn list_format(headers: &HeaderMap) -> Result<Format, Problem> {
    accepted(headers, &Format::ALL, Format::as_str)
}

/// The first of `formats` that the caller gives the highest quality.
fn accepted<F: Copy>(headers: &HeaderMap, formats: &[F], name: fn(F) -> &'static str) -> Result<F, Problem> {
    let values = headers.get_all(header::ACCEPT);
    let ranges: Vec<(String, u16)> = values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(range)
        .collect();
    let quality = |format: F| {
        if values.iter().next().is_none() {
            return 1000;
        }
        let name = name(format);
        let kind = name
            .split_once('/')
            .map_or("*/*".to_owned(), |(kind, _)| format!("{kind}/*"));
        // The most specific range decides.
        [name, kind.as_str(), "*/*"]
            .iter()
            .find_map(|wanted| {
                ranges
                    .iter()
                    .find(|(range, _)| range == wanted)
                    .map(|(_, quality)| *quality)
            })
            .unwrap_or(0)
    };
    let mut best = None;
    for format in formats {
        let quality = quality(*format);
        if quality > 0 && best.is_none_or(|(_, before)| quality > before) {
            best = Some((*format, quality));
        }
    }
    best.map(|(format, _)| format).ok_or_else(|| {
        let names: Vec<&str> = formats.iter().map(|format| name(*format)).collect();
        Problem::because(
            Code::NotAcceptable,
            format!("This address answers {}.", names.join(", ")),
        )
    })
}

/// A media range in lower case, and its quality in thousandths. An unreadable quality counts as full.
fn range(item: &str) -> Option<(String, u16)> {
    let mut parts = item.split(';');
    let range = parts.next()?.trim().to_ascii_lowercase();
    let quality = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("q")
            .then(|| thousandths(value.trim()))
    });
    Some((range, quality.unwrap_or(1000)))
}

fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole != "0" {
        return 1000;
    }
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    digits.parse().unwrap_or(1000)
}

/// Refuses a body that is not JSON.
pub(super) fn sends_json(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| {
            value
                .split(';')
                .next()
                .map(|kind| kind.trim().to_ascii_lowercase())
        });
    if kind.as_deref() == Some("application/json") {
        Ok(())
    } else {
        Err(Problem::new(Code::UnsupportedMediaType))
    }
}
