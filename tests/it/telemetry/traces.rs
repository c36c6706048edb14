//! Spans, and the trace that callers and upstreams are told of.

use loangate::sim::{Fault, Provider, World};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as Code;
use reqwest::Method;

use super::collector::{Collector, Told, traced, traceparents};
use crate::support::{Answer, Running, Setup};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

async fn send(gateway: &Running, path: &str, headers: &[(&str, &str)]) -> Answer {
    gateway.send(Method::GET, path, headers, None).await
}

fn ended(told: &Told) -> Code {
    told.span.status.as_ref().unwrap().code()
}

#[tokio::test]
async fn a_request_and_each_call_for_it_leave_one_span_each() {
    let collector = Collector::start().await;
    let world = World::documents();
    let gateway = traced(Setup::only(Provider::Bsa, &world), &collector.url())
        .start()
        .await;
    send(&gateway, "/loans/bsa:501?include=raw", &[]).await;
    let sent = traceparents(&gateway, Provider::Bsa);
    gateway.stop().await;
    assert_eq!(collector.spans().len(), 3, "{:#?}", collector.spans());
    let request = collector.span("GET /loans/{id}");
    request.assert(&[
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("http.route", "/loans/{id}"),
        ("loangate.outcome", "complete"),
    ]);
    assert_eq!(request.span.kind(), SpanKind::Server);
    assert_eq!(request.parent(), "");
    assert_eq!(ended(&request), Code::Unset);
    let call = collector.span("get_loan");
    call.assert(&[
        ("http.response.status_code", "200"),
        ("loangate.attempts", "1"),
        ("loangate.connection", "bsa"),
        ("loangate.operation", "get_loan"),
        ("loangate.outcome", "ok"),
    ]);
    assert_eq!(call.span.kind(), SpanKind::Client);
    let token = collector.span("token");
    token.assert(&[
        ("loangate.attempts", "1"),
        ("loangate.connection", "bsa"),
        ("loangate.operation", "token"),
        ("loangate.outcome", "ok"),
    ]);
    for child in [&call, &token] {
        assert_eq!((child.trace(), child.parent()), (request.trace(), request.id()));
        assert!(child.span.start_time_unix_nano >= request.span.start_time_unix_nano);
        assert!(child.span.end_time_unix_nano <= request.span.end_time_unix_nano);
        assert!(child.span.end_time_unix_nano > child.span.start_time_unix_nano);
    }
    assert_eq!(sent, [call.traceparent()]);
}

#[tokio::test]
async fn the_callers_span_is_our_parent_and_ours_the_upstreams() {
    let collector = Collector::start().await;
    let world = World::documents();
    world.set_fault(
        Provider::Carbon,
        Fault::Status {
            status: 503,
            times: 2,
        },
    );
    let gateway = traced(Setup::only(Provider::Carbon, &world), &collector.url())
        .start()
        .await;
    let header = format!("00-{TRACE}-{CALLER}-01");
    let headers = [
        ("traceparent", header.as_str()),
        ("tracestate", "vendor=person-mark"),
        ("baggage", "customer=person-mark"),
    ];
    send(&gateway, "/loans", &headers).await.assert_complete();
    let sent = traceparents(&gateway, Provider::Carbon);
    let asked = gateway.asked(Provider::Carbon);
    gateway.stop().await;
    let (request, call) = (collector.span("GET /loans"), collector.span("list_loans"));
    assert_eq!(
        (request.trace(), request.parent()),
        (TRACE.to_owned(), CALLER.to_owned())
    );
    assert_eq!((call.trace(), call.parent()), (TRACE.to_owned(), request.id()));
    // One call, however many attempts.
    assert_eq!(call.attributes["loangate.attempts"], "3");
    assert_eq!(sent, vec![call.traceparent(); 3]);
    // What is meant for tracing systems may be about people, and lenders are none.
    for request in asked {
        for header in ["tracestate", "baggage"] {
            assert_eq!(request.header(header), None);
        }
    }
}

