//! What each status of an upstream means: the source's code, how often it is asked, what the caller gets.

use loangate::sim::{Fault, Provider, World};

use super::only_source_fails;
use crate::support::Setup;

/// Upstream status, source code, attempts, answer, problem code.
type Row = (u16, &'static str, usize, u16, &'static str);

const TABLE: [Row; 9] = [
    (400, "upstream_rejected", 1, 502, "upstream_failed"),
    (401, "upstream_unauthorized", 1, 502, "upstream_failed"),
    (403, "upstream_forbidden", 1, 502, "upstream_failed"),
    (404, "upstream_not_found", 1, 404, "reference_not_found"),
    (429, "upstream_rate_limited", 3, 503, "upstream_unavailable"),
    (500, "upstream_unavailable", 2, 502, "upstream_failed"),
    (502, "upstream_unavailable", 3, 502, "upstream_failed"),
    (503, "upstream_unavailable", 3, 502, "upstream_failed"),
    (504, "upstream_unavailable", 3, 502, "upstream_failed"),
];

pub(super) async fn maps_every_status(provider: Provider) {
    let world = World::documents();
    for (status, code, attempts, answered, problem) in TABLE {
        // A new one each time: retries are rationed, and a row of failures uses the ration up.
        let gateway = Setup::only(provider, &world).start().await;
        world.set_fault(
            provider,
            Fault::Status {
                status,
                times: u32::MAX,
            },
        );
        world.clear_requests();

        let answer = only_source_fails(&gateway, code, answered, problem).await;

        // A refused token may have run out: a new one is tried once.
        let renewed = status == 401 && matches!(provider, Provider::Goscore | Provider::Bsa);
        let attempts = attempts + usize::from(renewed);
        assert_eq!(gateway.attempts(provider), attempts, "{status}");
        let error = &answer.source(provider.as_str())["error"];
        assert_eq!(error["upstream_status"], status);
        assert_eq!(error["attempts"], attempts, "{status}");
        let retryable = matches!(status, 429 | 500..);
        assert_eq!(error["retryable"], retryable, "{status}");
        assert_eq!(error["retry_after_ms"].is_u64(), retryable, "{status}");
        assert_eq!(
            answer.header("retry-after").is_empty(),
            answered != 503,
            "{status}"
        );
        assert!(!answer.text.contains("Something went wrong"), "{answer:?}");
    }
}
