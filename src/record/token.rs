//! Single JSON tokens: reading a scalar from its characters, and rewriting a value so that a caller can have it.

use std::borrow::Cow;

use serde_json::value::{RawValue, to_raw_value};

use crate::loan::Json;

/// One JSON value as the provider wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// The key is not there.
    Absent,
    /// `null`.
    Null,
    /// A string, decoded, control characters replaced.
    Text(Cow<'a, str>),
    /// A number's own characters.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// An array, an object, or a string that is not Unicode.
    Other,
}

impl<'a> Token<'a> {
    /// Reads the token of a valid JSON text.
    pub(super) fn read(raw: &'a str) -> Self {
        match raw.as_bytes().first() {
            Some(b'"') => decode(raw).map_or(Self::Other, Self::Text),
            Some(b'n') => Self::Null,
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'-' | b'0'..=b'9') => Self::Number(raw),
            _ => Self::Other,
        }
    }
}

/// Decodes a JSON string and replaces control characters; `None` when its escapes are not Unicode.
pub(super) fn decode(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    // Nearly every text is printable ASCII; without an early exit many bytes are looked at at once.
    let plain = |byte| matches!(byte, b' '..=b'[' | b']'..=b'~');
    if inner.bytes().fold(true, |all, byte| all & plain(byte)) {
        return Some(Cow::Borrowed(inner));
    }
    let text = if inner.contains('\\') {
        Cow::Owned(
            serde_json::from_str::<String>(raw)
                .or_else(|_| serde_json::from_str(&mended(raw)))
                .ok()?,
        )
    } else {
        Cow::Borrowed(inner)
    };
    if text.chars().any(char::is_control) {
        return Some(Cow::Owned(text.replace(char::is_control, "\u{FFFD}")));
    }
    Some(text)
}

/// The string with every surrogate escape that has no partner replaced; without one it is Unicode.
fn mended(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(before);
        let code = |from: usize| {
            let digits = escape.get(from..from.saturating_add(6))?.strip_prefix("\\u")?;
            u16::from_str_radix(digits, 16).ok()
        };
        let length = match (code(0), code(6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => {
                out.push_str("\\ufffd");
                rest = escape.get(6..).unwrap_or_default();
                continue;
            }
            (Some(_), _) => 6,
            (None, _) => 2,
        };
        let (kept, tail) = escape.split_at_checked(length).unwrap_or((escape, ""));
        out.push_str(kept);
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// A value of the provider for a caller; `None` when it is not JSON after all.
pub(super) fn presentable(raw: &str) -> Option<Json> {
    let json = match Token::read(raw) {
        Token::Text(text) => to_raw_value(&text),
        Token::Number(number) => to_raw_value(number),
        Token::Bool(value) => to_raw_value(&value),
        Token::Absent | Token::Null => to_raw_value(&()),
        Token::Other => RawValue::from_string(for_extensions(raw)),
    };
    json.ok().map(Json)
}

/// Rewrites a valid JSON text for `extensions`: numbers become strings of the same characters, control characters
/// in strings are replaced, an undecodable string becomes null. Token by token, so depth costs nothing.
fn for_extensions(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len().saturating_add(2));
    let mut rest = raw;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' => string_end(rest),
            '-' | '0'..='9' => rest
                .find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
                .unwrap_or(rest.len()),
            other => other.len_utf8(),
        };
        let (token, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
        match first {
            '"' => match decode(token).and_then(|text| serde_json::to_string(&text).ok()) {
                Some(text) => out.push_str(&text),
                None => out.push_str("null"),
            },
            '-' | '0'..='9' => {
                out.push('"');
                out.push_str(token);
                out.push('"');
            }
            _ => out.push_str(token),
        }
        rest = tail;
    }
    out
}

fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at.saturating_add(1),
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_keep_their_characters_and_strings_lose_their_controls() {
        let raw = r#"{"a": [1.50, -2e3, true, null], "b\n": "x\u0000\u001b[31m\"y", "c": "æ\u007f"}"#;
        assert_eq!(
            for_extensions(raw),
            "{\"a\": [\"1.50\", \"-2e3\", true, null], \"b\u{FFFD}\": \"x\u{FFFD}\u{FFFD}[31m\\\"y\", \"c\": \"æ\u{FFFD}\"}"
        );
        assert_eq!(
            for_extensions(r#""\ud800lost \ud83d\ude00 \udc00\n""#),
            "\"\u{FFFD}lost \u{1F600} \u{FFFD}\u{FFFD}\""
        );
    }

    #[test]
    fn deep_values_cost_no_stack() {
        let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
        assert!(for_extensions(&deep).contains("\"1\""));
    }

    proptest! {
        #[test]
        fn any_text_survives_decoding(text in "\\PC*") {
            let raw = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(decode(&raw).unwrap(), text);
        }

        #[test]
        fn valid_json_stays_valid(texts in proptest::collection::vec(".*", 0..4), number in any::<i64>()) {
            let raw = serde_json::to_string(&(texts, number)).unwrap();
            let rewritten = for_extensions(&raw);
            prop_assert!(serde_json::from_str::<(Vec<String>, String)>(&rewritten).is_ok(), "{}", rewritten);
        }
    }
}
