//! Right keys, wrong keys, and what each scope opens.

use loangate::api::problem::Code;
use loangate::sim::World;
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{COLLECTIONS, Client, UNDERWRITING, bearer, both, calls, clients, collections, underwriting};
use crate::support::{Answer, Setup};

fn assert_unauthorized(answer: &Answer) {
    answer.assert_problem(401, "unauthorized");
    assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="loangate""#);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(!format!("{answer:?}").contains("SECRET-mark"), "{answer:?}");
}

#[tokio::test]
async fn a_key_opens_in_either_header() {
    let gateway = both(&World::documents()).start().await;
    let bearer = format!("Bearer {UNDERWRITING}");
    let lower = format!("bearer {UNDERWRITING}");
    let ways: [&[(&str, &str)]; 4] = [
        &[("authorization", &bearer)],
        &[("authorization", &lower)],
        &[("x-api-key", UNDERWRITING)],
        &[("x-api-key", UNDERWRITING), ("authorization", &bearer)],
    ];
    for headers in ways {
        let answer = gateway.send(Method::GET, "/loans", headers, None).await;
        answer.assert_complete();
        assert_eq!(answer.loans().len(), 12);
        // No limit is configured, so none is said.
        assert_eq!(answer.header("ratelimit"), "");
        let answer = gateway.send(Method::GET, "/connections", headers, None).await;
        assert_eq!(answer.header("cache-control"), "private, no-cache");
    }
}

#[tokio::test]
async fn nothing_else_does_and_no_upstream_hears_of_it() {
    let gateway = both(&World::documents()).start().await;
    let (right, other) = (format!("Bearer {UNDERWRITING}"), format!("Bearer {COLLECTIONS}"));
    let longer = format!("Bearer {UNDERWRITING}x");
    let shorter = right.trim_end_matches('9');
    let basic = format!("Basic {UNDERWRITING}");
    let ways: [&[(&str, &str)]; 12] = [
        &[],
        &[("authorization", "")],
        &[("authorization", "Bearer")],
        &[("authorization", UNDERWRITING)],
        &[("authorization", &basic)],
        &[("authorization", &longer)],
        &[("authorization", shorter)],
        &[("authorization", "Bearer SECRET-mark wrong")],
        &[("x-api-key", "SECRET-mark-wrong-but-long-enough")],
        &[("x-api-key", &right)],
        &[("authorization", &right), ("authorization", &right)],
        &[("authorization", &other), ("x-api-key", UNDERWRITING)],
    ];
    for headers in ways {
        for path in [
            "/loans",
            "/loans?x=1",
            "/loans/bsa:501",
            "/loans/bsa:501/explain",
            "/loans/summary",
            "/connections",
            "/connections/nope",
            "/customers",
            "/metrics",
            "/no/such/route",
        ] {
            assert_unauthorized(&gateway.send(Method::GET, path, headers, None).await);
        }
        for method in [Method::POST, Method::DELETE, Method::OPTIONS] {
            let answer = gateway.send(method, "/loans/search", headers, Some("{")).await;
            assert_unauthorized(&answer);
        }
        let head = gateway.send(Method::HEAD, "/loans", headers, None).await;
        assert_eq!(head.status, 401);
    }
    assert_eq!(calls(&gateway), 0);
}

#[tokio::test]
async fn what_says_nothing_about_anybody_needs_no_key() {
    let gateway = both(&World::documents()).start().await;
    for path in ["/livez", "/readyz"] {
        assert_eq!(gateway.get(path).await.status, 200, "{path}");
    }
    for code in Code::ALL {
        let path = format!("/problems/{}", code.as_str());
        assert_eq!(gateway.get(&path).await.status, 200, "{path}");
    }
    gateway
        .get("/problems/nope")
        .await
        .assert_problem(404, "not_found");
    let below = clients(Setup::all(&World::documents()), &[underwriting()])
        .set("server.base_path", "/credit/v1")
        .start()
        .await;
    assert_eq!(below.get("/credit/v1/livez").await.status, 200);
    assert_unauthorized(&below.get("/credit/v1/loans").await);
    assert_unauthorized(&below.get("/credit/v1/metrics").await);
    assert_unauthorized(&below.get("/loans").await);
    bearer(&below, UNDERWRITING, "/credit/v1/loans")
        .await
        .assert_complete();
}

/// Nobody waits for the body of a stranger.
#[tokio::test]
async fn a_stranger_is_refused_before_the_body() {
    let gateway = both(&World::documents()).start().await;
    let mut stranger = TcpStream::connect(gateway.address).await.unwrap();
    let head = b"POST /loans/search HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 50000\r\n\r\n";
    stranger.write_all(head).await.unwrap();
    let mut answer = [0; 12];
    stranger.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
}

