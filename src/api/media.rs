//! Media types: what a caller accepts, and what it sends.

use axum::http::{HeaderMap, header};

use super::problem::{Code, Problem};

/// Refuses a caller that does not accept JSON.
pub(super) fn json(headers: &HeaderMap) -> Result<(), Problem> {
    let mut values = headers.get_all(header::ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return Ok(());
    }
    let accepted = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(quality)
        .any(|(range, refused)| {
            !refused && matches!(range.as_str(), "application/json" | "application/*" | "*/*")
        });
    if accepted {
        Ok(())
    } else {
        Err(Problem::because(
            Code::NotAcceptable,
            "This address answers `application/json`.",
        ))
    }
}

/// A media range in lower case, and whether its quality is zero.
fn quality(item: &str) -> Option<(String, bool)> {
    let mut parts = item.split(';');
    let range = parts.next()?.trim().to_ascii_lowercase();
    let refused = parts.any(|parameter| {
        parameter
            .trim()
            .strip_prefix("q=")
            .is_some_and(|q| q.trim_end_matches(['0', '.']).is_empty())
    });
    Some((range, refused))
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
