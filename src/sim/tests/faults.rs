use std::time::Duration;

use axum::http::Method;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Answer, Fault, Provider, World, credential, get, loans_path, mint_bsa, mint_goscore, send};

async fn hit(world: &World, provider: Provider) -> Answer {
    get(world, provider, loans_path(provider)).await
}

/// The rows of an answer, whatever they are called.
fn rows(provider: Provider, answer: &Answer) -> Value {
    let key = match provider {
        Provider::Goscore => "loans",
        Provider::Carbon | Provider::Fineract => "data",
        Provider::Bsa | Provider::Belvo => "items",
    };
    answer.json()[key].clone()
}

#[tokio::test]
async fn refusals_are_counted_and_end() {
    for provider in Provider::ALL {
        let world = World::documents();
        world.set_fault(
            provider,
            Fault::RateLimited {
                retry_after_secs: 7,
                times: 2,
            },
        );
        for _ in 0..2 {
            let refused = hit(&world, provider).await;
            assert_eq!((refused.status, refused.header("retry-after")), (429, "7"));
            assert!(refused.json().is_object());
        }
        assert_eq!(hit(&world, provider).await.status, 200);
        world.set_fault(
            provider,
            Fault::Status {
                status: 503,
                times: u32::MAX,
            },
        );
        for _ in 0..3 {
            assert_eq!(hit(&world, provider).await.status, 503);
        }
        world.set_fault(provider, Fault::None);
        assert_eq!(hit(&world, provider).await.status, 200);
    }
}

#[tokio::test]
async fn one_provider_fails_alone_and_still_hands_out_tokens() {
    let world = World::documents();
    world.set_fault(Provider::Goscore, Fault::HtmlBadGateway);
    assert_eq!(hit(&world, Provider::Goscore).await.status, 502);
    assert_eq!(mint_goscore(&world).await.status, 200);
    assert_eq!(hit(&world, Provider::Belvo).await.status, 200);
    // Nor does a fault let anybody in.
    assert_eq!(
        send(&world, Method::GET, "/goscore/api/1.0/loans/1", &[])
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn errors_are_worded_as_each_provider_words_them() {
    let world = World::documents();
    for (provider, fault, key) in [
        (Provider::Goscore, "TEMPORARY_ERROR", "/error/status"),
        (Provider::Carbon, "error", "/status"),
        (Provider::Bsa, "internal", "/code"),
        (Provider::Belvo, "Internal Server Error", "/error"),
    ] {
        world.set_fault(provider, Fault::ErrorEnvelope);
        let answer = hit(&world, provider).await;
        assert_eq!(
            (answer.status, answer.json().pointer(key)),
            (200, Some(&json!(fault)))
        );
    }
    world.set_fault(Provider::Fineract, Fault::ErrorEnvelope);
    let answer = hit(&world, Provider::Fineract).await;
    assert_eq!((answer.status, &answer.json()["Succeeded"]), (200, &json!(false)));
    world.set_fault(
        Provider::Bsa,
        Fault::Status {
            status: 503,
            times: 1,
        },
    );
    assert_eq!(hit(&world, Provider::Bsa).await.json()["code"], "unavailable");
}

#[tokio::test]
async fn bodies_that_are_not_json() {
    for provider in Provider::ALL {
        let world = World::documents();
        world.set_fault(provider, Fault::HtmlBadGateway);
        let answer = hit(&world, provider).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (502, "text/html; charset=utf-8")
        );
        world.set_fault(provider, Fault::Html200);
        let answer = hit(&world, provider).await;
        assert_eq!((answer.status, answer.text.starts_with('<')), (200, true));
        world.set_fault(provider, Fault::EmptyBody);
        let answer = hit(&world, provider).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""));
        let body = Bytes::from_static(b"\xef\xbb\xbf[]");
        world.set_fault(
            provider,
            Fault::Raw {
                status: 418,
                content_type: "text/plain",
                body,
            },
        );
        let answer = hit(&world, provider).await;
        assert_eq!((answer.status, answer.text.as_str()), (418, "\u{feff}[]"));
        world.set_fault(provider, Fault::Redirect("http://elsewhere.example/".to_owned()));
        let answer = hit(&world, provider).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (302, "http://elsewhere.example/")
        );
    }
}

#[tokio::test]
async fn late_is_right() {
    let world = World::documents();
    let well = hit(&world, Provider::Carbon).await.text;
    world.set_fault(Provider::Carbon, Fault::Slow(Duration::from_millis(1)));
    assert_eq!(hit(&world, Provider::Carbon).await.text, well);
}

