//! An answer that is there already goes out at once, in however many pieces it is.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody as _};
use bytes::Buf as _;
use bytes::buf::Chain;
use hyper::body::{Frame, SizeHint};

/// As many pieces as go out together.
type Pieces = Chain<Bytes, Chain<Bytes, Bytes>>;

/// A body whose pieces are taken together where its length is known, because then they are there. The HTTP library asks
/// for no more while many bytes wait to be written, so the end of a long answer would take a call to the system, and a
/// packet, of its own.
#[derive(Debug)]
pub(super) struct Together {
    body: Body,
    /// What came after the pieces and is none.
    next: Option<Result<Frame<Bytes>, axum::Error>>,
}

impl Together {
    pub(super) fn new(body: Body) -> Self {
        Self { body, next: None }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.next.take() {
            Some(next) => Poll::Ready(Some(next)),
            None => Pin::new(&mut self.body).poll_frame(context),
        }
    }

    /// The next piece, if it is there.
    fn piece(&mut self, context: &mut Context<'_>) -> Option<Bytes> {
        let known = self.body.size_hint().exact().is_some_and(|left| left > 0);
        if !known || self.next.is_some() {
            return None;
        }
        let Poll::Ready(Some(next)) = self.poll(context) else {
            return None;
        };
        match next.map(Frame::into_data) {
            Ok(Ok(piece)) => return Some(piece),
            Ok(Err(other)) => self.next = Some(Ok(other)),
            Err(error) => self.next = Some(Err(error)),
        }
        None
    }
}

impl hyper::body::Body for Together {
    type Data = Pieces;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Pieces>, axum::Error>>> {
        let this = &mut *self;
        let Some(frame) = ready!(this.poll(context)).transpose()? else {
            return Poll::Ready(None);
        };
        if frame.is_trailers() {
            return Poll::Ready(Some(Ok(frame.map_data(alone))));
        }
        let second = this.piece(context).unwrap_or_default();
        let third = this.piece(context).unwrap_or_default();
        let rest = second.chain(third);
        Poll::Ready(Some(Ok(frame.map_data(|first| first.chain(rest)))))
    }

    fn is_end_stream(&self) -> bool {
        self.next.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn alone(piece: Bytes) -> Pieces {
    piece.chain(Bytes::new().chain(Bytes::new()))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::poll_fn;

    use futures_util::stream;
    use http_body_util::{BodyExt as _, Full};
    use hyper::body::Body as _;

    use super::*;

    /// Pieces of a known length.
    struct Known(std::vec::IntoIter<&'static str>);

    impl hyper::body::Body for Known {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.next().map(|piece| Ok(Frame::data(piece.into()))))
        }

        fn size_hint(&self) -> SizeHint {
            let left: usize = self.0.as_slice().iter().map(|piece| piece.len()).sum();
            SizeHint::with_exact(u64::try_from(left).unwrap())
        }
    }

    async fn frames(body: Body) -> Vec<String> {
        let mut body = Together::new(body);
        let mut frames = Vec::new();
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            let mut pieces = frame.unwrap().into_data().unwrap();
            let all = pieces.copy_to_bytes(pieces.remaining());
            frames.push(String::from_utf8(all.to_vec()).unwrap());
        }
        frames
    }

    #[tokio::test]
    async fn an_answer_that_is_there_goes_out_at_once() {
        let known = |pieces: Vec<&'static str>| Body::new(Known(pieces.into_iter()));
        assert_eq!(frames(known(vec!["a", "b", "c"])).await, ["abc"]);
        assert_eq!(frames(known(vec!["a", "b", "c", "d"])).await, ["abc", "d"]);
        assert_eq!(frames(Body::new(Full::new(Bytes::from("a")))).await, ["a"]);
        assert!(frames(Body::empty()).await.is_empty());
    }

    #[tokio::test]
    async fn a_stream_goes_out_as_it_comes() {
        let pieces = ["a", "b"].map(Ok::<_, Infallible>);
        assert_eq!(frames(Body::from_stream(stream::iter(pieces))).await, ["a", "b"]);
        let broken = stream::iter([Ok("a"), Err("broken")]);
        let mut body = Together::new(Body::from_stream(broken));
        assert!(body.frame().await.unwrap().is_ok());
        assert!(body.frame().await.unwrap().is_err());
    }
}
