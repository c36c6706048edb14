//! Decimals from the characters of a number.

use rust_decimal::Decimal;

use super::{exact, small};

/// Significant digits an amount may have. Beyond this a value is refused, never rounded.
pub const MAX_DIGITS: usize = 28;

/// Longest text worth looking at; a longer one cannot be an exact decimal of [`MAX_DIGITS`] digits anyone meant.
const MAX_TEXT: usize = 96;

/// Why a text is not a decimal we can keep exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Inexact {
    /// Not a number in JSON's grammar (`NaN`, `1_000`, `+1`, ` 1`, an empty text).
    #[error("is not a decimal number")]
    NotANumber,
    /// More than [`MAX_DIGITS`] digits, or an exponent that needs as many.
    #[error("has more than 28 digits")]
    TooManyDigits,
}

/// Reads a decimal in JSON's number grammar, exactly or not at all.
///
/// Trailing zeros of a fraction are not digits of the value: `833.330000` has five.
pub fn parse(text: &str) -> Result<Decimal, Inexact> {
    let bytes = text.as_bytes();
    short(bytes).map_or_else(|| long(bytes), Ok)
}

/// Most characters of a number whose digits certainly fit 64 bits.
const SHORT: usize = 18;

/// A number as nearly all are written: few digits, perhaps a point, no exponent. `None` for any other text, a number or not.
pub(super) fn short(bytes: &[u8]) -> Option<Decimal> {
    let (negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.len() > SHORT || !matches!(digits, [b'1'..=b'9', ..] | [b'0'] | [b'0', b'.', ..]) {
        return None;
    }
    let point = digits.iter().position(|byte| *byte == b'.');
    let (whole, mut fraction) = match point {
        Some(point) => match digits.split_at_checked(point)? {
            (whole, [_, fraction @ ..]) if !fraction.is_empty() => (whole, fraction),
            _ => return None,
        },
        None => (digits, &[][..]),
    };
    // Cheaper here than as a digit of the value that is divided away again.
    while let [before @ .., b'0'] = fraction {
        fraction = before;
    }
    let value = appended(appended(0, whole)?, fraction)?;
    small(negative, value, u32::try_from(fraction.len()).ok()?)
}

/// A number of 64 bits with more digits behind it, which it has room for.
fn appended(mut value: u64, digits: &[u8]) -> Option<u64> {
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
    }
    Some(value)
}

/// Any number.
pub(super) fn long(bytes: &[u8]) -> Result<Decimal, Inexact> {
    if bytes.is_empty() || bytes.len() > MAX_TEXT {
        return Err(if bytes.is_empty() {
            Inexact::NotANumber
        } else {
            Inexact::TooManyDigits
        });
    }
    let (negative, rest) = match bytes.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, bytes),
    };
    let (whole, rest) = digits(rest);
    if whole.is_empty() || (whole.len() > 1 && whole.first() == Some(&b'0')) {
        return Err(Inexact::NotANumber);
    }
    let (fraction, rest) = match rest.split_first() {
        Some((b'.', rest)) => {
            let (fraction, rest) = digits(rest);
            if fraction.is_empty() {
                return Err(Inexact::NotANumber);
            }
            (fraction, rest)
        }
        _ => (&[][..], rest),
    };
    let exponent = exponent(rest)?;
    assemble(negative, whole, fraction, exponent)
}

fn digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(bytes.len());
    bytes.split_at(end)
}

/// The exponent of `e+3`, 0 when there is none. One that no 28-digit value can have is refused before any shift.
fn exponent(bytes: &[u8]) -> Result<i32, Inexact> {
    let Some((b'e' | b'E', rest)) = bytes.split_first() else {
        return if bytes.is_empty() {
            Ok(0)
        } else {
            Err(Inexact::NotANumber)
        };
    };
    let (negative, rest) = match rest.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, rest),
    };
    let (number, tail) = digits(rest);
    if number.is_empty() || !tail.is_empty() {
        return Err(Inexact::NotANumber);
    }
    let mut value = 0_i32;
    for digit in number {
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(i32::from(digit.wrapping_sub(b'0'))))
            .filter(|value| *value <= 1_000)
            .ok_or(Inexact::TooManyDigits)?;
    }
    Ok(if negative { value.wrapping_neg() } else { value })
}

fn assemble(negative: bool, whole: &[u8], fraction: &[u8], exponent: i32) -> Result<Decimal, Inexact> {
    let fraction_end = fraction
        .iter()
        .rposition(|digit| *digit != b'0')
        .map_or(0, |last| last.saturating_add(1));
    let fraction = fraction.get(..fraction_end).unwrap_or_default();
    let (mut coefficient, mut count) = coefficient(whole, fraction)?;
    if coefficient == 0 {
        return Ok(Decimal::ZERO);
    }
    let places = i32::try_from(fraction.len()).map_err(|_| Inexact::TooManyDigits)?;
    let mut scale = places.checked_sub(exponent).ok_or(Inexact::TooManyDigits)?;
    while scale < 0 {
        count = count.saturating_add(1);
        if count > MAX_DIGITS {
            return Err(Inexact::TooManyDigits);
        }
        coefficient = coefficient.checked_mul(10).ok_or(Inexact::TooManyDigits)?;
        scale = scale.saturating_add(1);
    }
    let signed = if negative {
        coefficient.checked_neg().ok_or(Inexact::TooManyDigits)?
    } else {
        coefficient
    };
    exact(signed, u32::try_from(scale).map_err(|_| Inexact::TooManyDigits)?).ok_or(Inexact::TooManyDigits)
}

/// The number that the digits make, and how many of them count. Nearly every amount fits 64 bits, where each step takes a
/// fraction of the time.
fn coefficient(whole: &[u8], fraction: &[u8]) -> Result<(i128, usize), Inexact> {
    let mut small = 0_u64;
    let mut large = None;
    let mut count = 0_usize;
    for digit in whole.iter().chain(fraction) {
        if count > 0 || *digit != b'0' {
            count = count.saturating_add(1);
        }
        if count > MAX_DIGITS {
            return Err(Inexact::TooManyDigits);
        }
        let digit = digit.wrapping_sub(b'0');
        let next = small
            .checked_mul(10)
            .and_then(|value| value.checked_add(u64::from(digit)))
            .filter(|_| large.is_none());
        match next {
            Some(next) => small = next,
            None => {
                let value = large.unwrap_or(i128::from(small));
                let next = value
                    .checked_mul(10)
                    .and_then(|value| value.checked_add(i128::from(digit)));
                large = Some(next.ok_or(Inexact::TooManyDigits)?);
            }
        }
    }
    Ok((large.unwrap_or(i128::from(small)), count))
}
