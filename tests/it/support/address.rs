//! Addresses of what is asked for.

use std::fmt::Write as _;

/// Percent-encodes everything that is not a plain letter or digit.
pub fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").unwrap();
        }
        out
    })
}

/// The address of one loan.
pub fn loan_path(id: &str) -> String {
    format!("/loans/{}", encoded(id))
}