#[tokio::test]
async fn each_scope_opens_its_own() {
    let scoped = |id, key, scopes| Client {
        id,
        keys: vec![key],
        scopes,
        connections: "*",
    };
    let world = World::documents();
    let all = [
        scoped("loans", "key-of-loans", "loans:read"),
        scoped("personal", "key-of-personal", "personal:read"),
        scoped("both", "key-of-both", "loans:read,personal:read"),
        scoped("customers", "key-of-customers", "customers:write"),
        scoped("metrics", "key-of-metrics", "metrics:read"),
    ];
    let gateway = clients(Setup::all(&world), &all).start().await;
    // Which clients get in; the others hear which scope they lack.
    let readers = [true, false, true, false, false];
    let granted = [false, false, true, false, false];
    let get = |path, in_order, status, scope| (Method::GET, path, in_order, status, scope);
    for (method, path, in_order, status, scope) in [
        get("/loans", readers, 200, "loans:read"),
        get("/loans/bsa:501", readers, 200, "loans:read"),
        get("/loans/bsa:501/explain", readers, 200, "loans:read"),
        get("/loans/summary", readers, 200, "loans:read"),
        get("/connections", readers, 200, "loans:read"),
        get("/customers", readers, 404, "loans:read"),
        get(
            "/metrics",
            [false, false, false, false, true],
            200,
            "metrics:read",
        ),
        get("/no/such/route", [true; 5], 404, ""),
        get("/loans?include=personal", granted, 200, ""),
        get("/loans/bsa:501?include=personal", granted, 200, ""),
        get("/loans/bsa:501/explain?include=personal", granted, 200, ""),
        (
            Method::PUT,
            "/customers/1",
            [false, false, false, true, false],
            404,
            "customers:write",
        ),
    ] {
        for (client, opens) in all.iter().zip(in_order) {
            let key = [("x-api-key", client.keys[0])];
            let answer = gateway.send(method.clone(), path, &key, None).await;
            if opens {
                assert_eq!(answer.status, status, "{} {path}: {answer:?}", client.id);
            } else {
                answer.assert_problem(403, "forbidden");
                let detail = answer.json()["detail"].to_string();
                assert!(detail.contains(scope), "{detail}");
                let lacking = answer.header("www-authenticate");
                assert!(lacking.contains(scope), "{lacking}");
            }
        }
    }
}

#[tokio::test]
async fn a_key_is_replaced_without_a_gap_and_revoked_at_once() {
    const NEXT: &str = "lgk_the-next-key-of-collections-V8r2";
    let world = World::documents();
    let with_keys = |keys| {
        let second = Client {
            keys,
            ..collections()
        };
        clients(Setup::all(&world), &[underwriting(), second])
    };
    let gateway = with_keys(vec![COLLECTIONS]).start().await;
    let works = async |key| bearer(&gateway, key, "/connections").await.status == 200;
    assert_eq!((works(COLLECTIONS).await, works(NEXT).await), (true, false));
    gateway.reload(&with_keys(vec![COLLECTIONS, NEXT])).unwrap();
    assert_eq!((works(COLLECTIONS).await, works(NEXT).await), (true, true));
    gateway.reload(&with_keys(vec![NEXT])).unwrap();
    assert_eq!((works(COLLECTIONS).await, works(NEXT).await), (false, true));
    assert_unauthorized(&bearer(&gateway, COLLECTIONS, "/loans").await);
    // The other client never noticed, and one that is gone altogether is.
    assert!(works(UNDERWRITING).await);
    gateway
        .reload(&clients(Setup::all(&world), &[underwriting()]))
        .unwrap();
    assert_eq!((works(NEXT).await, works(UNDERWRITING).await), (false, true));
    // A config that lets nobody in changes nothing.
    let problems = gateway.reload(&Setup::all(&world).set("auth.mode", "api_key"));
    assert!(problems.unwrap_err().to_string().starts_with("auth.clients: "));
    assert!(works(UNDERWRITING).await);
}

#[tokio::test]
async fn with_keys_it_may_listen_to_everyone_and_show_people_to_whom_it_is_granted() {
    let world = World::documents();
    let gateway = both(&world).set("server.listen", "0.0.0.0:0").start().await;
    assert_unauthorized(&gateway.get("/loans").await);
    let path = "/loans/bsa:501?include=personal";
    let answer = bearer(&gateway, UNDERWRITING, path).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    bearer(&gateway, COLLECTIONS, path)
        .await
        .assert_problem(403, "forbidden");
}
