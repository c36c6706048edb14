//! Walks over whole books: each loan once, nothing lost, no call too many.

use std::collections::BTreeSet;

use loangate::sim::{Provider, World};

use super::{Chance, Walk, each_once, exported, ids, number, seeded};
use crate::support::{Running, Setup};

/// A book of chance: how many rows, and the largest page of each provider.
struct Book {
    world: World,
    rows: usize,
    pages: Vec<(Provider, usize)>,
}

impl Book {
    fn of(chance: &mut Chance) -> Self {
        let rows = chance.between(1, 160);
        let world = World::generated(chance.next(), rows);
        let pages = Provider::ALL.map(|provider| (provider, chance.between(3, 60)));
        for (provider, size) in pages {
            world.set_max_per_page(provider, size);
        }
        Self {
            world,
            rows,
            pages: pages.to_vec(),
        }
    }

    /// Sometimes the page that is asked for is the smaller one.
    async fn start(&mut self, chance: &mut Chance) -> Running {
        let mut setup = Setup::all(&self.world);
        for (provider, size) in &mut self.pages {
            // GoScore's page size is its own.
            if chance.one_in(2) && *provider != Provider::Fineract {
                let asked = chance.between(3, 60);
                setup = setup.connection(*provider, "page_size", &asked.to_string());
                *size = asked.min(*size);
            }
        }
        setup.start().await
    }

    /// Records that the simulator has of a provider for the question.
    fn received(&self, provider: Provider) -> usize {
        match provider {
            // The student loan stands beside the list.
            Provider::Goscore => self.rows.max(4) + 1,
            Provider::Fineract => 1,
            Provider::Carbon => self.rows.max(2),
            Provider::Bsa | Provider::Belvo => self.rows.max(1),
        }
    }

    /// Fewest pages that hold them; GoScore's end is seen only by asking once more.
    fn fewest_pages(&self, provider: Provider) -> usize {
        let (_, size) = self.pages.iter().find(|(known, _)| *known == provider).unwrap();
        match provider {
            Provider::Goscore => (self.received(provider) - 1).div_ceil(*size) + 1,
            Provider::Fineract => 1,
            _ => self.received(provider).div_ceil(*size),
        }
    }
}

async fn walks_one_book(seed: u64) {
    seeded(seed);
    let mut chance = Chance(seed);
    let mut book = Book::of(&mut chance);
    let gateway = book.start(&mut chance).await;

    let walk = Walk::follow(&gateway, "", || chance.between(1, 200)).await;
    let asked: Vec<usize> = Provider::ALL
        .iter()
        .map(|provider| gateway.asked(*provider).len())
        .collect();

    let all = each_once(&walk.ids());
    walk.last().assert_complete();
    assert!(walk.facts.iter().all(|page| page["complete"] == true));
    for (provider, asked) in Provider::ALL.into_iter().zip(asked) {
        let source = walk.last().source(provider.as_str());
        let counted = ["count", "duplicates", "rejected"].map(|key| number(&source, key));
        let received = book.received(provider);
        assert_eq!(
            counted.iter().sum::<usize>(),
            received,
            "{provider}, seed {seed}: {source}"
        );
        assert_eq!(source["exhausted"], true, "{source}");
        assert_eq!(number(&source, "upstream_requests"), asked, "{source}");
        let fewest = book.fewest_pages(provider);
        // One more page than the fewest where only an empty one tells the end.
        let most = fewest.max(fewest * 11 / 10) + usize::from(provider == Provider::Goscore);
        assert!(
            asked <= most,
            "seed {seed}: {provider} was asked {asked} times for {fewest} pages"
        );
    }

    let (lines, end) = exported(&gateway, "").await;
    assert_eq!(end["complete"], true);
    assert_eq!(each_once(&ids(&lines)), all, "the export, seed {seed}");
    let sorted = Walk::follow(&gateway, "sort=id", || chance.between(1, 200)).await;
    assert_eq!(each_once(&sorted.ids()), all, "the frozen set, seed {seed}");
    let mut apart = BTreeSet::new();
    for provider in Provider::ALL {
        let one = Walk::follow(&gateway, &format!("connection={provider}"), || 200).await;
        apart.extend(each_once(&one.ids()));
    }
    assert_eq!(apart, all, "connection by connection, seed {seed}");
}

#[tokio::test]
async fn every_loan_comes_once_however_the_pages_fall() {
    for seed in 1..=2 {
        walks_one_book(seed).await;
    }
}

#[tokio::test]
async fn every_loan_comes_once_in_other_books() {
    for seed in 101..=102 {
        walks_one_book(seed).await;
    }
}

#[tokio::test]
async fn the_total_is_known_when_every_source_knows_its_own() {
    let gateway = super::plain_books(25).await;
    let walk = Walk::follow(&gateway, "", || 7).await;
    for page in &walk.facts {
        assert_eq!(page["page"]["total"], 50);
        assert_eq!(page["page"]["consistency"], "live");
    }
    assert_eq!(walk.loans.len(), 50);
    // Belvo counts snapshots, not loans.
    let with_belvo = super::gateway(3, 25).await;
    assert!(with_belvo.get("/loans").await.json()["page"]["total"].is_null());
}

#[tokio::test]
async fn an_upstream_page_is_fetched_once_and_sliced() {
    let gateway = super::plain_books(30).await;
    let walk = Walk::follow(&gateway, "", || 4).await;
    assert_eq!(walk.pages.len(), 15);
    for provider in [Provider::Bsa, Provider::Carbon] {
        assert_eq!(gateway.asked(provider).len(), 3);
    }
}
