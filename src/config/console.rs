//! `[console]`: the pages for people.

use super::section::Section;

/// `[console]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Console {
    /// Whether there is one.
    pub enabled: bool,
}

pub(super) fn console(section: &mut Section<'_>) -> Console {
    Console {
        enabled: section.bool_or("enabled", true),
    }
}
