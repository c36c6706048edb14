//! Which text goes into JSON as it is.

/// Whether JSON writes these bytes as they are. Eight are looked at at once.
#[inline]
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    let (eights, rest) = bytes.as_chunks();
    if !eights.iter().fold(true, |all, eight| all & are_plain(*eight)) {
        return false;
    }
    match bytes.last_chunk() {
        // Some of them for the second time.
        Some(last) => are_plain(*last),
        None => rest.iter().all(|byte| !matches!(byte, 0..b' ' | b'"' | b'\\')),
    }
}

#[inline]
fn are_plain(bytes: [u8; 8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHEST_BITS: u64 = u64::from_ne_bytes([0x80; 8]);
    let bytes = u64::from_ne_bytes(bytes);
    // Subtracting sets the highest bit of each byte that is smaller. It may borrow from those above such a one, but then
    // there is one.
    let below = |bytes: u64, each: u8| {
        let subtracted = bytes.wrapping_sub(ONES.wrapping_mul(u64::from(each)));
        subtracted & !bytes & HIGHEST_BITS
    };
    let equal = |each: u8| below(bytes ^ ONES.wrapping_mul(u64::from(each)), 1);
    below(bytes, b' ') | equal(b'"') | equal(b'\\') == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_is_what_serde_json_leaves_as_it_is() {
        for byte in 0..=u8::MAX {
            let plain = !matches!(byte, 0..=31 | b'"' | b'\\');
            for length in 1..20 {
                for place in 0..length {
                    let mut bytes = vec![b'a'; length];
                    bytes[place] = byte;
                    assert_eq!(is_plain(&bytes), plain, "{byte} at {place} of {length}");
                }
            }
        }
        assert!(is_plain(b""));
    }
}
