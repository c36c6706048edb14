//! Amounts that make up another one. The LMS leaves out those that are nought.

use std::cmp::Ordering;

use rust_decimal::Decimal;

use crate::loan::{Accounted, Currency, Missing, Money, Origin, decimal};
use crate::record::{Reader, Rejected};

/// A part of an amount, and whether the record has a column for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<F> {
    field: F,
    pub(super) value: Option<Money>,
    there: bool,
}

/// Reads a part under the first of these keys that is there.
pub(super) fn part<F: Accounted>(
    row: &mut Reader<'_, F>,
    field: F,
    keys: &[&'static str],
) -> Result<Part<F>, Rejected> {
    let key = keys.iter().find(|key| row.has(key));
    let value = match key {
        Some(key) => row.money(field, key)?,
        None => None,
    };
    if let (None, Some(usual)) = (key, keys.first()) {
        row.lacks(field, Missing::AbsentInResponse, usual);
    }
    Ok(Part {
        field,
        value,
        there: key.is_some(),
    })
}

/// Compares the sum of the parts with the whole, which came under `source`; `None` where there is no exact sum. That
/// an absent part is nought follows only where the others already make up the whole; otherwise it is not known.
pub(super) fn make_up<F: Accounted>(
    parts: &mut [Part<F>],
    whole: Money,
    currency: Currency,
    row: &mut Reader<'_, F>,
    source: &'static str,
) -> Option<Ordering> {
    let known = parts.iter().filter_map(|part| part.value);
    let sum = decimal::checked_total(known.map(|part| Some(part.value())))?;
    let order = sum.cmp(&whole.value());
    if order == Ordering::Equal {
        for part in parts.iter_mut().filter(|part| !part.there) {
            part.value = Some(Money::new(Decimal::ZERO, currency));
            row.is(part.field, Origin::Derived, source);
        }
    }
    Some(order)
}

/// Whether the record has a value for every one of them.
pub(super) fn all_known<F>(parts: &[Part<F>]) -> bool {
    parts.iter().all(|part| part.value.is_some())
}

/// Whether the record has a value for any of them.
pub(super) fn any_known<F>(parts: &[Part<F>]) -> bool {
    parts.iter().any(|part| part.value.is_some())
}
