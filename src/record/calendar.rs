//! Dates and instants as providers write them.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate};

/// A calendar date written `YYYY-MM-DD`, exactly.
pub fn calendar_date(text: &str) -> Option<NaiveDate> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else {
        return None;
    };
    let year = number([*y1, *y2, *y3, *y4])?;
    let (month, day) = (number([*m1, *m2])?, number([*d1, *d2])?);
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day).filter(|date| date.year() >= 1)
}

/// A number of a few digits, and of nothing else.
fn number<const N: usize>(digits: [u8; N]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| digit.wrapping_sub(b'0'))?;
        number.checked_mul(10)?.checked_add(u32::from(digit))
    })
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
