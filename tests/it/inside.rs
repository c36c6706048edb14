//! What the records of a loan hold beside the loan: a plan, a history, earlier observations of it.

use loangate::sim::{Provider, World};
use serde_json::{Value, json};

use crate::support::{Answer, Running, Setup, loan_path};

async fn of(gateway: &Running, id: &str, what: &str) -> Answer {
    gateway.get(&format!("{}/{what}", loan_path(id))).await
}

fn column<'a>(rows: &'a [Value], key: &str) -> Vec<&'a str> {
    rows.iter().map(|row| row[key].as_str().unwrap_or("-")).collect()
}

fn rows(answer: &Answer) -> Vec<Value> {
    answer.json()["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn the_plan_inside_a_loan_costs_no_other_call() {
    let world = World::documents();
    let gateway = Setup::only(Provider::Bsa, &world).start().await;

    let answer = of(&gateway, "bsa:501", "schedule").await;

    answer.assert_complete();
    assert_eq!(gateway.asked(Provider::Bsa).len(), 1);
    let plan = rows(&answer);
    assert_eq!(plan.len(), 1);
    assert_eq!(plan[0]["number"], 1);
    assert_eq!(plan[0]["total_due"], "5038.50");
    assert_eq!(plan[0]["total_paid"], "0.00");
    let list = gateway.get("/loans?include=schedule").await;
    assert_eq!(list.loans()[0]["schedule"], json!(plan));
}

#[tokio::test]
async fn an_instalment_that_cannot_be_read_costs_no_other() {
    let world = World::documents();
    let row = r#"{"id":"1","currencyCode":"TZS","repaymentSchedule":[{"period":1,"totalDue":5},{"period":2,"totalDue":"five"},{"period":3,"totalDue":7}]}"#;
    world.set_records(Provider::Bsa, vec![row.to_owned()]);
    let gateway = Setup::only(Provider::Bsa, &world).start().await;

    let answer = of(&gateway, "bsa:1", "schedule").await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["complete"], false);
    let source = answer.source("bsa");
    assert_eq!(
        (&source["status"], &source["rejected"]),
        (&json!("partial"), &json!(1))
    );
    let plan = rows(&answer);
    assert_eq!(column(&plan, "total_due"), ["5.00", "7.00"]);
}

#[tokio::test]
async fn a_history_is_there_where_the_host_sends_it() {
    let world = World::generated(5, 60);
    let gateway = Setup::only(Provider::Bsa, &world).start().await;
    let answer = of(&gateway, "bsa:1001", "transactions").await;
    answer.assert_problem(404, "capability_not_supported");

    world.set_bsa_history(true);
    let answer = of(&gateway, "bsa:1001", "transactions").await;
    answer.assert_complete();
    let history = rows(&answer);
    let loan = gateway.get(&loan_path("bsa:1001")).await.loans().remove(0);
    assert_eq!(history.len(), 1);
    assert_eq!(history[0]["type"], "repayment");
    assert_eq!(history[0]["amount"], loan["amounts"]["total_paid"]);
    assert_eq!(history[0]["loan_id"], "bsa:1001");
    assert_eq!(history[0]["reversed"], false);
    assert!(loan["extensions"].get("repaymentHistory").is_none());
    let none = of(&gateway, "bsa:501", "transactions").await;
    none.assert_complete();
    assert!(rows(&none).is_empty());
}

/// The ids of snapshots that the list of a customer has of one loan, newest first.
fn expected(world: &[Value], loan: &str) -> Vec<String> {
    let mut of_loan: Vec<&Value> = world.iter().filter(|row| row["loanId"] == loan).collect();
    of_loan.sort_by_key(|row| std::cmp::Reverse(row["createdDate"].as_str().unwrap()));
    of_loan
        .iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_history_of_a_debt_is_its_own_rows_of_its_customer() {
    let row = |id: &str, loan: &str, day: u32| {
        format!(
            r#"{{"id":"{id}","merchantCustomerId":"M","loanId":"{loan}","status":"active","totalBalance":"{day}00.5","targetCollectionDate":"2026-05-{day}","customerAddress":"Calle 1","createdDate":"2026-05-{day}T10:00:00.000Z"}}"#
        )
    };
    let texts = vec![
        row("s1", "one", 10),
        row("s2", "two", 11),
        row("s3", "one", 12),
        row("s4", "two", 13),
        row("s5", "two", 14),
        row("s6", "one", 15),
    ];
    let parsed: Vec<Value> = texts
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    let world = World::documents();
    world.set_records(Provider::Belvo, texts);
    for page_size in ["1", "2", "100"] {
        let gateway = Setup::only(Provider::Belvo, &world)
            .connection(Provider::Belvo, "page_size", page_size)
            .start()
            .await;
        for loan in ["one", "two"] {
            let answer = of(&gateway, &format!("belvo:M~{loan}"), "snapshots").await;
            answer.assert_complete();
            let seen = rows(&answer);
            assert_eq!(
                column(&seen, "snapshot_id"),
                expected(&parsed, loan),
                "{page_size}"
            );
            assert!(!answer.text.contains("Calle"), "{answer:?}");
        }
        let answer = of(&gateway, "belvo:M~one", "snapshots").await;
        let newest = rows(&answer).remove(0);
        assert_eq!(newest["as_of"], "2026-05-15T10:00:00Z");
        assert_eq!(newest["collection_on"], "2026-05-15");
        assert_eq!(newest["amounts"]["total_outstanding"], "1500.50");
        assert_eq!(newest["extensions"]["status"], "active");
    }
}
