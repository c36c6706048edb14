//! Writes a JSON object field by field, in the order and with the digits that a provider would use.

use std::fmt::Display;

use super::dice::decimal;

/// An object that is being written.
#[derive(Debug, Default)]
pub(super) struct Object(String);

impl Object {
    /// A value that is JSON already.
    pub(super) fn raw(&mut self, key: &str, value: &str) -> &mut Self {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        for part in ["\"", key, "\":", value] {
            self.0.push_str(part);
        }
        self
    }

    /// Words that need no escaping, as all generated ones.
    pub(super) fn text(&mut self, key: &str, value: &str) -> &mut Self {
        self.raw(key, &format!("\"{value}\""))
    }

    /// A number or a truth value.
    pub(super) fn plain(&mut self, key: &str, value: impl Display) -> &mut Self {
        self.raw(key, &format!("{value}"))
    }

    /// An amount in thousandths as a number with no digit to spare.
    pub(super) fn amount(&mut self, key: &str, thousandths: u64) -> &mut Self {
        self.raw(key, &decimal(thousandths, 0))
    }

    pub(super) fn closed(&mut self) -> String {
        let mut text = std::mem::take(&mut self.0);
        text.push_str(if text.is_empty() { "{}" } else { "}" });
        text
    }
}
