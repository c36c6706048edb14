//! Passing over JSON that is known to be JSON, one token at a time and each byte once.

/// A place in a text.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn forward(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    /// Goes to the next byte that is not white space: outside strings, JSON has no other bytes as small.
    #[inline]
    fn settle(&mut self) -> Option<u8> {
        loop {
            match self.peek()? {
                0..=b' ' => self.forward(1),
                byte => return Some(byte),
            }
        }
    }

    /// Takes the next byte that is not white space.
    #[inline]
    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.settle()?;
        self.forward(1);
        Some(byte)
    }

    /// Takes the rest of a string whose first quote was taken: what stands before the last one, and whether any of it is
    /// an escape.
    #[inline]
    pub(super) fn string(&mut self) -> Option<(&'a str, bool)> {
        let from = self.at;
        let mut escaped = false;
        loop {
            self.forward(before_stop(self.rest())?);
            if self.peek()? == b'"' {
                break;
            }
            escaped = true;
            self.forward(2);
        }
        let inner = self.text.get(from..self.at)?;
        self.forward(1);
        Some((inner, escaped))
    }

    /// Takes one value, whatever it is.
    #[inline]
    pub(super) fn value(&mut self) -> Option<&'a str> {
        let first = self.settle()?;
        let from = self.at;
        match first {
            b'"' => {
                self.forward(1);
                self.string()?;
            }
            b'{' | b'[' => self.nested()?,
            _ => self.word(),
        }
        self.text.get(from..self.at)
    }

    /// Takes an array or an object.
    fn nested(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            // Between brackets and strings there is little.
            let bracket = |byte: &u8| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']');
            let between = self.rest().iter().position(bracket)?;
            self.forward(between);
            let byte = self.peek()?;
            self.forward(1);
            match byte {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => depth = depth.saturating_add(1),
                _ => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Some(());
                    }
                }
            }
        }
    }

    /// Takes a number, or `true`, `false`, `null`.
    #[inline]
    fn word(&mut self) {
        let rest = self.rest();
        let end = rest
            .iter()
            .position(|byte| matches!(byte, 0..=b' ' | b',' | b'}' | b']'));
        self.forward(end.unwrap_or(rest.len()));
    }

    /// Where the string that begins at `at` ends.
    pub(super) fn string_end(text: &str, at: usize) -> usize {
        let mut scan = Scan {
            text,
            at: at.saturating_add(1),
        };
        match scan.string() {
            Some(_) => scan.at,
            None => text.len(),
        }
    }

    /// Where the number that begins at `at` ends.
    pub(super) fn word_end(text: &str, at: usize) -> usize {
        let mut scan = Scan { text, at };
        scan.word();
        scan.at
    }
}

/// Bytes before the next quote or backslash. Names and values are short, so eight bytes are looked at at once and no more
/// is prepared.
#[inline]
fn before_stop(bytes: &[u8]) -> Option<usize> {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let mut passed = 0_usize;
    for chunk in chunks {
        let word = u64::from_le_bytes(*chunk);
        let stops = zeros(word ^ every(b'"')) | zeros(word ^ every(b'\\'));
        if stops != 0 {
            let within = usize::try_from(stops.trailing_zeros() >> 3).unwrap_or_default();
            return Some(passed.saturating_add(within));
        }
        passed = passed.saturating_add(8);
    }
    let within = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    Some(passed.saturating_add(within))
}

/// Whether it is printable ASCII, and nothing that JSON escapes: what most texts are made of.
pub(super) fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (chunks, rest) = bytes.as_chunks::<8>();
    // The last eight bytes again rather than up to seven one by one.
    let last = bytes.last_chunk::<8>().filter(|_| !rest.is_empty());
    let plain = |chunk: &[u8; 8]| {
        let word = u64::from_le_bytes(*chunk);
        let controls = (word.wrapping_sub(every(b' ')) & !word | word) & every(0x80);
        let others = zeros(word ^ every(b'"')) | zeros(word ^ every(b'\\')) | zeros(word ^ every(0x7f));
        controls | others == 0
    };
    if chunks.is_empty() {
        return rest
            .iter()
            .all(|byte| matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~'));
    }
    chunks.iter().chain(last).all(plain)
}

/// A byte, eight times.
#[inline]
pub(super) const fn every(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The highest bit of the first byte that is nought, and of none before it.
#[inline]
pub(super) const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(every(1)) & !word & every(0x80)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_stop_is_found(text in "[a-z\"\\\\\u{80}-\u{ff}!#\\[\\]]{0,40}") {
            let found = text.bytes().position(|byte| byte == b'"' || byte == b'\\');
            prop_assert_eq!(before_stop(text.as_bytes()), found);
        }

        #[test]
        fn plain_is_what_needs_no_escape_and_shows(text in "[ -~]{0,30}|[\\x00-\\u{ff}]{0,12}|[ -~]{0,12}[\\x00-\\u{ff}][ -~]{0,12}") {
            let each = text.chars().all(|c| matches!(c, ' '..='~') && c != '"' && c != '\\');
            prop_assert_eq!(is_plain(&text), each);
        }
    }
}
