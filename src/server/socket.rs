//! A client's socket with deadlines on what the client must do: speak, finish its head, read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use super::Patience;

/// Whether a request is in hand: then the client owes us nothing.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    serving: AtomicBool,
    /// Whether one has begun since somebody looked: answered at once, it is over before the next read.
    begun: AtomicBool,
    /// Who read while it was: the HTTP library does not read again by itself, so nobody would start the next deadline.
    reader: AtomicWaker,
}

impl Exchange {
    /// A request's head is complete. Until the result is dropped the client is not waited for.
    pub(super) fn begin(self: &Arc<Self>) -> Serving {
        self.serving.store(true, Ordering::Relaxed);
        self.begun.store(true, Ordering::Relaxed);
        Serving(Arc::clone(self))
    }

    fn serving(&self) -> bool {
        self.serving.load(Ordering::Relaxed)
    }

    fn has_begun(&self) -> bool {
        self.begun.swap(false, Ordering::Relaxed)
    }
}

/// A request in hand.
#[derive(Debug)]
pub(super) struct Serving(Arc<Exchange>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.serving.store(false, Ordering::Relaxed);
        self.0.reader.wake();
    }
}

/// What the client owes us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owes {
    /// The first byte of the connection.
    FirstByte,
    /// The rest of a head it began.
    Head,
    /// Nothing for now: the next request of a kept connection.
    NextRequest,
    /// Nothing: its request is in hand.
    Nothing,
}

/// The socket.
#[derive(Debug)]
pub(super) struct Guarded {
    stream: TcpStream,
    exchange: Arc<Exchange>,
    patience: Patience,
    owes: Owes,
    read_by: Pin<Box<Sleep>>,
    write_by: Pin<Box<Sleep>>,
    writing: bool,
}

impl Guarded {
    pub(super) fn new(stream: TcpStream, exchange: Arc<Exchange>, patience: Patience) -> Self {
        Self {
            stream,
            exchange,
            patience,
            owes: Owes::FirstByte,
            read_by: Box::pin(sleep(patience.head)),
            write_by: Box::pin(sleep(patience.write)),
            writing: false,
        }
    }

    fn owe(&mut self, owes: Owes, within: Duration) {
        if self.owes != owes {
            self.owes = owes;
            reset(&mut self.read_by, within);
        }
    }

    /// Fails a write that makes no progress for too long.
    fn written<T>(&mut self, context: &mut Context<'_>, wrote: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if wrote.is_ready() {
            self.writing = false;
            if self.owes == Owes::NextRequest {
                // It is still taking its answer.
                reset(&mut self.read_by, self.patience.idle);
            }
            return wrote;
        }
        if !self.writing {
            self.writing = true;
            reset(&mut self.write_by, self.patience.write);
        }
        ready!(self.write_by.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

fn reset(timer: &mut Pin<Box<Sleep>>, within: Duration) {
    let now = Instant::now();
    timer.as_mut().reset(now.checked_add(within).unwrap_or(now));
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let begun = this.exchange.has_begun();
        if this.exchange.serving() {
            this.owes = Owes::Nothing;
        } else if begun || this.owes == Owes::Nothing {
            this.owes = Owes::NextRequest;
            reset(&mut this.read_by, this.patience.idle);
        }
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(context, buffer) {
            let spoke = buffer.filled().len() > before;
            if spoke && matches!(this.owes, Owes::FirstByte | Owes::NextRequest) {
                this.owe(Owes::Head, this.patience.head);
            }
            return Poll::Ready(read);
        }
        if this.owes == Owes::Nothing {
            this.exchange.reader.register(context.waker());
            return Poll::Pending;
        }
        ready!(this.read_by.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(context, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.written(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = Pin::new(&mut self.stream).poll_shutdown(context);
        self.written(context, closed)
    }
}
