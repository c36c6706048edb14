//! What a body would cost to decode. A page is a few hundred records; eight megabytes of `0,` are four million, and each
//! would be refused one by one. Fields of a record are compared with each other, so many of them cost their square.

/// Most elements of a list. No page of loans comes near it.
const MAX_ELEMENTS: u32 = 10_000;
/// Most fields of an object. The largest documented record has 33.
const MAX_FIELDS: u32 = 128;
/// Deeper lists and objects stay text, whatever they hold.
const LEVELS: usize = 8;

/// Whether a list or object has more members than a page can have. The body need not be valid.
pub(super) fn crowded(body: &[u8]) -> bool {
    // How many more members each open list or object may have.
    let mut room = [MAX_ELEMENTS; LEVELS];
    let mut depth = 0_usize;
    let mut bytes = body.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'\\' => drop(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            b'[' | b'{' => {
                depth = depth.saturating_add(1);
                if let Some(room) = room.get_mut(depth) {
                    *room = if *byte == b'[' { MAX_ELEMENTS } else { MAX_FIELDS };
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => {
                if let Some(room) = room.get_mut(depth) {
                    *room = room.saturating_sub(1);
                    if *room == 0 {
                        return true;
                    }
                }
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_list_or_object_counts_and_its_strings_and_neighbours_do_not() {
        let list = |times: usize, row: &str| format!("{{\"items\":[{}0]}}", row.repeat(times));
        assert!(crowded(list(10_000, "0,").as_bytes()));
        assert!(crowded(list(10_000, "{\"\":0},").as_bytes()));
        assert!(crowded(format!("{{{}", "\"a\":0,".repeat(128)).as_bytes()));
        assert!(!crowded(format!("{{{}", "\"a\":0,".repeat(127)).as_bytes()));
        assert!(!crowded(list(9_999, "{\"a\":1,\"b\":[2,3]},").as_bytes()));
        assert!(!crowded(
            list(1, &format!("\"{}\\\",\",", ",".repeat(60_000))).as_bytes()
        ));
        assert!(!crowded("[".repeat(200_000).as_bytes()));
        assert!(!crowded(b"\"\\"));
    }
}