/// The decision is the caller's where it made one, else ours; it is passed on in any case.
#[tokio::test]
async fn what_is_not_recorded_is_passed_on_as_such() {
    let collector = Collector::start().await;
    let world = World::documents();
    let gateway = traced(Setup::only(Provider::Carbon, &world), &collector.url())
        .set("telemetry.sample_ratio", "0")
        .start()
        .await;
    let unsampled = format!("00-{TRACE}-{CALLER}-00");
    send(&gateway, "/loans", &[("traceparent", &unsampled)]).await;
    send(&gateway, "/loans", &[]).await;
    send(&gateway, "/loans", &[("traceparent", "nonsense")]).await;
    let sampled = format!("00-{TRACE}-{CALLER}-03");
    send(&gateway, "/loans", &[("traceparent", &sampled)]).await;
    let sent = traceparents(&gateway, Provider::Carbon);
    gateway.stop().await;
    let flags: Vec<&str> = sent
        .iter()
        .map(|header| header.rsplit('-').next().unwrap())
        .collect();
    assert_eq!(flags, ["00", "02", "02", "03"]);
    let ours = |header: &String| header.contains(TRACE) && !header.contains(CALLER);
    assert_eq!(
        sent.iter().map(ours).collect::<Vec<_>>(),
        [true, false, false, true]
    );
    assert_ne!(sent[1], sent[2]);
    assert_eq!(collector.spans().len(), 2, "{:#?}", collector.spans());
    assert_eq!(collector.span("list_loans").traceparent(), sent[3]);
}

#[tokio::test]
async fn a_share_of_the_traces_that_begin_here_is_recorded() {
    let collector = Collector::start().await;
    let gateway = traced(
        Setup::only(Provider::Carbon, &World::documents()),
        &collector.url(),
    )
    .set("telemetry.sample_ratio", "0.5")
    .start()
    .await;
    for _ in 0..200 {
        send(&gateway, "/livez", &[]).await;
    }
    gateway.stop().await;
    // By chance alone it is outside of this less than once in a billion runs.
    let recorded = collector.spans().len();
    assert!((50..150).contains(&recorded), "{recorded}");
}

/// Without tracing of our own the gateway is not in the trace: the upstream's parent is the caller's span.
#[tokio::test]
async fn without_a_collector_a_valid_trace_is_passed_on_untouched() {
    let gateway = Setup::only(Provider::Carbon, &World::documents()).start().await;
    let header = format!("00-{TRACE}-{CALLER}-01");
    let other = format!("00-{}-{CALLER}-01", TRACE.replace('0', "1"));
    send(
        &gateway,
        "/loans",
        &[("traceparent", &header), ("tracestate", "a=b")],
    )
    .await;
    send(&gateway, "/loans", &[]).await;
    send(&gateway, "/loans", &[("traceparent", "00-0-0-00")]).await;
    send(
        &gateway,
        "/loans",
        &[("traceparent", &header), ("traceparent", &other)],
    )
    .await;
    assert_eq!(traceparents(&gateway, Provider::Carbon), [&header, "-", "-", "-"]);
    let first = gateway.asked(Provider::Carbon).remove(0);
    assert_eq!(first.header("tracestate"), None);
}

