use axum::http::Method;
use serde_json::{Value, json};

use super::{Answer, Provider, World, column, credential, distinct, get, mint_bsa, send};

async fn list(world: &World, query: &str) -> Answer {
    get(world, Provider::Bsa, &format!("/v1/loans{query}")).await
}

#[tokio::test]
async fn tokens_come_from_the_other_host_for_a_password() {
    let world = World::documents();
    let minted = mint_bsa(&world, credential(Provider::Bsa, "password"))
        .await
        .json();
    let bearer = [(
        "authorization",
        format!("Bearer {}", minted["token"].as_str().unwrap()),
    )];
    assert_eq!(
        send(&world, Method::GET, "/bsa/v1/loans", &bearer).await.status,
        200
    );
    // A token of one provider is none of another's.
    assert_eq!(
        send(
            &world,
            Method::GET,
            "/fineract/api/v1/Loans/123/transactions",
            &bearer
        )
        .await
        .status,
        401
    );
    let refused = mint_bsa(&world, "guess").await;
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (401, &json!("unauthenticated"))
    );
    assert_eq!(
        send(&world, Method::POST, "/bsa-auth/v1/auth/token", &[])
            .await
            .status,
        405
    );
    assert_eq!(world.requests()[0].operation, "auth");
}

#[tokio::test]
async fn the_sample_with_an_honest_total() {
    let world = World::documents();
    let answer = list(&world, "?page=1&rows=25").await;
    let body = answer.json();
    assert_eq!(
        (&body["total"], &body["page"], &body["rowsPerPage"]),
        (&json!(1), &json!(1), &json!(25))
    );
    assert_eq!(
        body["items"][0]["repaymentSchedule"][0]["totalDue"].to_string(),
        "5038.5"
    );
    assert!(answer.text.contains("\"accountNo\": \"000000501\",\n"));
    assert_eq!(list(&world, "").await.json()["rowsPerPage"], 10);
    assert_eq!(list(&world, "?page=2").await.json()["items"], Value::Null);
}

#[tokio::test]
async fn what_is_refused_is_refused_in_json_inside_json() {
    let world = World::documents();
    for (query, field, error) in [
        ("?rows=101", "page", "rows value too large, must be less than 100"),
        ("?page=0", "page", "page value too small, must be larger than 0"),
        ("?rows=-1", "page", "rows value too small, must be larger than 0"),
        (
            "?page=x",
            "page",
            "page conversion: strconv.Atoi: parsing \"x\": invalid syntax",
        ),
        (
            "?customerId=ada",
            "customerId",
            "strconv.Atoi: parsing \"ada\": invalid syntax",
        ),
        (
            "?customerId=42&customerExternalId=ext-ada-001",
            "customerId",
            "customerId and customerExternalId are mutually exclusive",
        ),
        ("?orderBy=colour", "orderBy", "unknown order: colour"),
        ("?orderBy=id&sortOrder=UP", "sortOrder", "unknown direction: UP"),
    ] {
        let refused = list(&world, query).await;
        assert_eq!(
            (refused.status, &refused.json()["code"]),
            (400, &json!("invalid_argument")),
            "{query}"
        );
        let message: Value = serde_json::from_str(refused.json()["message"].as_str().unwrap()).unwrap();
        assert_eq!(message, json!([{"field": field, "error": error}]), "{query}");
    }
    assert_eq!(list(&world, "?rows=100").await.status, 200);
}

#[tokio::test]
async fn customers_are_found_by_either_name() {
    let world = World::generated(5, 60);
    for query in ["?customerId=42", "?customerExternalId=ext-ada-001"] {
        assert_eq!(column(&list(&world, query).await.json()["items"], "id"), ["501"]);
    }
    let theirs = list(&world, "?customerExternalId=ext-10004&orderBy=id")
        .await
        .json();
    assert_eq!(column(&theirs["items"], "id"), ["1012", "1013", "1014"]);
    assert_eq!(theirs["total"], 3);
    assert_eq!(list(&world, "?customerId=7").await.json()["items"], json!([]));
    let active = list(&world, "?status=aCTIVE&orderBy=id&rows=100").await.json();
    assert!(
        column(&active["items"], "status")
            .iter()
            .all(|label| label == "Active")
    );
    assert_eq!(active["total"], active["items"].as_array().unwrap().len());
    let closed = list(&world, "?status=Closed%20(obligations%20met)").await.json();
    assert!(closed["total"].as_u64().unwrap() > 1);
}

