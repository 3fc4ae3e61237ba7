//! The stream under every protocol: TCP, or TLS to a proxy. It remembers the first bytes that came, so that
//! what was spoken in place of TLS or HTTP can be shown.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Enough to recognise a banner or the start of an HTTP answer, and for a `ServerHello` or HTTP/2's first frame.
const REMEMBERED: usize = 256;

/// What can be read from and written to.
pub(super) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A stream that remembers the first bytes read from it.
pub(super) struct Stream {
    inner: Box<dyn Io>,
    /// Bytes that were read too early and come before the rest.
    early: Vec<u8>,
    first: FirstBytes,
}

/// A stream that goes on being read when its peer has stopped reading: a server that refuses a large request may answer
/// and close before all of it was sent, and what it said is what counts.
pub(super) struct Patient<I> {
    inner: I,
    is_deaf: bool,
}

impl<I> Patient<I> {
    /// Wraps a stream.
    pub(super) fn new(inner: I) -> Self {
        Self { inner, is_deaf: false }
    }
}

impl<I: Io> AsyncRead for Patient<I> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_read(cx, buf)
    }
}

impl<I: Io> AsyncWrite for Patient<I> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.is_deaf {
            return Poll::Ready(Ok(buf.len()));
        }
        match std::task::ready!(Pin::new(&mut this.inner).poll_write(cx, buf)) {
            Err(error) if is_gone(&error) => {
                this.is_deaf = true;
                Poll::Ready(Ok(buf.len()))
            }
            written => Poll::Ready(written),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match std::task::ready!(Pin::new(&mut this.inner).poll_flush(cx)) {
            Err(error) if is_gone(&error) => {
                this.is_deaf = true;
                Poll::Ready(Ok(()))
            }
            flushed => Poll::Ready(flushed),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

/// The first bytes read from a stream, shared with whoever must explain a failure on it.
#[derive(Clone, Debug, Default)]
pub(super) struct FirstBytes(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    /// How many of them the reader has dealt with: it has come back for more since.
    dealt_with: usize,
    /// Who waits until the reader has dealt with some.
    waiting: Option<Waker>,
}

impl FirstBytes {
    /// The bytes so far.
    pub(super) fn get(&self) -> Vec<u8> {
        self.kept().bytes.clone()
    }

    /// Waits until the reader, wherever it runs, has dealt with bytes that are `enough`.
    pub(super) fn poll_dealt_with(&self, cx: &Context<'_>, enough: impl Fn(&[u8]) -> bool) -> Poll<()> {
        let mut kept = self.kept();
        if enough(&kept.bytes[..kept.dealt_with]) {
            return Poll::Ready(());
        }
        kept.waiting = Some(cx.waker().clone());
        Poll::Pending
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, bytes: &[u8]) {
        let mut kept = self.kept();
        let room = REMEMBERED.saturating_sub(kept.bytes.len());
        kept.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn come_back(&self) {
        let mut kept = self.kept();
        kept.dealt_with = kept.bytes.len();
        if let Some(waiting) = kept.waiting.take() {
            waiting.wake();
        }
    }
}

impl Stream {
    /// Wraps a stream; `early` was already read from it.
    pub(super) fn new(inner: impl Io + 'static, early: Vec<u8>) -> Self {
        Self { inner: Box::new(inner), early, first: FirstBytes::default() }
    }

    /// A handle on the first bytes.
    pub(super) fn first_bytes(&self) -> FirstBytes {
        self.first.clone()
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.first.come_back();
        let before = buf.filled().len();
        if this.early.is_empty() {
            std::task::ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        } else {
            let n = this.early.len().min(buf.remaining());
            buf.put_slice(&this.early[..n]);
            this.early.drain(..n);
        }
        this.first.add(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
