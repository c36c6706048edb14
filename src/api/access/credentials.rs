//! The key or the token that a request brings.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HeaderName, HeaderValue};

use crate::api::problem::{Code, Problem};
use crate::identity;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Longest key worth hashing.
const LONGEST: usize = 256;

/// The key in the headers, if there is one. What it is not is never repeated.
pub(super) fn presented(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let bearer = single(headers, &AUTHORIZATION)?
        .map(|value| bearer(value, LONGEST))
        .transpose()?;
    let api_key = single(headers, &API_KEY)?.map(plain).transpose()?;
    match (bearer, api_key) {
        (Some(bearer), Some(api_key)) if bearer != api_key => Err(refused(
            "`Authorization` and `X-Api-Key` hold two different keys.",
        )),
        (bearer, api_key) => Ok(bearer.or(api_key)),
    }
}

/// The token in the headers, if there is one. A key beside it, or in its place, is a mistake that would go unnoticed.
pub(super) fn token(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    if headers.contains_key(&API_KEY) {
        return Err(refused(
            "This gateway takes tokens and no keys: `Authorization: Bearer …` without `X-Api-Key`.",
        ));
    }
    single(headers, &AUTHORIZATION)?
        .map(|value| bearer(value, identity::LONGEST))
        .transpose()
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(refused("There are two headers with a key.")),
    }
}

/// `Bearer <key>`; the word in any case, as all schemes are.
fn bearer(value: &HeaderValue, longest: usize) -> Result<&str, Problem> {
    let malformed = || refused("`Authorization` must be the word Bearer, a space, and a key or a token.");
    let (scheme, key) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or_else(malformed)?;
    let key = key.trim_start_matches(' ');
    if scheme.eq_ignore_ascii_case("bearer") && is_key(key, longest) {
        Ok(key)
    } else {
        Err(malformed())
    }
}

fn plain(value: &HeaderValue) -> Result<&str, Problem> {
    value
        .to_str()
        .ok()
        .filter(|key| is_key(key, LONGEST))
        .ok_or_else(|| refused("`X-Api-Key` must be a key, and nothing but one."))
}

/// The characters that RFC 6750 allows.
fn is_key(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte))
}

fn refused(why: &'static str) -> Problem {
    Problem::because(Code::Unauthorized, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(given: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in given {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            map.append(HeaderName::from_static(name), value);
        }
        map
    }

    #[test]
    fn one_key_in_either_header_or_the_same_in_both() {
        let ways: [&[(&'static str, &str)]; 5] = [
            &[("authorization", "Bearer lgk_a-c")],
            &[("authorization", "bearer lgk_a-c")],
            &[("authorization", "BEARER   lgk_a-c")],
            &[("x-api-key", "lgk_a-c")],
            &[("x-api-key", "lgk_a-c"), ("authorization", "Bearer lgk_a-c")],
        ];
        for given in ways {
            assert_eq!(presented(&headers(given)).unwrap(), Some("lgk_a-c"), "{given:?}");
        }
        assert_eq!(presented(&headers(&[("cookie", "key=1")])).unwrap(), None);
    }

    #[test]
    fn a_token_comes_as_bearer_and_nothing_comes_with_it() {
        let long = format!("Bearer {}", "t".repeat(identity::LONGEST));
        for (given, found) in [("bearer a.b.c", "a.b.c"), (&long, &long[7..])] {
            let given = headers(&[("authorization", given)]);
            assert_eq!(token(&given).unwrap(), Some(found));
        }
        assert_eq!(token(&headers(&[("cookie", "token=a.b.c")])).unwrap(), None);
        let longer = format!("{long}t");
        let ways: [&[(&'static str, &str)]; 6] = [
            &[("x-api-key", "a.b.c")],
            &[("x-api-key", "a.b.c"), ("authorization", "Bearer a.b.c")],
            &[
                ("authorization", "Bearer a.b.c"),
                ("authorization", "Bearer a.b.c"),
            ],
            &[("authorization", "DPoP a.b.c")],
            &[("authorization", "Bearer a.b.c d")],
            &[("authorization", &longer)],
        ];
        for given in ways {
            let problem = token(&headers(given)).unwrap_err();
            assert_eq!(problem.code, Code::Unauthorized, "{given:?}");
        }
    }

    #[test]
    fn everything_else_is_refused_without_repeating_it() {
        let long = "k".repeat(257);
        let ways: [&[(&'static str, &str)]; 17] = [
            &[("authorization", "")],
            &[("authorization", "Bearer")],
            &[("authorization", "Bearer ")],
            &[("authorization", "MARK")],
            &[("authorization", "Basic TUFSSzpNQVJL")],
            &[("authorization", "Bearer MARK MARK")],
            &[("authorization", "Bearer MARK,MARK")],
            &[("authorization", "Bearer\tMARK")],
            &[("authorization", "Bearer MÿRK")],
            &[("authorization", "Bearer MARK"), ("authorization", "Bearer MARK")],
            &[("x-api-key", "")],
            &[("x-api-key", "Bearer MARK")],
            &[("x-api-key", "M\"RK")],
            &[("x-api-key", &long)],
            &[("x-api-key", "MARK"), ("x-api-key", "MARK")],
            &[("x-api-key", "MARK"), ("authorization", "Bearer MARK2")],
            &[("x-api-key", "MARK"), ("authorization", "Basic TUFSSzpNQVJL")],
        ];
        for given in ways {
            let problem = presented(&headers(given)).unwrap_err();
            assert_eq!(problem.code, Code::Unauthorized, "{given:?}");
            assert!(!problem.detail.contains("MARK"), "{problem:?}");
        }
    }
}