#[tokio::test]
async fn an_order_holds_only_when_it_is_asked_for() {
    let world = World::generated(5, 60);
    let up = column(
        &list(&world, "?rows=60&orderBy=id&sortOrder=ASC").await.json()["items"],
        "id",
    );
    assert_eq!(
        (up[0].as_str(), up[1].as_str(), up[59].as_str()),
        ("501", "1000", "1058")
    );
    let mut down = column(
        &list(&world, "?rows=60&orderBy=id&sortOrder=DESC").await.json()["items"],
        "id",
    );
    down.reverse();
    assert_eq!(up, down);
    let first = column(&list(&world, "?rows=60").await.json()["items"], "id");
    let second = column(&list(&world, "?rows=60").await.json()["items"], "id");
    assert_ne!(first, second);
    assert_eq!(distinct(&first), distinct(&up));
    assert_eq!(distinct(&second), distinct(&up));

    world.set_records(
        Provider::Bsa,
        ["10", "9", "2.5"]
            .map(|n| format!(r#"{{"id":"{n}","principal":{n}}}"#))
            .to_vec(),
    );
    let by_principal = list(&world, "?orderBy=principal").await.json();
    assert_eq!(column(&by_principal["items"], "id"), ["2.5", "9", "10"]);
}

#[tokio::test]
async fn a_status_is_looked_for_among_a_thousand_loans() {
    let world = World::generated(5, 3000);
    assert_eq!(list(&world, "?orderBy=id").await.json()["total"], 3000);
    assert_eq!(
        list(&world, "?orderBy=id&status=Rejected").await.json()["total"],
        124
    );
}

#[tokio::test]
async fn one_loan_is_bare() {
    let world = World::generated(5, 60);
    assert_eq!(
        get(&world, Provider::Bsa, "/v1/loans/501").await.json()["customerName"],
        "Ada Lovelace"
    );
    assert_eq!(
        get(&world, Provider::Bsa, "/v1/loans/1007").await.json()["accountNo"],
        "000001007"
    );
    let rows = list(&world, "?rows=60&orderBy=id").await.json();
    let external = column(&rows["items"], "externalId")
        .into_iter()
        .find(|id| !id.is_empty())
        .unwrap();
    let path = format!("/v1/loans/external/{}", external.replace('/', "%2F"));
    assert_eq!(
        get(&world, Provider::Bsa, &path).await.json()["externalId"],
        external.as_str()
    );
    let unknown = get(&world, Provider::Bsa, "/v1/loans/9").await;
    assert_eq!(
        (unknown.status, &unknown.json()["code"]),
        (404, &json!("not_found"))
    );
    assert_eq!(
        get(&world, Provider::Bsa, "/v1/loans/nine").await.json()["code"],
        "invalid_argument"
    );
}

#[tokio::test]
async fn a_silent_maximum_makes_pages_out_of_few_rows() {
    let world = World::generated(5, 5);
    world.set_max_per_page(Provider::Bsa, 2);
    let body = list(&world, "?rows=100&orderBy=id&page=3").await.json();
    assert_eq!((&body["total"], &body["rowsPerPage"]), (&json!(5), &json!(2)));
    assert_eq!(body["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_newest_host_has_the_history_of_a_loan_in_its_single_read() {
    let world = World::generated(5, 60);
    let one = async |id: &str| {
        get(&world, Provider::Bsa, &format!("/v1/loans/{id}"))
            .await
            .json()
    };
    assert!(one("1001").await.get("repaymentHistory").is_none());
    world.set_bsa_history(true);
    assert_eq!(one("501").await["repaymentHistory"], json!([]));
    let repaid = one("1001").await;
    let payment = &repaid["repaymentHistory"][0];
    assert_eq!(payment["amount"], repaid["totalRepayment"]);
    assert_eq!(payment["principal"], repaid["principalPaid"]);
    assert_eq!(
        (&payment["id"], &payment["status"]),
        (&json!("100101"), &json!("posted"))
    );
    let rows = list(&world, "?rows=100").await.json();
    assert!(!rows.to_string().contains("repaymentHistory"));
}
