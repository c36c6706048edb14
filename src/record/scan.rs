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

    /// Takes the rest of a string whose first quote was taken: what stands before the last one.
    pub(super) fn string(&mut self) -> Option<&'a str> {
        let from = self.at;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.forward(2),
                _ => self.forward(1),
            }
        }
        let inner = self.text.get(from..self.at);
        self.forward(1);
        inner
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
            let byte = self.peek()?;
            self.forward(1);
            match byte {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => depth = depth.saturating_add(1),
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Some(());
                    }
                }
                _ => {}
            }
        }
    }

    /// Takes a number, or `true`, `false`, `null`.
    fn word(&mut self) {
        while let Some(b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'+' | b'-' | b'.') = self.peek() {
            self.forward(1);
        }
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
