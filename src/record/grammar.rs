//! JSON's grammar: passing over a text while making sure that it is JSON. What it takes, `serde_json` takes as a raw value,
//! and the other way round; tests hold it to that.

use super::outline::{Marks, Outline};
use super::scan::{every, zeros};

/// A place in a text that may or may not be JSON. What takes something from it gives nothing where that is not there.
#[derive(Debug)]
pub(super) struct Grammar<'a> {
    text: &'a str,
    at: usize,
    marks: Marks,
}

impl<'a> Grammar<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let marks = Marks::none();
        Self { text, at: 0, marks }
    }

    /// On the way it notes where the members of the values that it takes are.
    pub(super) fn marking(text: &'a str) -> Self {
        let marks = Marks::room_for(text);
        Self { text, at: 0, marks }
    }

    /// What was noted.
    pub(super) fn outline(self) -> Outline<'a> {
        Outline::of(self.text, self.marks)
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn forward(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Goes to the next byte that is not white space.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.byte()? {
                b' ' | b'\n' | b'\r' | b'\t' => self.forward(1),
                byte => return Some(byte),
            }
        }
    }

    /// Takes the next byte that is not white space.
    #[inline]
    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.forward(1);
        Some(byte)
    }

    /// Takes the rest of a string whose first quote was taken: what stands before the last one, and whether any of it is
    /// an escape.
    #[inline]
    pub(super) fn string(&mut self) -> Option<(&'a str, bool)> {
        let from = self.at;
        let escaped = self.pass_string()?;
        Some((self.text.get(from..self.at.saturating_sub(1))?, escaped))
    }

    #[inline]
    fn pass_string(&mut self) -> Option<bool> {
        let mut escaped = false;
        loop {
            self.forward(before_stop(self.rest())?);
            let stop = self.byte()?;
            self.forward(1);
            match stop {
                b'"' => return Some(escaped),
                b'\\' => self.escape()?,
                // Control characters have to be written as escapes.
                _ => return None,
            }
            escaped = true;
        }
    }

    /// Takes the rest of an escape. Whether halves of characters come in pairs is not looked at here.
    fn escape(&mut self) -> Option<()> {
        let length = match self.rest() {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 1,
            [b'u', digits @ ..] if digits.first_chunk::<4>()?.iter().all(u8::is_ascii_hexdigit) => 5,
            _ => return None,
        };
        self.forward(length);
        Some(())
    }

    /// Takes one value, whatever it is.
    pub(super) fn value(&mut self) -> Option<&'a str> {
        self.peek()?;
        let from = self.at;
        self.pass_value()?;
        self.text.get(from..self.at)
    }

    fn pass_value(&mut self) -> Option<()> {
        let mut open = Open::default();
        loop {
            match self.next()? {
                b'"' => {
                    self.pass_string()?;
                }
                b'{' if self.peek()? != b'}' => {
                    open.push(true);
                    self.member(&mut open)?;
                    continue;
                }
                b'[' if self.peek()? != b']' => {
                    open.push(false);
                    continue;
                }
                // What closes at once.
                b'{' | b'[' => self.forward(1),
                b'-' => self.number_behind_sign()?,
                first @ b'0'..=b'9' => self.number(first)?,
                b't' => self.word(b"rue")?,
                b'f' => self.word(b"alse")?,
                b'n' => self.word(b"ull")?,
                _ => return None,
            }
            loop {
                let Some(is_object) = open.last() else {
                    return Some(());
                };
                if is_object {
                    self.marks.end(open.member(), self.at);
                }
                match (self.next()?, is_object) {
                    (b',', true) => {
                        self.member(&mut open)?;
                        break;
                    }
                    (b',', false) => break,
                    (b'}', true) | (b']', false) => open.pop(),
                    _ => return None,
                }
            }
        }
    }

    /// Takes the name of a member with its colon, and what is between that and its value.
    #[inline]
    fn member(&mut self, open: &mut Open) -> Option<()> {
        if self.next()? != b'"' {
            return None;
        }
        let from = self.at;
        let escaped = self.pass_string()?;
        let name = from..self.at.saturating_sub(1);
        if self.next()? != b':' {
            return None;
        }
        self.peek()?;
        if let Some(member) = open.member_in_hand() {
            *member = self.marks.begin(name, escaped, self.at);
        }
        Some(())
    }

    fn word(&mut self, rest: &[u8]) -> Option<()> {
        self.rest().strip_prefix(rest)?;
        self.forward(rest.len());
        Some(())
    }

    fn number_behind_sign(&mut self) -> Option<()> {
        let first = self.byte()?;
        self.forward(1);
        first.is_ascii_digit().then_some(())?;
        self.number(first)
    }

    /// Takes the rest of a number whose first digit was taken.
    #[inline]
    fn number(&mut self, first: u8) -> Option<()> {
        // A nought in front of other digits is none.
        if self.digits() > 0 && first == b'0' {
            return None;
        }
        if self.byte() == Some(b'.') {
            self.forward(1);
            (self.digits() > 0).then_some(())?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.forward(1);
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.forward(1);
            }
            (self.digits() > 0).then_some(())?;
        }
        Some(())
    }

    /// Takes as many digits as there are.
    #[inline]
    fn digits(&mut self) -> usize {
        let rest = self.rest();
        let digits = rest.iter().position(|byte| !byte.is_ascii_digit());
        let digits = digits.unwrap_or(rest.len());
        self.forward(digits);
        digits
    }

    /// Whether nothing but white space is left.
    pub(super) fn is_over(&mut self) -> bool {
        self.peek().is_none()
    }
}

