//! Both engines do what a map in memory does, whatever is done in whatever order.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use loangate::store::{
    Change, Customer, Deleted, Keeper, Link, Namespace, Precondition, Purpose, Put, Store as _, Tags,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::on_both;
use super::starting::keeper;

/// What is done next.
#[derive(Debug, Clone)]
enum Step {
    Put(usize, String, Vec<Link>, Only),
    Delete(usize, String, Only),
}

/// What must be true before.
#[derive(Debug, Clone, Copy)]
enum Only {
    Always,
    New,
    Known,
    /// If the version is the one of the last step about this customer.
    Unchanged,
}

fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    (-62_000_000_000_000_i64..250_000_000_000_000).prop_map(|at| DateTime::from_timestamp_millis(at).unwrap())
}

fn link() -> impl Strategy<Value = Link> {
    let purpose = prop_oneof![
        Just(None),
        Just(Some(Purpose::Presentation)),
        Just(Some(Purpose::Processing))
    ];
    (
        "[a-b]",
        "[a-z_]{1,12}",
        "\\PC{1,60}",
        purpose,
        prop::option::of(instant()),
    )
        .prop_map(|(connection, kind, value, purpose, expires_at)| Link {
            connection,
            kind,
            value,
            purpose,
            expires_at,
        })
}

fn step() -> impl Strategy<Value = Step> {
    let only = prop_oneof![
        Just(Only::Always),
        Just(Only::New),
        Just(Only::Known),
        Just(Only::Unchanged)
    ];
    let id = prop_oneof!["[a-d]".boxed(), "[\\PC--\\s]{1,10}".boxed()];
    (0_usize..2, id, prop::collection::vec(link(), 0..6), only, 0..4).prop_map(
        |(of, id, links, only, kind)| match kind {
            0 => Step::Delete(of, id, only),
            _ => Step::Put(of, id, links, only),
        },
    )
}

fn namespaces() -> [Namespace; 2] {
    [Namespace::of_client("one"), Namespace::shared("one")]
}

type Model = BTreeMap<(usize, String), Customer>;

fn condition(only: Only, known: Option<&Customer>) -> Precondition {
    let matches = match only {
        Only::Always | Only::New => None,
        Only::Known => Some(Tags::Any),
        Only::Unchanged => Some(Tags::These(known.map(Customer::version).into_iter().collect())),
    };
    Precondition {
        matches,
        none_matches: matches!(only, Only::New).then_some(Tags::Any),
    }
}

/// Does a step in the store and in the model.
async fn take(store: &Keeper, model: &mut Model, step: Step, at: DateTime<Utc>) {
    match step {
        Step::Put(of, id, links, only) => {
            let known = model.get(&(of, id.clone())).cloned();
            let only = condition(only, known.as_ref());
            let change = Change {
                links: links.clone(),
                may_only_stay: Vec::new(),
                only: only.clone(),
                at,
            };
            let put = store.put(&namespaces()[of], &id, change.clone()).await.unwrap();
            let expected = match known {
                known if !only.holds(known.as_ref()) => Put::Refused,
                Some(known) if known.links == links => Put::Replaced(known),
                Some(known) => Put::Replaced(Customer {
                    links,
                    updated_at: at,
                    ..known
                }),
                None => Put::Created(Customer {
                    id: id.clone(),
                    links,
                    created_at: at,
                    updated_at: at,
                }),
            };
            assert_eq!(put, expected);
            if let Put::Created(customer) | Put::Replaced(customer) = put {
                assert_eq!(
                    store.get(&namespaces()[of], &id).await.unwrap().as_ref(),
                    Some(&customer)
                );
                // The same again changes nothing.
                let again = Change {
                    only: Precondition::default(),
                    ..change
                };
                let again = store.put(&namespaces()[of], &id, again).await.unwrap();
                assert_eq!(again, Put::Replaced(customer.clone()));
                model.insert((of, id), customer);
            }
        }
        Step::Delete(of, id, only) => {
            let known = model.get(&(of, id.clone()));
            let only = condition(only, known);
            let expected = match known {
                known if !only.holds(known) => Deleted::Refused,
                Some(_) => Deleted::Gone,
                None => Deleted::Unknown,
            };
            let deleted = store.delete(&namespaces()[of], &id, only).await.unwrap();
            assert_eq!(deleted, expected);
            if deleted == Deleted::Gone {
                model.remove(&(of, id));
            }
        }
    }
}

on_both! {
    a_store_does_what_a_map_does(place) {
        let store = keeper(&place);
        let mut runner = TestRunner::deterministic();
        let mut model = Model::new();
        for number in 0..300 {
            let step = step().new_tree(&mut runner).unwrap().current();
            let at = DateTime::from_timestamp_millis(1_800_000_000_000 + number).unwrap();
            take(&store, &mut model, step, at).await;
        }
        for (of, namespace) in namespaces().iter().enumerate() {
            let mine: Vec<&Customer> = model.iter().filter(|((known, _), _)| *known == of).map(|(_, one)| one).collect();
            let page = store.page(namespace, 0, 1000).await.unwrap();
            assert_eq!(page.total, Some(u64::try_from(mine.len()).unwrap()));
            assert_eq!(page.customers.len(), mine.len());
            for customer in mine {
                assert!(page.customers.contains(customer));
                assert_eq!(store.get(namespace, &customer.id).await.unwrap().as_ref(), Some(customer));
            }
            for connections in [&["a"][..], &["b"], &["a", "b"], &["c"], &[]] {
                let wanted = page.customers.iter().flat_map(|customer| &customer.links);
                let wanted = wanted.filter(|link| connections.contains(&link.connection.as_str()));
                let wanted: std::collections::BTreeSet<Link> = wanted.cloned().collect();
                let connections: Vec<_> = connections.iter().map(|id| (*id).into()).collect();
                let linked = store.linked(namespace, &connections, 1000).await.unwrap();
                assert_eq!(linked.links, wanted.into_iter().collect::<Vec<_>>());
                assert_eq!(linked.too_many, Vec::<std::sync::Arc<str>>::new());
                // As many as there may be, and one more than that.
                for connection in &connections {
                    let one = std::slice::from_ref(connection);
                    let count = linked.links.iter().filter(|link| *link.connection == **connection).count();
                    assert_eq!(store.linked(namespace, one, count).await.unwrap().links.len(), count);
                    if let Some(fewer) = count.checked_sub(1) {
                        let cut = store.linked(namespace, one, fewer).await.unwrap();
                        assert_eq!((cut.links.len(), cut.too_many), (0, vec![std::sync::Arc::clone(connection)]));
                    }
                }
            }
        }
    }
}
