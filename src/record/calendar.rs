//! Dates and instants as providers write them.

use chrono::format::{Item, Numeric, Pad, Parsed, parse};
use chrono::{DateTime, Datelike, FixedOffset, NaiveDate};

/// `%Y-%m-%d`, taken apart once and not for every date.
const DATE: [Item<'static>; 5] = [
    Item::Numeric(Numeric::Year, Pad::Zero),
    Item::Literal("-"),
    Item::Numeric(Numeric::Month, Pad::Zero),
    Item::Literal("-"),
    Item::Numeric(Numeric::Day, Pad::Zero),
];

/// A calendar date written `YYYY-MM-DD`, exactly.
pub fn calendar_date(text: &str) -> Option<NaiveDate> {
    if text.len() != 10 {
        return None;
    }
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, DATE.iter()).ok()?;
    parsed.to_naive_date().ok().filter(|date| date.year() >= 1)
}

/// An instant in RFC 3339, or with an offset without its colon as some providers write it.
pub(super) fn parse_instant(text: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()
        .filter(|instant| {
            let years = 1..=9999;
            years.contains(&instant.year()) && years.contains(&instant.to_utc().year())
        })
}
