//! What TLS says while a connection lasts. HTTP/2 knows only that it ended.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};

/// The first thing that was said against our certificate, if anything was.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<OnceLock<String>>);

impl Heard {
    pub(super) fn problem(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

/// A stream that is listened to.
pub(super) struct Listened<S> {
    pub(super) stream: S,
    pub(super) heard: Heard,
}

impl<S: Read + Unpin> Read for Listened<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Poll::Ready(Err(error)) = &read
            && let Some(problem) = super::connect::certificate_refused(error)
        {
            let _ = self.heard.0.set(problem);
        }
        read
    }
}

impl<S: Write + Unpin> Write for Listened<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
}
