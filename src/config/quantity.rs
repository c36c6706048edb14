//! Durations and sizes as they are written: a whole number and a unit.

use std::time::Duration;

/// In milliseconds, smallest first.
const TIMES: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
/// In bytes, smallest first; a bare number is bytes.
const SIZES: [(&str, u64); 5] = [
    ("", 1),
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// `"250ms"`, `"10s"`, `"15m"`, `"1h"`. A number without a unit is refused: it could mean anything.
pub(super) fn duration(text: &str) -> Option<Duration> {
    scaled(text, &TIMES).map(Duration::from_millis)
}

/// `"8MiB"`, `"512KiB"`, `"1024"`.
pub(super) fn bytes(text: &str) -> Option<u64> {
    scaled(text, &SIZES)
}

/// A duration in the largest unit that loses nothing.
pub(super) fn show_duration(duration: Duration) -> String {
    match u64::try_from(duration.as_millis()) {
        Ok(0) => "0s".to_owned(),
        Ok(millis) => shown(millis, &TIMES),
        Err(_) => format!("{}s", duration.as_secs()),
    }
}

/// A size in the largest unit that loses nothing.
pub(super) fn show_bytes(bytes: u64) -> String {
    shown(bytes, &SIZES)
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*scale)
}

fn shown(amount: u64, units: &[(&str, u64)]) -> String {
    units
        .iter()
        .rev()
        .filter(|(_, scale)| amount.checked_rem(*scale) == Some(0) && amount >= *scale)
        .find_map(|(unit, scale)| Some(format!("{}{unit}", amount.checked_div(*scale)?)))
        .unwrap_or_else(|| amount.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn written_durations() {
        for (text, millis) in [
            ("0s", 0),
            ("0ms", 0),
            ("250ms", 250),
            ("10s", 10_000),
            ("15m", 900_000),
            ("1h", 3_600_000),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in [
            "",
            "10",
            "s",
            "-1s",
            "+1s",
            "1.5s",
            "1 s",
            " 1s",
            "1s ",
            "1S",
            "1d",
            "1us",
            "1_000s",
            "١s",
            "1h30m",
            "18446744073709551615h",
            "99999999999999999999s",
        ] {
            assert_eq!(duration(text), None, "{text:?}");
        }
    }

    #[test]
    fn written_sizes() {
        for (text, size) in [
            ("0", 0),
            ("1024", 1024),
            ("7B", 7),
            ("512KiB", 512 << 10),
            ("8MiB", 8 << 20),
            ("2GiB", 2 << 30),
        ] {
            assert_eq!(bytes(text), Some(size), "{text}");
        }
        for text in [
            "",
            "MiB",
            "8MB",
            "8mib",
            "8 MiB",
            "-8MiB",
            "0x8",
            "18446744073709551615KiB",
        ] {
            assert_eq!(bytes(text), None, "{text:?}");
        }
    }

    #[test]
    fn shown_in_the_largest_unit() {
        assert_eq!(show_duration(Duration::ZERO), "0s");
        assert_eq!(show_duration(Duration::from_millis(1_500)), "1500ms");
        assert_eq!(show_duration(Duration::from_mins(5)), "5m");
        assert_eq!(show_bytes(0), "0");
        assert_eq!(show_bytes(1025), "1025B");
        assert_eq!(show_bytes(8 << 20), "8MiB");
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(amount: u64) {
            prop_assert_eq!(bytes(&show_bytes(amount)), Some(amount));
            let time = Duration::from_millis(amount);
            prop_assert_eq!(duration(&show_duration(time)), Some(time));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,24}") {
            if let Some(size) = bytes(&text) {
                prop_assert!(size == 0 || text.starts_with(|c: char| c.is_ascii_digit()));
            }
            let _ = duration(&text);
        }
    }
}
