//! Passing over JSON that is known to be JSON, one token at a time and each byte once.

use memchr::memchr2;

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

    fn forward(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    /// Goes to the next byte that is not white space.
    fn settle(&mut self) -> Option<u8> {
        loop {
            match self.peek()? {
                b' ' | b'\n' | b'\r' | b'\t' => self.forward(1),
                byte => return Some(byte),
            }
        }
    }

    /// Takes the next byte that is not white space.
    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.settle()?;
        self.forward(1);
        Some(byte)
    }

    /// Takes the rest of a string whose first quote was taken: what stands before the last one, and whether any of it is
    /// an escape.
    pub(super) fn string(&mut self) -> Option<(&'a str, bool)> {
        let from = self.at;
        let mut escaped = false;
        loop {
            let rest = self.text.as_bytes().get(self.at..)?;
            self.forward(memchr2(b'"', b'\\', rest)?);
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
            let mut rest = self.text.as_bytes().get(self.at..)?.iter();
            // Between brackets and strings there is little.
            let between = rest.position(|byte| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']'))?;
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
    fn word(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let end = rest
            .iter()
            .position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'-' | b'.'));
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
