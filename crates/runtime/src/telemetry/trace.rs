use std::fmt::Write as _;

use opentelemetry::trace::{SpanContext, TraceContextExt};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::is_exporting;

/// Where a span stands in its trace, as an example of a measurement names it. It takes no memory of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    trace: [u8; 32],
    span: [u8; 16],
}

/// The place of a span, if it is exported and sampled.
#[must_use]
pub fn trace(span: &Span) -> Option<Trace> {
    if !is_exporting() {
        return None;
    }
    let context = span.context();
    let ids = context.span().span_context().clone();
    (ids.is_valid() && ids.is_sampled()).then(|| Trace::of(&ids))
}

impl Trace {
    fn of(ids: &SpanContext) -> Self {
        let mut made = Self { trace: [b'0'; 32], span: [b'0'; 16] };
        // Both are written in full, in as many digits as there is room for.
        let _ = write!(Digits(&mut made.trace), "{}", ids.trace_id());
        let _ = write!(Digits(&mut made.span), "{}", ids.span_id());
        made
    }

    #[cfg(test)]
    pub(crate) fn new(trace: &str, span: &str) -> Self {
        Self { trace: trace.as_bytes().try_into().unwrap(), span: span.as_bytes().try_into().unwrap() }
    }

    pub(crate) fn trace_id(&self) -> &str {
        std::str::from_utf8(&self.trace).unwrap_or_default()
    }

    pub(crate) fn span_id(&self) -> &str {
        std::str::from_utf8(&self.span).unwrap_or_default()
    }
}

/// Fills a place from its beginning.
struct Digits<'a>(&'a mut [u8]);

impl std::fmt::Write for Digits<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let (here, rest) =
            std::mem::take(&mut self.0).split_at_mut_checked(text.len()).ok_or(std::fmt::Error)?;
        here.copy_from_slice(text.as_bytes());
        self.0 = rest;
        Ok(())
    }
}
