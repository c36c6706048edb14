//! The pages for people, as they are served. What a visitor sees of them: `.ci/console`, in a browser.

use std::fs;

use loangate::gather::{Reason, Status};
use loangate::loan::{
    FlagCode, IdStability, Kind, Missing, Origin, PaymentStatus, Phase, RecordType, Status as LoanStatus,
};
use loangate::sim::{Fault, Provider, World};
use loangate::upstream::{Kind as Failure, circuit};
use reqwest::Method;
use serde_json::Value;

use crate::access::guarded;
use crate::support::{Answer, Running, Setup};

/// Addresses that the page names.
fn files(page: &Answer) -> Vec<String> {
    let parts = page.text.split('"');
    let files = parts.filter(|part| part.starts_with("console/assets/"));
    files.map(str::to_owned).collect()
}

async fn with(gateway: &Running, path: &str, name: &str, value: &str) -> Answer {
    gateway.send(Method::GET, path, &[(name, value)], None).await
}

/// Nobody needs a key for the page, and the page holds nothing that one would be needed for.
#[tokio::test]
async fn the_page_and_its_files_are_there_for_everybody_below_any_prefix() {
    let gateway = guarded().set("server.base_path", "/lending").start().await;
    let page = gateway.get("/lending/console").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "no-cache");
    let mut files = files(&page);
    let main = files.iter().find(|file| file.ends_with("/main.js")).unwrap();
    // What is fetched later is beside it.
    files.push(main.replace("main.js", "uplot.js"));
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        let answer = gateway.get(&format!("/lending/{file}")).await;
        assert_eq!(answer.status, 200, "{file}");
        assert_eq!(
            answer.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        let kind = answer.header("content-type");
        let fine = ["text/javascript", "text/css", "image/svg+xml"];
        assert!(fine.iter().any(|fine| kind.starts_with(fine)), "{file}: {kind}");
    }
    for path in [
        "/lending/console/assets/0/main.js",
        "/lending/console/assets",
        "/lending/console/x",
    ] {
        assert!(matches!(gateway.get(path).await.status, 401 | 404), "{path}");
    }
    gateway
        .get("/lending/console/assets/0/main.js")
        .await
        .assert_problem(404, "not_found");
}

#[tokio::test]
async fn the_policy_lets_nothing_in_from_elsewhere_and_nothing_inline() {
    let gateway = guarded().start().await;
    let page = gateway.get("/console").await;
    let policy = page.header("content-security-policy");
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(policy.split("; ").any(|part| part == rule), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
    assert_eq!(page.header("vary"), "Accept-Encoding");
}

#[tokio::test]
async fn a_page_that_is_known_is_not_sent_again() {
    let gateway = guarded().start().await;
    let tag = gateway.get("/console").await.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    let again = with(
        &gateway,
        "/console",
        "if-none-match",
        &format!("\"other\", {tag}"),
    )
    .await;
    assert_eq!((again.status, &*again.text), (304, ""));
    assert_eq!(again.header("etag"), tag);
    let other = with(&gateway, "/console", "if-none-match", "W/\"other\"").await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn a_slash_at_the_end_leads_to_the_page() {
    let gateway = guarded().set("server.base_path", "/lending").start().await;
    let answer = gateway.get("/lending/console/").await;
    assert_eq!((answer.status, answer.header("location")), (308, "../console"));
}

#[tokio::test]
async fn without_a_console_nothing_of_it_is_there() {
    let gateway = guarded().start().await;
    let file = files(&gateway.get("/console").await).remove(0);
    let without = guarded().set("console.enabled", "false").start().await;
    for path in ["/console", "/console/", &format!("/{file}")] {
        without.get(path).await.assert_problem(404, "not_found");
    }
}

/// A word that the console does not know is shown as it is, which is right for one of a later version only.
#[test]
fn the_console_has_a_sentence_for_every_word() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/console/page/words.js");
    let text = fs::read_to_string(path).unwrap();
    let table = |name: &str| {
        let (_, after) = text.split_once(&format!("export const {name} = {{")).unwrap();
        after.split_once("\n};").unwrap().0
    };
    let says = |name: &str, word: &str| {
        assert!(
            table(name).contains(&format!("\n  {word}: ")),
            "{name} has no {word}"
        );
    };
    for word in FlagCode::ALL {
        says("FLAGS", word.as_str());
    }
    for word in Origin::ALL {
        says("ORIGINS", word.as_str());
    }
    for word in Missing::ALL {
        says("MISSING", word.as_str());
    }
    for word in Failure::ALL {
        says("FAULTS", word.as_str());
    }
    for word in Reason::ALL {
        says("SKIPPED", word.as_str());
    }
    for word in Status::ALL {
        says("SOURCES", word.as_str());
    }
    for word in circuit::State::ALL {
        says("CIRCUITS", word.as_str());
    }
    for word in IdStability::ALL {
        says("STABILITY", word.as_str());
    }
    let offers = |name: &str, words: Vec<&str>| {
        let (_, after) = table("VOCABULARIES")
            .split_once(&format!("\n  {name}: ["))
            .unwrap();
        let offered = after.split_once(']').unwrap().0.split('"').skip(1).step_by(2);
        assert_eq!(offered.collect::<Vec<_>>(), words, "{name}");
    };
    offers(
        "record_type",
        RecordType::ALL.iter().map(|word| word.as_str()).collect(),
    );
    offers("kind", Kind::ALL.iter().map(|word| word.as_str()).collect());
    offers(
        "status",
        LoanStatus::ALL.iter().map(|word| word.as_str()).collect(),
    );
    offers("phase", Phase::ALL.iter().map(|word| word.as_str()).collect());
    offers(
        "payment_status",
        PaymentStatus::ALL.iter().map(|word| word.as_str()).collect(),
    );
}

/// Which of its records' failures are the provider's: what was sent lately, and how it ended.
#[tokio::test]
async fn a_connection_tells_what_was_sent_to_it_lately() {
    let world = World::documents();
    let gateway = Setup::only(Provider::Carbon, &world)
        .connection(Provider::Carbon, "retry.attempts", "1")
        .start()
        .await;
    let recent = async |gateway: &Running| -> Vec<Value> {
        let connection = gateway.get("/connections/carbon").await.json()["data"].take();
        let listed = gateway.get("/connections").await.json()["data"][0].take();
        assert_eq!(connection["id"], listed["id"]);
        connection["recent"].as_array().unwrap().clone()
    };
    let sum = |recent: &[Value], key: &str| recent.iter().map(|one| one[key].as_u64().unwrap()).sum::<u64>();
    let before = recent(&gateway).await;
    assert!(!before.is_empty() && sum(&before, "requests") == 0, "{before:?}");
    assert!(before[0]["p95_ms"].is_null());
    gateway.get("/loans").await.assert_complete();
    gateway.get("/loans?ref=carbon:customer:nobody").await;
    world.set_fault(
        Provider::Carbon,
        Fault::Status {
            status: 503,
            times: u32::MAX,
        },
    );
    gateway.get("/loans").await;
    let after = recent(&gateway).await;
    assert_eq!(sum(&after, "failures"), 1, "{after:?}");
    assert!(sum(&after, "requests") >= 3, "{after:?}");
    let busy = after
        .iter()
        .find(|one| one["requests"].as_u64() > Some(0))
        .unwrap();
    assert!(
        busy["p50_ms"].as_u64().unwrap() <= busy["p95_ms"].as_u64().unwrap(),
        "{busy}"
    );
    let began = busy["from"].as_str().unwrap();
    assert!(began.ends_with(":00Z") || began.ends_with(":30Z"), "{began}");
}
