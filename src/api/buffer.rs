//! Bytes that are written one piece after another.

use std::io;

/// What was written, and room behind it, which is there to be written over.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    written: usize,
}

impl Buffer {
    /// With room for as many bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: vec![0; bytes],
            written: 0,
        }
    }

    /// How many bytes were written.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.written
    }

    /// What was written from this place on.
    pub(super) fn since(&self, from: usize) -> &[u8] {
        self.bytes.get(from..self.written).unwrap_or_default()
    }

    /// The same, to be changed.
    pub(super) fn since_mut(&mut self, from: usize) -> &mut [u8] {
        self.bytes.get_mut(from..self.written).unwrap_or_default()
    }

    #[inline]
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let end = self.written.saturating_add(bytes.len());
        match self.bytes.get_mut(self.written..end) {
            Some(place) => {
                place.copy_from_slice(bytes);
                self.written = end;
            }
            None => self.grow(bytes),
        }
    }

    /// Writes the first `length` bytes of a piece. All of it is copied, because so many bytes as the compiler knows are
    /// copied without a call; what comes next is written over the rest.
    #[inline]
    pub(super) fn piece<const N: usize>(&mut self, piece: &[u8; N], length: usize) {
        let room = self.bytes.get_mut(self.written..).unwrap_or_default();
        match room.first_chunk_mut() {
            Some(place) => {
                *place = *piece;
                self.written = self.written.saturating_add(length.min(N));
            }
            None => self.grow(piece.get(..length).unwrap_or(piece)),
        }
    }

    /// Writes a text between quotes.
    #[inline]
    pub(super) fn quote(&mut self, text: &str) {
        let end = self.written.saturating_add(text.len()).saturating_add(2);
        match self.bytes.get_mut(self.written..end) {
            Some([open, place @ .., close]) => {
                (*open, *close) = (b'"', b'"');
                copy(place, text.as_bytes());
                self.written = end;
            }
            _ => {
                for part in ["\"", text, "\""] {
                    self.push(part.as_bytes());
                }
            }
        }
    }

    /// Writes where there is no room.
    #[cold]
    fn grow(&mut self, bytes: &[u8]) {
        self.bytes.truncate(self.written);
        self.bytes.extend_from_slice(bytes);
        self.written = self.bytes.len();
        self.bytes.resize(self.written.saturating_mul(2), 0);
    }

    /// What was written.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.written);
        self.bytes
    }
}

/// Copies a text to where there is as much room. Most texts are short, and two copies of a size that the compiler knows,
/// overlapping or not, take less than a call.
#[inline]
fn copy(place: &mut [u8], text: &[u8]) {
    let copied = match text.len() {
        4..=8 => copy_ends::<4>(place, text),
        9..=16 => copy_ends::<8>(place, text),
        17..=32 => copy_ends::<16>(place, text),
        _ => None,
    };
    if copied.is_none() {
        place.copy_from_slice(text);
    }
}

/// Copies the first and the last bytes of a text.
#[inline]
fn copy_ends<const N: usize>(place: &mut [u8], text: &[u8]) -> Option<()> {
    *place.first_chunk_mut::<N>()? = *text.first_chunk()?;
    *place.last_chunk_mut::<N>()? = *text.last_chunk()?;
    Some(())
}

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_follow_one_another_whatever_room_there_was() {
        for room in 0..40 {
            let mut buffer = Buffer::with_capacity(room);
            buffer.push(b"a");
            buffer.piece(b"bc......", 2);
            buffer.quote("d");
            buffer.piece(b"", 9);
            buffer.quote("");
            buffer.piece(b"ef", 9);
            assert_eq!(buffer.len(), 10);
            assert_eq!(buffer.since(3), b"\"d\"\"\"ef");
            assert_eq!(buffer.into_bytes(), b"abc\"d\"\"\"ef");
        }
    }

    #[test]
    fn a_text_of_any_length_is_written_whole() {
        let alphabet: String = ('!'..='~').collect();
        for length in 0..=alphabet.len() {
            let text = &alphabet[..length];
            let mut buffer = Buffer::with_capacity(128);
            buffer.quote(text);
            assert_eq!(buffer.into_bytes(), format!("\"{text}\"").as_bytes());
        }
    }
}
