//! The trace that a task works for: the caller's own, passed on as it came, or one that this gateway takes part in.

use std::future::Future;

use reqwest::header::HeaderValue;
use tokio::task::JoinHandle;

use super::span::{Context, Tracer};

/// The trace of a request. Without tracing of our own, what upstreams get is what the caller sent.
#[derive(Debug, Clone)]
pub enum Trace {
    /// The caller's, untouched.
    Passed(HeaderValue),
    /// Ours, a part of the caller's if it has one.
    Joined(Tracer, Context),
}

tokio::task_local! {
    static TRACE: Trace;
}

/// Runs something as part of a trace.
pub async fn within<T>(trace: Option<Trace>, work: impl Future<Output = T>) -> T {
    match trace {
        Some(trace) => TRACE.scope(trace, work).await,
        None => work.await,
    }
}

/// Spawns a task that belongs to the same trace.
pub fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(within(current(), work))
}

/// The trace that this task works for.
pub(super) fn current() -> Option<Trace> {
    TRACE.try_with(Trace::clone).ok()
}

/// What a caller's `traceparent` says. Only the bits of the flags that are defined are kept: sampled, and random.
pub(super) fn read(traceparent: &HeaderValue) -> Option<Context> {
    let text = traceparent.to_str().ok()?;
    // Later versions may say more behind what this one says (W3C Trace Context, section 4.3).
    let known = if text.starts_with("00") { 5 } else { 4 };
    let parts: Vec<&str> = text.split('-').take(known).collect();
    let hex = |part: &&str| {
        part.bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let [version, trace, span, flags] = parts.as_slice() else {
        return None;
    };
    let lengths = [version.len(), trace.len(), span.len(), flags.len()];
    if lengths != [2, 32, 16, 2] || !parts.iter().all(hex) || *version == "ff" {
        return None;
    }
    let context = Context {
        trace: u128::from_str_radix(trace, 16).ok()?,
        span: u64::from_str_radix(span, 16).ok()?,
        flags: u8::from_str_radix(flags, 16).ok()? & (Context::SAMPLED | Context::RANDOM),
    };
    Some(context).filter(|context| context.trace != 0 && context.span != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_belongs_to_the_trace_of_whoever_spawned_it() {
        let trace = Trace::Passed(HeaderValue::from_static("x"));
        let seen = within(Some(trace), async { spawn(async { current() }).await });
        assert!(matches!(seen.await.unwrap(), Some(Trace::Passed(header)) if header == "x"));
        assert!(current().is_none());
    }

    #[test]
    fn only_a_well_formed_trace_is_believed() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = read(&HeaderValue::from_static(good)).unwrap();
        assert_eq!(context.header(), good);
        let later = HeaderValue::from_static("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more");
        assert_eq!(read(&later), Some(context));
        let unknown_flags =
            HeaderValue::from_static("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe");
        assert_eq!(read(&unknown_flags).unwrap().flags, Context::RANDOM);
        for bad in [
            "",
            "x",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0-0-00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        ] {
            assert!(read(&HeaderValue::from_str(bad).unwrap()).is_none(), "{bad}");
        }
    }
}
