//! An upstream that answers a question twice on a kept connection: every later answer there belongs to the question
//! before it. Nobody may get another's loans, and nobody may be told that somebody has none.

use loangate::sim::{Provider, World};

use crate::support::chaos::{Act, Chaos, End};
use crate::support::{Answer, Running, Setup, encoded};

const QUESTIONS: usize = 200;

/// Two people, each with a loan that is nobody else's, and a third without any.
const PEOPLE: [&str; 2] = ["418823901", "527736104"];
const NOBODY: &str = "639914275";

/// What a person is called where ids are UUIDs.
fn uuid(person: &str) -> String {
    format!("00000000-0000-4000-8000-000{person}")
}

/// A row that belongs to a person, whose name is in the id of the loan.
fn row(provider: Provider, person: &str) -> String {
    match provider {
        Provider::Carbon => format!(r#"{{"application_id":"A-{person}","customer_id":"{person}"}}"#),
        Provider::Bsa => {
            format!(r#"{{"id":"A-{person}","customerId":"{person}","currencyCode":"TZS"}}"#)
        }
        Provider::Belvo => {
            let uuid = uuid(person);
            format!(
                r#"{{"id":"s-{person}","loanId":"A-{person}","merchantCustomerId":"{person}","customerId":"{uuid}","paymentMethodId":"{uuid}"}}"#
            )
        }
        Provider::Goscore => format!(r#"{{"account":"A-{person}","creditor_name":"{person}"}}"#),
        Provider::Fineract => {
            format!(r#"{{"currency":{{"code":"NGN"}},"externalId":"{person}"}}"#)
        }
    }
}

fn world(provider: Provider) -> World {
    let world = World::documents();
    for person in PEOPLE {
        match provider {
            Provider::Goscore => world.set_goscore(person, "done", None, vec![row(provider, person)]),
            Provider::Fineract => world.set_fineract_ledger(person, vec![row(provider, person)]),
            _ => world.set_records(provider, PEOPLE.map(|person| row(provider, person)).to_vec()),
        }
    }
    if provider == Provider::Goscore {
        world.set_goscore(NOBODY, "done", None, Vec::new());
    }
    world
}

async fn start(provider: Provider) -> (Running, Chaos) {
    let world = world(provider);
    let chaos = Chaos::start(&world, |asked| {
        if asked.token {
            Act::Answer(End::Keep)
        } else {
            Act::OneBehind
        }
    })
    .await;
    let gateway = Setup::only(provider, &world)
        .through(provider, &chaos)
        .start()
        .await;
    (gateway, chaos)
}

fn question(provider: Provider, kind: &str, person: &str) -> String {
    let value = match (provider, kind) {
        (Provider::Belvo, "customer" | "payment_method") => uuid(person),
        (Provider::Bsa, "customer_external") => format!("ext-{person}"),
        _ => person.to_owned(),
    };
    format!("/loans?ref={}", encoded(&format!("{provider}:{kind}:{value}")))
}

/// Asks about one person after the other. Gives how many answers were whole and how many were refused.
async fn ask(
    gateway: &Running,
    provider: Provider,
    kind: &str,
    people: &[&str],
    questions: usize,
) -> (usize, usize) {
    let (mut whole, mut refused) = (0, 0);
    for turn in 0..questions {
        let person = people[turn % people.len()];
        let answer = gateway.get(&question(provider, kind, person)).await;
        for other in PEOPLE.iter().filter(|other| **other != person) {
            assert!(
                !answer.text.contains(other),
                "{person} was told about {other}: {answer:?}"
            );
        }
        if answer.status == 200 {
            answer.assert_complete();
            assert_eq!(answer.loans().len(), usize::from(person != NOBODY), "{answer:?}");
            whole += 1;
        } else {
            assert_refused(&answer, provider);
            refused += 1;
        }
    }
    (whole, refused)
}

fn assert_refused(answer: &Answer, provider: Provider) {
    answer.assert_problem(502, "upstream_failed");
    assert_eq!(
        answer.source_error(provider),
        "upstream_bad_payload",
        "{answer:?}"
    );
}

/// The provider's rows say whose they are: a wrong answer is noticed, and its connection is not used again.
async fn notices(provider: Provider, kind: &str) {
    let (gateway, chaos) = start(provider).await;
    let (whole, refused) = ask(&gateway, provider, kind, &PEOPLE, QUESTIONS).await;
    // The first answer on a connection is right, the second is noticed, and there is no third.
    assert_eq!((whole, refused), (QUESTIONS / 2, QUESTIONS / 2));
    assert_eq!(chaos.counts().connections, QUESTIONS / 2);
    // Somebody without loans has answers that name nobody.
    ask(&gateway, provider, kind, &[PEOPLE[0], NOBODY], 20).await;
    ask(&gateway, provider, kind, &[NOBODY, PEOPLE[1]], 20).await;
}

/// The provider's rows do not: no connection is used for two questions. One behind is then the same answer.
async fn never_mixes(provider: Provider, kind: &str, people: &[&str]) {
    let (gateway, chaos) = start(provider).await;
    let before = chaos.counts().connections;
    assert_eq!(
        ask(&gateway, provider, kind, people, QUESTIONS).await,
        (QUESTIONS, 0)
    );
    let counts = chaos.counts();
    // The first time that a question is asked its connection is not kept.
    let questions = people.len() * counts.pages() / QUESTIONS;
    assert_eq!(counts.connections - before, 2 * questions + counts.tokens());
}

#[tokio::test]
async fn carbon_by_customer() {
    notices(Provider::Carbon, "customer").await;
}

#[tokio::test]
async fn bsa_by_customer() {
    notices(Provider::Bsa, "customer").await;
}

#[tokio::test]
async fn belvo_by_customer() {
    notices(Provider::Belvo, "customer").await;
}

#[tokio::test]
async fn belvo_by_merchant_customer() {
    notices(Provider::Belvo, "merchant_customer").await;
}

#[tokio::test]
async fn belvo_by_payment_method() {
    notices(Provider::Belvo, "payment_method").await;
}

#[tokio::test]
async fn goscore_by_consent() {
    never_mixes(Provider::Goscore, "consent", &[PEOPLE[0], PEOPLE[1], NOBODY]).await;
}

#[tokio::test]
async fn fineract_by_loan() {
    never_mixes(Provider::Fineract, "loan", &PEOPLE).await;
}

#[tokio::test]
async fn bsa_by_the_partners_customer() {
    let people = [PEOPLE[0], PEOPLE[1], NOBODY];
    never_mixes(Provider::Bsa, "customer_external", &people).await;
}

/// A refusal names nobody either: the one that belongs to the loan before must not say that this one is gone.
#[tokio::test]
async fn a_late_refusal_does_not_make_a_loan_disappear() {
    for provider in [Provider::Carbon, Provider::Bsa] {
        let (gateway, _) = start(provider).await;
        for turn in 0..20 {
            let missing = gateway.get(&format!("/loans/{provider}%3Anowhere")).await;
            // The answer to the question before may be a loan, which is then noticed to be another.
            assert!(matches!(missing.status, 404 | 502), "{missing:?}");
            assert!(!missing.text.contains(PEOPLE[0]));
            let there = gateway.get(&format!("/loans/{provider}%3AA-{}", PEOPLE[0])).await;
            assert!(matches!(there.status, 200 | 502), "turn {turn}: {there:?}");
        }
    }
}
