//! Whole books: walked with cursors, frozen, filtered, summed, exported, listed in a terminal.

mod books;
mod cursors;
mod documents;
mod drift;
mod export;
mod filters;
mod frozen;
mod summary;
mod terminal;

use std::collections::BTreeSet;

use loangate::sim::{Provider, World};
use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, Running, Setup};

/// Chance that is the same in every run: a failure names its seed.
struct Chance(u64);

/// Says which book of chance comes next; shown when the test fails.
#[expect(clippy::print_stderr, reason = "the seed of a failure")]
fn seeded(seed: u64) {
    eprintln!("seed {seed}");
}

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn between(&mut self, least: usize, most: usize) -> usize {
        let span = u64::try_from(most - least + 1).unwrap();
        least + usize::try_from(self.next() % span).unwrap()
    }

    fn one_in(&mut self, times: usize) -> bool {
        self.between(1, times) == 1
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.between(0, from.len() - 1)]
    }
}

/// A list followed to its end.
#[derive(Debug)]
struct Walk {
    pages: Vec<Answer>,
    /// The pages without their loans.
    facts: Vec<Value>,
    loans: Vec<Value>,
}

impl Walk {
    /// Follows `query` with these limits in turn, and looks at each page on its way.
    async fn follow(gateway: &Running, query: &str, mut limit: impl FnMut() -> usize) -> Self {
        let mut walk = Self {
            pages: Vec::new(),
            facts: Vec::new(),
            loans: Vec::new(),
        };
        let mut cursor = None;
        for _ in 0..2000 {
            let limit = limit();
            let page = gateway.get(&address(query, limit, cursor.as_deref())).await;
            assert_eq!(page.status, 200, "{page:?}");
            // Parsed once: these documents are large.
            let mut facts = page.json();
            let Value::Array(loans) = facts["data"].take() else {
                panic!("no loans: {page:?}");
            };
            assert!(loans.len() <= limit, "{} of {limit}", loans.len());
            assert_eq!(facts["page"]["count"], loans.len());
            assert_eq!(facts["page"]["limit"], limit);
            walk.loans.extend(loans);
            let counts = facts["sources"].as_array().unwrap().iter();
            let given: usize = counts.map(|source| number(source, "count")).sum();
            assert_eq!(given, walk.loans.len(), "the sources count what came so far");
            cursor = facts["page"]["next_cursor"].as_str().map(str::to_owned);
            walk.facts.push(facts);
            walk.pages.push(page);
            if cursor.is_none() {
                return walk;
            }
        }
        panic!("no end of {query}");
    }

    async fn of(gateway: &Running, query: &str) -> Self {
        Self::follow(gateway, query, || 50).await
    }

    fn last(&self) -> &Answer {
        self.pages.last().unwrap()
    }

    fn ids(&self) -> Vec<String> {
        ids(&self.loans)
    }
}

fn address(query: &str, limit: usize, cursor: Option<&str>) -> String {
    let cursor = cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
    format!("/loans?limit={limit}&{query}{cursor}")
}

/// Where the next page begins.
fn next(page: &Answer) -> Option<String> {
    page.json()["page"]["next_cursor"].as_str().map(str::to_owned)
}

/// What the sources say they gave.
fn given(answer: &Answer) -> usize {
    let json = answer.json();
    let counts = json["sources"].as_array().unwrap().iter();
    counts.map(|source| number(source, "count")).sum()
}

fn number(source: &Value, key: &str) -> usize {
    usize::try_from(source[key].as_u64().unwrap()).unwrap()
}

fn id(loan: &Value) -> String {
    loan["id"].as_str().unwrap().to_owned()
}

fn ids(loans: &[Value]) -> Vec<String> {
    loans.iter().map(id).collect()
}

/// The ids as a set; each of them came once.
fn each_once(ids: &[String]) -> BTreeSet<String> {
    let set: BTreeSet<String> = ids.iter().cloned().collect();
    assert_eq!(set.len(), ids.len(), "a loan came twice");
    set
}

/// An export: its loans, and its last line.
async fn exported(gateway: &Running, query: &str) -> (Vec<Value>, Value) {
    let accept = [("accept", "application/x-ndjson")];
    let answer = gateway
        .send(Method::GET, &format!("/loans?{query}"), &accept, None)
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let mut lines: Vec<Value> = answer
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let end = lines.pop().unwrap();
    assert_eq!(end["end"], true, "{end}");
    assert_eq!(end["count"], lines.len(), "{end}");
    (lines, end)
}

/// A generated book over all providers.
async fn gateway(seed: u64, rows: usize) -> Running {
    Setup::all(&World::generated(seed, rows)).start().await
}

/// A book of plain BSA rows with these ids.
pub(crate) fn plain(ids: impl IntoIterator<Item = usize>) -> Vec<String> {
    ids.into_iter()
        .map(|id| format!(r#"{{"id":"{id}","currencyCode":"TZS","totalOutstanding":{id}.5}}"#))
        .collect()
}

/// A gateway over plain books of BSA and Carbon, pages of ten.
async fn plain_books(rows: usize) -> Running {
    let world = World::documents();
    world.set_records(Provider::Bsa, plain(1000..1000 + rows));
    world.set_records(Provider::Carbon, applications(1000..1000 + rows));
    small_pages(&world, &[Provider::Bsa, Provider::Carbon])
        .start()
        .await
}

pub(crate) fn applications(ids: impl IntoIterator<Item = usize>) -> Vec<String> {
    ids.into_iter()
        .map(|id| format!(r#"{{"application_id":"{id}","amount":{id}}}"#))
        .collect()
}

/// Some providers, pages of ten.
pub(crate) fn small_pages(world: &World, providers: &[Provider]) -> Setup {
    providers
        .iter()
        .fold(Setup::of(world, providers), |setup, provider| {
            setup.connection(*provider, "page_size", "10")
        })
}
