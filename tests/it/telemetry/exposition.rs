//! How metrics are written, and for whom.

use std::collections::BTreeSet;

use loangate::sim::{Provider, World};
use reqwest::Method;

use crate::support::{Answer, Running, Setup};

const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
    application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";

async fn scrape(gateway: &Running, accept: &str) -> Answer {
    gateway
        .send(Method::GET, "/metrics", &[("accept", accept)], None)
        .await
}

#[tokio::test]
async fn whoever_asks_for_openmetrics_gets_it_and_everybody_else_prometheus_text() {
    let gateway = Setup::only(Provider::Bsa, &World::documents()).start().await;
    gateway.get("/loans").await.assert_complete();
    let (classic, open) = (
        "text/plain; version=0.0.4; charset=utf-8",
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
    );
    for (accept, expected) in [
        ("*/*", classic),
        ("text/plain", classic),
        ("text/*;q=0.5, */*;q=0.1", classic),
        ("application/openmetrics-text", open),
        (PROMETHEUS, open),
    ] {
        let answer = scrape(&gateway, accept).await;
        assert_eq!(answer.header("content-type"), expected, "{accept}");
        assert_eq!(answer.text.ends_with("# EOF\n"), expected == open, "{accept}");
        let counter = if expected == open {
            "requests"
        } else {
            "requests_total"
        };
        let announced = format!("\n# TYPE loangate_http_{counter} counter\n");
        assert!(answer.text.contains(&announced), "{accept}: {}", answer.text);
    }
    scrape(&gateway, "application/json")
        .await
        .assert_problem(406, "not_acceptable");
}

/// The names and labels of the contract, as they are after one request.
#[tokio::test]
async fn every_metric_of_the_contract_is_there() {
    let gateway = Setup::only(Provider::Bsa, &World::documents())
        .set("cache.max_age", "30s")
        .start()
        .await;
    gateway.get("/loans").await.assert_complete();
    let text = scrape(&gateway, "*/*").await.text;
    let announced: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    let expected = [
        "loangate_build_info",
        "loangate_cache_requests_total",
        "loangate_circuit_state",
        "loangate_contract_drift_total",
        "loangate_http_in_flight",
        "loangate_http_request_duration_seconds",
        "loangate_http_requests_total",
        "loangate_http_shed_total",
        "loangate_rejected_records_total",
        "loangate_source_status_total",
        "loangate_trace_spans_total",
        "loangate_upstream_request_duration_seconds",
        "loangate_upstream_requests_total",
        "loangate_upstream_retries_total",
    ];
    assert_eq!(announced, BTreeSet::from(expected));
    for labels in [
        "loangate_http_requests_total{route=\"/loans\",method=\"GET\",status=\"200\"} ",
        "loangate_upstream_requests_total{connection=\"bsa\",operation=\"list_loans\",outcome=\"ok\"} ",
        "loangate_upstream_request_duration_seconds_bucket{le=\"0.001\",connection=\"bsa\",operation=\"list_loans\"} ",
        "loangate_upstream_retries_total{connection=\"bsa\"} 0",
        "loangate_circuit_state{connection=\"bsa\"} 0",
        "loangate_cache_requests_total{result=\"miss\"} 1",
        "loangate_cache_requests_total{result=\"hit\"} 0",
        "loangate_source_status_total{connection=\"bsa\",status=\"ok\"} 1",
        "loangate_rejected_records_total{connection=\"bsa\"} 0",
        "loangate_build_info{version=\"0.1.0\"} 1",
    ] {
        assert!(text.contains(labels), "{labels}\n{text}");
    }
}
