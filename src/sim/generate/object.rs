//! Writes a JSON object field by field, in the order and with the digits that a provider would use.

use std::fmt::Display;

use super::dice::decimal;

/// An object that is being written.
#[derive(Debug, Default)]
pub(in crate::sim) struct Object(String);

impl Object {
    /// A value that is JSON already.
    pub(in crate::sim) fn raw(&mut self, key: &str, value: &str) -> &mut Self {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        for part in ["\"", key, "\":", value] {
            self.0.push_str(part);
        }
        self
    }

    /// Words that need no escaping, as all generated ones.
    pub(in crate::sim) fn text(&mut self, key: &str, value: &str) -> &mut Self {
        self.raw(key, &format!("\"{value}\""))
    }

    /// A number or a truth value.
    pub(in crate::sim) fn plain(&mut self, key: &str, value: impl Display) -> &mut Self {
        self.raw(key, &format!("{value}"))
    }

    /// An amount in thousandths as a number with no digit to spare.
    pub(in crate::sim) fn amount(&mut self, key: &str, thousandths: u64) -> &mut Self {
        self.raw(key, &decimal(thousandths, 0))
    }

    pub(in crate::sim) fn closed(&mut self) -> String {
        let mut text = std::mem::take(&mut self.0);
        text.push_str(if text.is_empty() { "{}" } else { "}" });
        text
    }
}
