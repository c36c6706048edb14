//! A body of a few pieces that are there already. Together they have a length, and none is copied.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// Pieces in the order in which they go out.
#[derive(Debug)]
pub(super) struct Pieces(std::vec::IntoIter<Bytes>);

impl<const N: usize> From<[Bytes; N]> for Pieces {
    fn from(pieces: [Bytes; N]) -> Self {
        Self(Vec::from(pieces).into_iter())
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.next().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.len() == 0
    }

    fn size_hint(&self) -> SizeHint {
        let sizes = self.0.as_slice().iter().map(Bytes::len);
        let sum = sizes.fold(0, usize::saturating_add);
        SizeHint::with_exact(u64::try_from(sum).unwrap_or(u64::MAX))
    }
}
