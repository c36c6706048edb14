//! The caller's trace context, passed on to every upstream call made for it.

use std::future::Future;

use reqwest::header::HeaderValue;
use tokio::task::JoinHandle;

tokio::task_local! {
    static TRACEPARENT: HeaderValue;
}

/// Runs something in a caller's trace. A header that is not a W3C `traceparent` is not passed on.
pub async fn with_trace<T>(traceparent: Option<HeaderValue>, work: impl Future<Output = T>) -> T {
    match traceparent.filter(valid) {
        Some(traceparent) => TRACEPARENT.scope(traceparent, work).await,
        None => work.await,
    }
}

/// Spawns a task that belongs to the same trace.
pub fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(with_trace(current(), work))
}

/// The trace that this task works for, as a `traceparent`.
pub fn current() -> Option<HeaderValue> {
    TRACEPARENT.try_with(HeaderValue::clone).ok()
}

/// `version-traceid-parentid-flags`, lower-case hexadecimal, neither id all zeros.
fn valid(traceparent: &HeaderValue) -> bool {
    let Ok(text) = traceparent.to_str() else {
        return false;
    };
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &str| {
        part.bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [2, 32, 16, 2]
        && parts.iter().all(|part| hex(part))
        && parts.first() != Some(&"ff")
        && !parts
            .iter()
            .skip(1)
            .take(2)
            .any(|id| id.bytes().all(|byte| byte == b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_well_formed_trace_is_passed_on() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let seen = with_trace(Some(HeaderValue::from_static(good)), async {
            spawn(async { current() }).await
        });
        assert_eq!(seen.await.unwrap().unwrap(), good);
        for bad in [
            "",
            "x",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0-0-00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        ] {
            assert_eq!(
                with_trace(HeaderValue::from_str(bad).ok(), async { current() }).await,
                None,
                "{bad}"
            );
        }
    }
}