/// Which of the brackets that are open are those of objects, a bit each. The innermost 64 are at hand.
#[derive(Debug, Default)]
struct Open {
    innermost: u64,
    depth: usize,
    outer: Vec<u64>,
    /// Of the outermost brackets the mark of the member in hand. Nobody reads members that are deeper.
    members: [usize; 8],
}

impl Open {
    fn push(&mut self, is_object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.innermost);
        }
        self.innermost = self.innermost.wrapping_shl(1) | u64::from(is_object);
        self.depth = self.depth.saturating_add(1);
    }

    fn member_in_hand(&mut self) -> Option<&mut usize> {
        self.members.get_mut(self.depth.saturating_sub(1))
    }

    /// The mark of the member in hand, or of none.
    fn member(&self) -> usize {
        let member = self.members.get(self.depth.saturating_sub(1));
        member.copied().unwrap_or(usize::MAX)
    }

    fn last(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.innermost & 1 == 1)
    }

    fn pop(&mut self) {
        self.innermost = self.innermost.wrapping_shr(1);
        self.depth = self.depth.saturating_sub(1);
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.innermost = self.outer.pop().unwrap_or_default();
        }
    }
}

/// Bytes before the next quote, backslash or control character.
#[inline]
fn before_stop(bytes: &[u8]) -> Option<usize> {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let mut passed = 0_usize;
    for chunk in chunks {
        let word = u64::from_le_bytes(*chunk);
        let controls = word.wrapping_sub(every(b' ')) & !word & every(0x80);
        let stops = controls | zeros(word ^ every(b'"')) | zeros(word ^ every(b'\\'));
        if stops != 0 {
            let within = usize::try_from(stops.trailing_zeros() >> 3).unwrap_or_default();
            return Some(passed.saturating_add(within));
        }
        passed = passed.saturating_add(8);
    }
    let within = rest
        .iter()
        .position(|byte| matches!(byte, 0..b' ' | b'"' | b'\\'))?;
    Some(passed.saturating_add(within))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;
    use crate::record::samples::{any_json, mutated};

    /// What is one value and nothing else.
    fn taken(text: &str) -> Option<&str> {
        let mut grammar = Grammar::of(text);
        let value = grammar.value()?;
        grammar.is_over().then_some(value)
    }

    fn expected(text: &str) -> Option<&str> {
        serde_json::from_str::<&RawValue>(text).ok().map(RawValue::get)
    }

    #[test]
    fn what_is_json_and_what_is_not() {
        for text in [
            "",
            " ",
            "nul",
            "nulll",
            "null",
            " true ",
            "false\n",
            "tru e",
            "0",
            "-0",
            "01",
            "-",
            "-a",
            "--1",
            "+1",
            "1.",
            "1.0",
            ".5",
            "1e",
            "1e5",
            "1E+05",
            "1e-",
            "1.5e-3",
            "1e5.2",
            "0x1",
            "1_0",
            "NaN",
            "Infinity",
            "\"\"",
            "\"",
            "\"\\\"",
            "\"\\\\\"",
            "\"\\u12g4\"",
            "\"\\u12\"",
            "\"\\ud800\"",
            "\"\\udc00\\ud800\"",
            "\"\\x\"",
            "\"\t\"",
            "\"\u{1f}\"",
            "\"\u{7f}\u{80}æ\"",
            "'a'",
            "{}",
            "{ }",
            "[]",
            "[ ]",
            "[,]",
            "[1,]",
            "[1 2]",
            "[1,2]",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\" : 1 , \"a\":[] }",
            "{1:2}",
            "{\"a\":1]",
            "[1}",
            "[",
            "{",
            "]",
            "}",
            "[1]]",
            "[[1]",
            "1 1",
            "{\"a\":1}{",
            "[1]\u{a0}",
            "\u{feff}1",
            "\u{c}1",
            "[1,\u{b}2]",
            "// a\n1",
        ] {
            assert_eq!(taken(text), expected(text), "{text:?}");
        }
    }

    #[test]
    fn depth_is_no_bound_and_brackets_stay_in_pairs() {
        for depth in [1, 63, 64, 65, 127, 128, 129, 200, 1000] {
            for (opening, closing) in [
                ("[", "]"),
                ("{\"a\":", "}"),
                ("[{\"a\":", "}]"),
                ("[[{\"a\":", "}]]"),
            ] {
                let deep = format!("{}1{}", opening.repeat(depth), closing.repeat(depth));
                assert_eq!(taken(&deep), Some(&*deep), "{depth} {opening}");
                for wrong in [
                    deep.replacen('}', "]", 1),
                    deep.replacen(']', "}", 1),
                    format!("{deep}]"),
                    deep[1..].to_owned(),
                ] {
                    assert_eq!(taken(&wrong), expected(&wrong), "{depth} {opening}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn the_first_stop_is_found(text in "[a-z\"\\\\\u{0}-\u{21}\u{7f}-\u{ff}!#\\[\\]]{0,40}") {
            let found = text.bytes().position(|byte| byte == b'"' || byte == b'\\' || byte < b' ');
            prop_assert_eq!(before_stop(text.as_bytes()), found);
        }

        #[test]
        fn json_is_taken_whole(text in any_json(), before in " {0,9}", after in "[ \n\r\t]{0,3}") {
            let text = format!("{before}{text}{after}");
            prop_assert!(expected(&text).is_some());
            prop_assert_eq!(taken(&text), expected(&text));
        }

        #[test]
        fn what_is_nearly_json_is_judged_as_serde_json_judges_it(text in mutated()) {
            prop_assert_eq!(taken(&text), expected(&text), "{:?}", text);
        }

        #[test]
        fn numbers_are_those_of_serde_json(text in "[-+]{0,2}[0-9]{0,3}[.]{0,2}[0-9]{0,2}[eE]{0,2}[-+]?[0-9]{0,2}[,x]?") {
            prop_assert_eq!(taken(&text), expected(&text));
        }

        #[test]
        fn strings_are_those_of_serde_json(text in "\"([ -~]|\\\\[\"\\\\/bfnrtuxU]|\\\\u[0-9a-fA-Fg]{3,5}|[\\x00-\\x20]|\\PC){0,20}\"?") {
            prop_assert_eq!(taken(&text), expected(&text), "{:?}", text);
        }
    }
}
