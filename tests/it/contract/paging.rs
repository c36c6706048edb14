//! Pages: each one once, each loan once, and an end.

use std::collections::{BTreeSet, HashSet};

use loangate::sim::{Fault, Provider, World};

use crate::support::{Running, Setup};

const ROWS: usize = 30;

/// Pages of `size` until the end. GoScore does not say where that is: an empty page does.
fn pages(provider: Provider, size: usize) -> usize {
    match provider {
        Provider::Fineract => 1,
        Provider::Goscore => ROWS.div_ceil(size) + 1,
        Provider::Carbon | Provider::Bsa | Provider::Belvo => ROWS.div_ceil(size),
    }
}

async fn reads_all_of_it(gateway: &Running, provider: Provider, size: usize) {
    let answer = gateway.get("/loans?limit=200").await;
    answer.assert_complete();

    let ids = answer.ids();
    let distinct: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "{ids:?}");
    let source = answer.source(provider.as_str());
    let number = |key: &str| usize::try_from(source[key].as_u64().unwrap()).unwrap();
    assert_eq!(number("count"), ids.len());
    assert_eq!(source["exhausted"], true);
    // Nothing is lost on the way: what came is in the answer, or counted.
    let received = match provider {
        // The student loan stands beside the list.
        Provider::Goscore => ROWS + 1,
        // The one loan of its config.
        Provider::Fineract => 1,
        Provider::Carbon | Provider::Bsa | Provider::Belvo => ROWS,
    };
    assert_eq!(
        number("count") + number("duplicates") + number("rejected"),
        received
    );
    match provider {
        Provider::Belvo => assert!(number("duplicates") > 0, "several snapshots of a loan: {source}"),
        _ => assert_eq!(number("duplicates"), 0, "{source}"),
    }
    assert_eq!(number("rejected"), 0, "{source}");
    if matches!(provider, Provider::Carbon | Provider::Bsa) {
        assert_eq!(source["total"], ROWS);
    }

    let asked = gateway.asked(provider);
    let queries: HashSet<&str> = asked.iter().map(|request| request.query.as_str()).collect();
    assert_eq!(
        asked.len(),
        queries.len(),
        "a page was asked for twice: {asked:?}"
    );
    assert_eq!(asked.len(), pages(provider, size), "{queries:?}");
    assert_eq!(number("upstream_requests"), asked.len());
}

pub(super) async fn follows_every_page_once(provider: Provider) {
    let world = World::generated(7, ROWS);
    let setup = Setup::only(provider, &world).connection(provider, "page_size", "7");
    reads_all_of_it(&setup.start().await, provider, 7).await;
}

/// The page size that is asked for is a wish.
pub(super) async fn follows_pages_that_the_upstream_makes_smaller(provider: Provider) {
    let world = World::generated(7, ROWS);
    world.set_max_per_page(provider, 4);
    // More than a page than BSA takes is an error there, which is why the adapter never asks for it.
    let setup = Setup::only(provider, &world).connection(provider, "page_size", "150");
    reads_all_of_it(&setup.start().await, provider, 4).await;
}

pub(super) async fn stops_on_a_repeating_page(provider: Provider) {
    let world = World::generated(7, ROWS);
    world.set_fault(provider, Fault::PageLoop);
    let gateway = Setup::only(provider, &world)
        .connection(provider, "page_size", "7")
        .start()
        .await;

    let answer = gateway.get("/loans?limit=200").await;

    assert_eq!(answer.status, 200, "{answer:?}");
    let ids = answer.ids();
    let distinct: HashSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "{ids:?}");
    let source = answer.source(provider.as_str());
    match provider {
        // One page is all there is.
        Provider::Fineract => answer.assert_complete(),
        // Where page numbers are ignored, a repeated page is how the end looks.
        Provider::Goscore => assert_eq!(source["status"], "ok", "{source}"),
        Provider::Carbon | Provider::Bsa | Provider::Belvo => {
            assert_eq!(source["status"], "partial", "{source}");
            assert_eq!(source["error"]["code"], "upstream_bad_payload");
            assert_eq!(source["exhausted"], false);
            assert_eq!(answer.json()["complete"], false);
        }
    }
    assert!(
        gateway.asked(provider).len() <= 2,
        "{:?}",
        gateway.asked(provider)
    );
}