#[tokio::test]
async fn new_words_replace_every_old_one() {
    for provider in Provider::ALL {
        let world = World::documents();
        world.set_fault(provider, Fault::NewEnum);
        let answer = hit(&world, provider).await;
        for row in rows(provider, &answer).as_array().unwrap() {
            let shown = match provider {
                Provider::Goscore => &row["type"],
                Provider::Fineract => {
                    assert_eq!(row["type"]["id"], 99);
                    assert!(
                        row["type"]
                            .as_object()
                            .unwrap()
                            .values()
                            .all(|flag| *flag != json!(true))
                    );
                    &row["type"]["value"]
                }
                _ => &row["status"],
            };
            assert_eq!(shown, "SOMETHING_NEW");
        }
    }
    let world = World::documents();
    world.set_fault(Provider::Goscore, Fault::NewEnum);
    let body = hit(&world, Provider::Goscore).await.json();
    assert_eq!(
        (&body["student_loan"]["status"], &body["status"]),
        (&json!("SOMETHING_NEW"), &json!("done"))
    );
    world.set_fault(Provider::Carbon, Fault::NewEnum);
    let body = hit(&world, Provider::Carbon).await.json();
    assert_eq!(
        (&body["data"][1]["loan_status"], &body["status"]),
        (&json!(null), &json!("success"))
    );
}

#[tokio::test]
async fn old_tokens_expire_and_new_ones_work() {
    let world = World::documents();
    for provider in [Provider::Goscore, Provider::Bsa] {
        let minted = || async {
            let answer = match provider {
                Provider::Goscore => mint_goscore(&world).await,
                _ => mint_bsa(&world, credential(Provider::Bsa, "password")).await,
            };
            format!("Bearer {}", answer.json()["token"].as_str().unwrap())
        };
        let path = format!("{}{}", provider.base_path(), loans_path(provider));
        let with = |token: String| {
            let (world, path) = (world.clone(), path.clone());
            async move {
                send(&world, Method::GET, &path, &[("authorization", token)])
                    .await
                    .status
            }
        };
        let old = minted().await;
        assert_eq!(with(old.clone()).await, 200);
        world.set_fault(provider, Fault::ExpiredToken);
        assert_eq!(with(old).await, 401);
        assert_eq!(hit(&world, provider).await.status, 401);
        assert_eq!(with(minted().await).await, 200);
        world.set_fault(provider, Fault::Unauthorized);
        assert_eq!(with(minted().await).await, 401);
    }
    for provider in [Provider::Carbon, Provider::Belvo, Provider::Fineract] {
        world.set_fault(provider, Fault::ExpiredToken);
        assert_eq!(hit(&world, provider).await.status, 401);
    }
}

#[tokio::test]
async fn a_loop_always_promises_another_page() {
    let world = World::generated(1, 12);
    for provider in [
        Provider::Goscore,
        Provider::Carbon,
        Provider::Bsa,
        Provider::Belvo,
    ] {
        world.set_fault(provider, Fault::PageLoop);
    }
    let base = "/loans/6915ab99857fec1e6f2f6c078";
    let goscore = |page: u32| format!("{base}?per_page=5&page={page}");
    let first = get(&world, Provider::Goscore, &goscore(1)).await.text;
    assert_eq!(first, get(&world, Provider::Goscore, &goscore(900)).await.text);
    let carbon = get(&world, Provider::Carbon, "/v1/loans?limit=5&page=900")
        .await
        .json();
    assert_eq!(
        carbon["pagination"],
        json!({"total": 4505, "page": 1, "limit": 5, "pages": 901})
    );
    let bsa = get(&world, Provider::Bsa, "/v1/loans?rows=5&page=900&orderBy=id")
        .await
        .json();
    assert_eq!(
        (&bsa["items"][0]["id"], &bsa["total"]),
        (&json!("501"), &json!(4505))
    );
    let belvo = get(&world, Provider::Belvo, "/loans?limit=5&page=900&order=asc")
        .await
        .json();
    assert_eq!(
        (&belvo["meta"]["totalPages"], &belvo["meta"]["itemCount"]),
        (&json!(901), &json!(5))
    );
}

#[tokio::test]
async fn oversized_is_as_long_as_it_says() {
    let world = World::documents();
    world.set_fault(Provider::Bsa, Fault::Oversized);
    let answer = hit(&world, Provider::Bsa).await;
    assert!(answer.text.starts_with(r#"{"items":[{},{"filler":"#));
    assert!(answer.text.len() > 60 << 20 && answer.text.len() < 65 << 20);
}
