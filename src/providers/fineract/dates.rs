//! Dates as Fineract writes them.

use chrono::NaiveDate;

use crate::loan::{Accounted, Missing, Origin};
use crate::record::{Reader, calendar_date};

/// `[year, month, day]`, or ISO text from newer servers. Two numbers are a day nobody can name.
pub(super) fn date<F: Accounted>(row: &mut Reader<'_, F>, field: F, key: &'static str) -> Option<NaiveDate> {
    let Some(raw) = row.raw(key) else {
        let why = if row.has(key) {
            Missing::NullInResponse
        } else {
            Missing::AbsentInResponse
        };
        row.lacks(field, why, key);
        return None;
    };
    let date = plain(raw).or_else(|| any(raw));
    if date.is_none() {
        return row.malformed(field, key);
    }
    row.is(field, Origin::Reported, key);
    date
}

/// Three numbers with nothing between them but commas, as servers write them.
fn plain(raw: &str) -> Option<NaiveDate> {
    let mut parts = raw.strip_prefix('[')?.strip_suffix(']')?.split(',');
    let mut next = || {
        let part = parts.next().filter(|part| part.len() <= 4)?;
        part.parse::<u16>().ok()
    };
    let (year, month, day) = (next()?, next()?, next()?);
    if parts.next().is_some() || year == 0 {
        return None;
    }
    NaiveDate::from_ymd_opt(year.into(), month.into(), day.into())
}

/// However it is written.
fn any(raw: &str) -> Option<NaiveDate> {
    match serde_json::from_str::<Vec<i32>>(raw) {
        Ok(parts) => match parts.as_slice() {
            [year @ 1..=9999, month, day, ..] => u32::try_from(*month)
                .ok()
                .zip(u32::try_from(*day).ok())
                .and_then(|(month, day)| NaiveDate::from_ymd_opt(*year, month, day)),
            _ => None,
        },
        Err(_) => serde_json::from_str::<String>(raw)
            .ok()
            .and_then(|text| calendar_date(&text)),
    }
}
