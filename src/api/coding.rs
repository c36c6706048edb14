//! Whether files for browsers go out compressed.

use axum::http::{HeaderMap, header};

/// RFC 9110 section 12.5.3. A weight of nought says no; other weights have nothing to choose from.
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut codings = lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','));
    codings.any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let refused = |part: &str| {
            let weight = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
            weight.is_some_and(|weight| weight.bytes().all(|byte| matches!(byte, b'0' | b'.')))
        };
        named && !parts.any(refused)
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn compressed_is_what_somebody_takes() {
        let taken = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            takes_gzip(&headers)
        };
        for value in [
            "gzip",
            "br, GZIP",
            "gzip, deflate, br, zstd",
            "br;q=1, gzip;q=0.5",
            "gzip; q=0.01",
        ] {
            assert!(taken(value), "{value}");
        }
        for value in [
            "",
            "identity",
            "br",
            "gzip;q=0",
            "gzip; q=0.000",
            "xgzip",
            "gzips",
        ] {
            assert!(!taken(value), "{value}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