/// How it went, in words of ours; and nothing that a caller or an upstream wrote.
#[tokio::test]
async fn spans_say_what_went_wrong_and_nothing_of_whom() {
    let collector = Collector::start().await;
    let world = World::documents();
    let gateway = traced(Setup::all(&world), &collector.url())
        .connection(Provider::Carbon, "retry.attempts", "1")
        .start()
        .await;
    let mark = [("x-request-id", "person-mark"), ("user-agent", "person-mark")];
    for (fault, outcome) in [
        ("5xx", "upstream_unavailable"),
        ("html-200", "upstream_bad_payload"),
        ("unauthorized", "upstream_unauthorized"),
    ] {
        world.set_fault(Provider::Carbon, Fault::parse(fault).unwrap());
        let path = format!("/loans?ref=carbon:customer:person-mark-{outcome}");
        send(&gateway, &path, &mark).await;
    }
    for path in [
        "/loans/bsa:person-mark",
        "/person-mark",
        "/loans?ref=goscore:consent:person-mark&customer=person-mark",
        "/loans?cursor=person-mark",
        "/problems/person-mark",
    ] {
        send(&gateway, path, &mark).await;
    }
    let odd = Method::from_bytes(b"PERSON-MARK").unwrap();
    gateway.send(odd, "/loans", &[], None).await;
    gateway.stop().await;
    for call in collector.calls() {
        let text = String::from_utf8_lossy(&call.body).to_lowercase();
        assert!(!text.contains("mark") && !text.contains("127.0.0.1"), "{text}");
        assert!(
            !text.contains("6915ab99857fec1e6f2f6c078") && !text.contains("demo-"),
            "{text}"
        );
    }
    let spans = collector.spans();
    let of = |name: &str| -> Vec<Told> {
        let named = spans.iter().filter(|told| told.span.name == name);
        named.cloned().collect()
    };
    let carbon = |told: &&Told| {
        told.attributes
            .get("loangate.connection")
            .is_some_and(|id| id == "carbon")
    };
    let calls: Vec<(Code, &str, &str)> = spans
        .iter()
        .filter(carbon)
        .map(|told| {
            (
                ended(told),
                &*told.attributes["loangate.outcome"],
                &*told.attributes["error.type"],
            )
        })
        .collect();
    let expected = [
        "upstream_unavailable",
        "upstream_bad_payload",
        "upstream_unauthorized",
    ];
    assert_eq!(calls, expected.map(|code| (Code::Error, code, code)));
    for told in of("GET /loans").iter().take(3) {
        assert_eq!(told.attributes["loangate.outcome"], "upstream_failed");
        assert_eq!(told.attributes["http.response.status_code"], "502");
        assert_eq!(ended(told), Code::Error);
    }
    // What the caller did wrong is no fault of the server.
    let [missing] = of("GET (none)").try_into().unwrap();
    missing.assert(&[
        ("http.request.method", "GET"),
        ("http.response.status_code", "404"),
        ("http.route", "(none)"),
        ("loangate.outcome", "not_found"),
    ]);
    assert_eq!(ended(&missing), Code::Unset);
    assert_eq!(of("(other) /loans").len(), 1);
}

/// The span of an export ends with its last line, and those of its pages are below it.
#[tokio::test]
async fn an_export_is_one_span_over_all_its_pages() {
    let collector = Collector::start().await;
    let gateway = traced(
        Setup::only(Provider::Carbon, &World::generated(5, 40)),
        &collector.url(),
    )
    .connection(Provider::Carbon, "page_size", "10")
    .start()
    .await;
    send(&gateway, "/loans", &[("accept", "application/x-ndjson")]).await;
    gateway.stop().await;
    let export = collector.span("GET /loans");
    let pages: Vec<Told> = collector
        .spans()
        .into_iter()
        .filter(|told| told.span.name == "list_loans")
        .collect();
    assert_eq!(pages.len(), 4);
    for page in pages {
        assert_eq!((page.trace(), page.parent()), (export.trace(), export.id()));
        assert!(page.span.end_time_unix_nano <= export.span.end_time_unix_nano);
    }
}

#[tokio::test]
async fn the_collector_is_told_whose_spans_they_are_and_gets_its_headers() {
    let collector = Collector::start().await;
    let gateway = traced(
        Setup::only(Provider::Carbon, &World::documents()),
        &format!("{}/tenant/", collector.url()),
    )
    .set(
        "telemetry.otlp_headers",
        "authorization=Bearer SECRET-mark, x-tenant=one",
    )
    .set("telemetry.service_name", "loans-of-the-house")
    .start()
    .await;
    assert!(!gateway.debug.contains("SECRET-mark"), "{}", gateway.debug);
    send(&gateway, "/livez", &[]).await;
    // They are handed over by themselves, too.
    collector.called(1).await;
    let call = collector.calls().remove(0);
    assert_eq!(call.path, "/tenant/v1/traces");
    assert_eq!(call.headers["authorization"], "Bearer SECRET-mark");
    assert_eq!(call.headers["x-tenant"], "one");
    assert_eq!(call.headers["content-type"], "application/x-protobuf");
    let text = String::from_utf8_lossy(&call.body);
    assert!(
        text.contains("service.name") && text.contains("loans-of-the-house"),
        "{text}"
    );
    assert!(
        text.contains("service.version") && text.contains(env!("CARGO_PKG_VERSION")),
        "{text}"
    );
    assert!(!text.contains("SECRET-mark"), "{text}");
}
