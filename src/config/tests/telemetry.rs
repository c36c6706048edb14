use super::{Variables, problems, reading};
use crate::config::Telemetry;
use crate::config::telemetry::telemetry;

fn read(text: &str, env: Variables<'_>) -> Telemetry {
    reading(text, env, |root| root.table("telemetry", telemetry)).unwrap()
}

fn wrong(text: &str) -> String {
    problems(&format!("[telemetry]\n{text}"), &[], |root| {
        root.table("telemetry", telemetry)
    })
}

#[test]
fn traces_are_off_and_if_on_whole() {
    let defaults = read("", &[]);
    assert_eq!((defaults.otlp_endpoint, defaults.share), (None, 1_000_000));
    for (given, called) in [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        (
            "https://collector.example/",
            "https://collector.example/v1/traces",
        ),
        (
            "https://collector.example/one/",
            "https://collector.example/one/v1/traces",
        ),
    ] {
        let read = read(&format!("[telemetry]\notlp_endpoint = '{given}'"), &[]);
        assert_eq!(read.otlp_endpoint.unwrap().as_str(), called);
    }
}

#[test]
fn a_share_is_read_exactly() {
    for (given, millionths) in [
        ("0", 0),
        ("1", 1_000_000),
        ("0.0", 0),
        ("1.0", 1_000_000),
        ("0.05", 50_000),
        ("1e-3", 1000),
        ("0.000001", 1),
    ] {
        let read = read(&format!("[telemetry]\nsample_ratio = {given}"), &[]);
        assert_eq!(read.share, millionths, "{given}");
    }
    let variable = [("LOANGATE__TELEMETRY__SAMPLE_RATIO", "0.25")];
    assert_eq!(read("", &variable).share, 250_000);
    for given in ["-0.1", "1.01", "2", "'0.5'", "nan", "inf", "-1", "true", "1e300"] {
        assert_eq!(
            wrong(&format!("sample_ratio = {given}")),
            "telemetry.sample_ratio: must be a number from 0 to 1 such as 0.05",
            "{given}"
        );
    }
}

#[test]
fn headers_are_secrets() {
    let variable = [("HEADERS", "authorization=Bearer a=b==\nx-tenant = one")];
    let read = read("[telemetry]\notlp_headers_env = 'HEADERS'", &variable);
    assert_eq!(read.otlp_headers["authorization"], "Bearer a=b==");
    assert_eq!(read.otlp_headers["x-tenant"], "one");
    assert!(!format!("{read:?}").contains("Bearer"), "{read:?}");
    for given in [
        "hunter2",
        "a b=hunter2",
        "x=hunter2\\u0000",
        "=hunter2",
        "Host=hunter2",
        "content-length=3",
    ] {
        assert_eq!(
            wrong(&format!("otlp_headers = [\"{given}\"]")),
            "telemetry.otlp_headers: each must be a header such as \"authorization=Bearer …\", and none that the request has anyway",
            "{given}"
        );
    }
}

#[test]
fn a_collector_is_reached_like_any_upstream() {
    for (given, problem) in [
        (
            "http://collector:4318",
            "must be https (or a loopback host, or set allow_http = true)",
        ),
        (
            "https://collector/v1/traces",
            "must be without /v1/traces, which is added",
        ),
        ("grpc://collector:4317", "must be an https URL"),
    ] {
        let text = format!("otlp_endpoint = '{given}'");
        assert_eq!(wrong(&text), format!("telemetry.otlp_endpoint: {problem}"));
    }
    let allowed = "otlp_endpoint = 'http://collector:4318'\nallow_http = true";
    assert_eq!(wrong(allowed), "");
    assert_eq!(
        wrong("service_name = ''"),
        "telemetry.service_name: must be a name without control characters"
    );
}
