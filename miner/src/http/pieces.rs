//! Bodies laid together from the pieces in which they arrive.
//!
//! Pieces kept as they come would hold on to the buffers that they were read into, many times their
//! size where somebody sends single bytes; and one buffer that grows would be up to twice what has
//! arrived.

use bytes::Bytes;

/// How much of a body is laid together while it arrives.
const PART: usize = 64 * 1024;

/// A body that arrives in pieces.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    first: Bytes,
    parts: Vec<Vec<u8>>,
}

impl Pieces {
    pub(super) fn push(&mut self, piece: Bytes) {
        if self.parts.is_empty() {
            // Most bodies come in one piece.
            if self.first.is_empty() {
                self.first = piece;
                return;
            }
            let first = std::mem::take(&mut self.first);
            self.add(&first);
        }
        self.add(&piece);
    }

    fn add(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            if self.parts.last().is_none_or(|part| part.len() == PART) {
                self.parts.push(Vec::with_capacity(PART));
            }
            let Some(part) = self.parts.last_mut() else {
                return;
            };
            let (fits, left) = piece.split_at(piece.len().min(PART - part.len()));
            part.extend_from_slice(fits);
            piece = left;
        }
    }

    pub(super) fn whole(self) -> Bytes {
        if self.parts.is_empty() {
            self.first
        } else {
            self.parts.concat().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_laid_together() {
        for text in ["", "a", "ab", "abc"] {
            let mut pieces = Pieces::default();
            for byte in text.bytes() {
                pieces.push(vec![byte].into());
            }
            assert_eq!(pieces.whole(), text);
        }
        let text: Vec<u8> = (0..3 * PART + 1).map(|it| it as u8).collect();
        let mut pieces = Pieces::default();
        for piece in text.chunks(PART / 2 + 1) {
            pieces.push(piece.to_vec().into());
        }
        assert!(pieces.parts.iter().all(|part| part.capacity() == PART));
        assert_eq!(pieces.whole(), text);
    }
}
