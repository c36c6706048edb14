//! The dashboard, the alerts and the operating guide speak of metrics that there are, and of all of them.

use std::collections::{BTreeMap, BTreeSet};

use loangate::sim::{Provider, World};
use serde_json::Value;

use crate::support::Setup;

const DASHBOARD: &str = include_str!("../../../deploy/grafana/loangate.json");
const ALERTS: &str = include_str!("../../../deploy/prometheus/alerts.yaml");
const ALERT_TESTS: &str = include_str!("../../../deploy/prometheus/alerts.test.yaml");
const OPERATIONS: &str = include_str!("../../../docs/operations.md");

/// Labels that Prometheus adds, or that its functions and variables need.
const ADDED: [&str; 3] = ["job", "instance", "le"];

/// The names that a text speaks of, each as the exposition announces it, and the labels it puts in braces behind them.
fn named(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (at, _) in text.match_indices("loangate_") {
        let after = &text[at..];
        let end = after
            .find(|c: char| !c.is_ascii_lowercase() && c != '_')
            .unwrap_or(after.len());
        let (name, rest) = after.split_at(end);
        let name = ["_bucket", "_count", "_sum"]
            .iter()
            .fold(name, |name, suffix| name.trim_end_matches(suffix));
        let labels = names.entry(name.to_owned()).or_default();
        if let Some(inside) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            let label = |matcher: &str| matcher.split(['=', '!']).next().unwrap().trim().to_owned();
            // A comma in a value is not there to begin a label.
            labels.extend(inside.0.split(", ").flat_map(|part| part.split("\",")).map(label));
        }
    }
    names
}

/// Every metric the gateway announces, with the labels it shows.
async fn exposed() -> BTreeMap<String, BTreeSet<String>> {
    let world = World::documents();
    let row = r#"{"id": "1", "currencyCode": "TZS", "shoeSize": 1}"#;
    world.set_records(Provider::Bsa, vec![row.to_owned()]);
    // One of a fleet, whose Redis nobody has started.
    let gateway = Setup::only(Provider::Bsa, &world)
        .set("cache.backend", "redis")
        .set("cache.redis_url", "redis://127.0.0.1:1")
        .set("cache.max_age", "30s")
        .set("cache.keys", crate::fleet::CACHE_KEY)
        .set("cursor.keys", crate::fleet::CURSOR_KEY)
        .start()
        .await;
    gateway.get("/loans").await.assert_complete();
    let text = gateway.get("/metrics").await.text;
    let announced = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let announced: BTreeSet<&str> = announced.collect();
    let mut shown = named(&text);
    shown.retain(|name, _| announced.contains(name.as_str()));
    assert_eq!(shown.len(), announced.len());
    shown
}

#[tokio::test]
async fn everything_that_is_asked_for_is_exposed_with_the_labels_that_are_asked_for() {
    let exposed = exposed().await;
    assert!(exposed.len() >= 13, "{exposed:?}");
    let dashboard = DASHBOARD.replace("\\\"", "\"");
    for (file, text) in [
        ("dashboard", &*dashboard),
        ("alerts", ALERTS),
        ("tests", ALERT_TESTS),
    ] {
        let names = named(text);
        assert!(names.len() > 8, "{file}");
        for (name, labels) in names {
            let there = exposed
                .get(&name)
                .unwrap_or_else(|| panic!("{file}: there is no {name}"));
            for label in labels {
                assert!(
                    there.contains(&label) || ADDED.contains(&&*label),
                    "{file}: {name} has no {label}"
                );
            }
        }
    }
    for name in exposed.keys() {
        assert!(
            named(DASHBOARD).contains_key(name),
            "the dashboard leaves out {name}"
        );
        assert!(
            OPERATIONS.contains(&format!("\n### {name}\n")),
            "{name} is not explained"
        );
    }
}

#[test]
fn every_alert_is_explained_where_it_says_and_tested() {
    let mut alerts: Vec<&str> = ALERTS
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect();
    let links: Vec<&str> = ALERTS
        .lines()
        .filter_map(|line| line.trim().strip_prefix("runbook_url: "))
        .collect();
    assert_eq!(alerts.len(), links.len());
    for (alert, link) in alerts.iter().zip(links) {
        assert_eq!(link, format!("docs/operations.md#{}", alert.to_lowercase()));
        assert!(
            OPERATIONS.contains(&format!("\n### {alert}\n")),
            "{alert} is not explained"
        );
        assert!(
            ALERT_TESTS.contains(&format!("alertname: {alert}\n        exp_alerts:\n")),
            "{alert} never fires"
        );
    }
    alerts.dedup();
    let explained = OPERATIONS
        .lines()
        .filter_map(|line| line.strip_prefix("### Loangate"));
    assert_eq!(explained.count(), alerts.len());
}

/// What Grafana needs to take it: panels that are told apart and do not overlap, all of the one data source.
#[test]
fn the_dashboard_can_be_imported() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    assert_eq!(dashboard["templating"]["list"][0]["type"], "datasource");
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(place("x") + place("w") <= 24, "{panel}");
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(taken.insert((x, y)), "{panel}");
            }
        }
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel}");
        assert!(!panel["description"].as_str().unwrap().is_empty(), "{panel}");
        for target in panel["targets"].as_array().unwrap() {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{panel}");
            let query = target["expr"].as_str().unwrap();
            assert_eq!(query.matches('(').count(), query.matches(')').count(), "{query}");
        }
    }
    for kind in ["row", "stat", "timeseries"] {
        assert!(panels.iter().any(|panel| panel["type"] == kind), "{kind}");
    }
}
