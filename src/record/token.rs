//! Single JSON tokens: reading a scalar from its characters, and rewriting a value so that a caller can have it.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::scan::{Scan, is_plain};
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
    if is_plain(inner) {
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

/// A name of the provider as it stands between the quotes of a JSON text for a caller.
pub(super) fn name(key: &str) -> Cow<'_, str> {
    if is_plain(key) {
        return Cow::Borrowed(key);
    }
    let mut quoted = String::with_capacity(key.len().saturating_add(8));
    quote(&key.replace(char::is_control, "\u{FFFD}"), &mut quoted);
    let inner = quoted.strip_prefix('"').and_then(|inner| inner.strip_suffix('"'));
    Cow::Owned(inner.unwrap_or_default().to_owned())
}

/// A value of the provider for a caller.
pub(super) fn presentable(raw: &str) -> Option<Json> {
    let mut out = String::with_capacity(raw.len().saturating_add(2));
    write(raw, &mut out);
    RawValue::from_string(out).ok().map(Json)
}

/// Rewrites a valid JSON text for a caller: numbers become strings of the same characters, control characters in strings
/// are replaced, an undecodable string becomes null, white space goes. Token by token, so depth costs nothing.
pub(super) fn write(raw: &str, out: &mut String) {
    match raw.as_bytes().first() {
        Some(b'"') if is_clean(inner(raw)) => return out.push_str(raw),
        Some(b'-' | b'0'..=b'9') => return quote_number(raw, out),
        Some(b't' | b'f' | b'n') => return out.push_str(raw),
        _ => {}
    }
    let bytes = raw.as_bytes();
    // What stands from here to the token in hand goes out as it is.
    let mut from = 0;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let end = match byte {
            b'"' => Scan::string_end(raw, at),
            b'-' | b'0'..=b'9' => Scan::word_end(raw, at),
            b' ' | b'\n' | b'\r' | b'\t' => at.saturating_add(1),
            _ => {
                at = at.saturating_add(1);
                continue;
            }
        };
        let token = raw.get(at..end).unwrap_or_default();
        if *byte != b'"' || !is_clean(inner(token)) {
            out.push_str(raw.get(from..at).unwrap_or_default());
            from = end;
            match byte {
                b'"' => match decode(token) {
                    Some(text) => quote(&text, out),
                    None => out.push_str("null"),
                },
                b'-' | b'0'..=b'9' => quote_number(token, out),
                _ => {}
            }
        }
        at = end;
    }
    out.push_str(raw.get(from..).unwrap_or_default());
}

/// Whether a string goes out as it came: nothing in it is an escape or a control character.
fn is_clean(inner: &str) -> bool {
    is_plain(inner) || !(inner.contains('\\') || inner.chars().any(char::is_control))
}

/// What stands between the quotes.
fn inner(quoted: &str) -> &str {
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default()
}

fn quote_number(number: &str, out: &mut String) {
    out.push('"');
    out.push_str(number);
    out.push('"');
}

/// Appends a text as JSON.
fn quote(text: &str, out: &mut String) {
    // A text can always be written.
    if let Ok(quoted) = serde_json::to_string(text) {
        out.push_str(&quoted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(raw: &str) -> String {
        let mut out = String::new();
        write(raw, &mut out);
        out
    }

    #[test]
    fn numbers_keep_their_characters_and_strings_lose_their_controls() {
        let raw = r#"{"a": [1.50, -2e3, true, null], "b\n": "x\u0000\u001b[31m\"y", "c": "æ\u007f"}"#;
        assert_eq!(
            written(raw),
            "{\"a\":[\"1.50\",\"-2e3\",true,null],\"b\u{FFFD}\":\"x\u{FFFD}\u{FFFD}[31m\\\"y\",\"c\":\"æ\u{FFFD}\"}"
        );
        assert_eq!(
            written(r#""\ud800lost \ud83d\ude00 \udc00\n""#),
            "\"\u{FFFD}lost \u{1F600} \u{FFFD}\u{FFFD}\""
        );
    }

    #[test]
    fn deep_values_cost_no_stack() {
        let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
        assert!(written(&deep).contains("\"1\""));
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
            let rewritten = written(&raw);
            prop_assert!(serde_json::from_str::<(Vec<String>, String)>(&rewritten).is_ok(), "{}", rewritten);
        }
    }
}
