//! The files below `config/` are documentation, and documentation is wrong unless it is read.

use super::{Variables, parse};
use crate::config::gateway::whole;
use crate::config::{ConnectionSettings, Limits, Problems, Section, connection_settings, read};

const DEFAULT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config/default.toml"));
const EXAMPLE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config/example.toml"));

/// The one default that nobody can run with, because it needs clients.
const NONE: Variables<'_> = &[("LOANGATE__AUTH__MODE", "none")];

/// What default.toml refers to.
const SURROUNDINGS: Variables<'_> = &[
    ("LOANGATE__CONNECTIONS__BSA__PASSWORD", "word"),
    ("LOANGATE__CONNECTIONS__CORE__PASSWORD", "word"),
    ("GOSCORE_SECRET_KEY", "word"),
];

/// Turns on every setting that is off: `#key = …`, as against the remark `# …`.
fn uncommented(text: &str) -> String {
    text.lines()
        .map(|line| {
            line.strip_prefix('#')
                .filter(|rest| !rest.starts_with([' ', '#']))
                .unwrap_or(line)
        })
        .fold(String::new(), |text, line| text + line + "\n")
}

/// The keys of each provider, as a provider would read them.
fn connection(_: &Limits, id: &str, section: &mut Section<'_>) -> Option<(String, ConnectionSettings)> {
    let provider = if id == "core" { "fineract" } else { id };
    assert_eq!(section.require_string("provider"), provider);
    section.base_url("base_url", None);
    match id {
        "goscore" => {
            section.require_string("client_id");
            section.require_secret("secret_key");
        }
        "carbon" => {
            section.require_secret("api_key");
            section.require_secret("carbon_key");
            section.choice("amount_unit", 0, &[("minor", 1), ("major", 2)]);
            section.require_string("currency");
        }
        "bsa" => {
            section.base_url("auth_url", None);
            section.require_string("email");
            section.require_secret("password");
        }
        "belvo" => {
            section.require_string("key_id");
            section.require_secret("key_secret");
            section.require_string("currency");
        }
        "core" => {
            section.require_string("flavour");
            section.require_string("username");
            section.require_secret("password");
            section.require_string("tenant");
        }
        "fineract" => {
            section.choice("flavour", 0, &[("wrapper", 1)]);
            section.require_string("api_version");
            section.require_secret("token");
            section.require_string("language");
        }
        _ => return None,
    }
    Some((id.to_owned(), connection_settings(section)))
}

fn keys(problems: &Problems) -> Vec<&str> {
    problems.0.iter().map(|problem| problem.key.as_str()).collect()
}

#[test]
fn default_is_what_an_empty_file_means() {
    let (written, _) = read(&parse(DEFAULT, NONE).unwrap(), connection).unwrap();
    let (empty, _) = read(&parse("", NONE).unwrap(), connection).unwrap();
    assert_eq!(written, empty);
    for text in [DEFAULT, ""] {
        let failed = read(&parse(text, &[]).unwrap(), connection).unwrap_err();
        assert_eq!(keys(&failed), ["auth.clients"]);
    }
}

#[test]
fn default_explains_every_connection() {
    let text = uncommented(DEFAULT);
    let (config, connections) = read(&parse(&text, SURROUNDINGS).unwrap(), connection).unwrap();
    // One file cannot have use for both.
    let [idle] = config.warnings.as_slice() else {
        panic!("{:?}", config.warnings);
    };
    assert!(idle.contains("auth.jwt has no effect"), "{idle}");
    assert_eq!(config.auth.clients.len(), 2);
    assert!(config.auth.jwt.is_some());
    let ids: Vec<&str> = connections.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["belvo", "bsa", "carbon", "core", "fineract", "goscore"]);

    let settings = |id: &str| connections.iter().find(|(name, _)| name == id).unwrap().1.clone();
    let written = settings("fineract");
    assert_eq!(written.page_size, Some(100));
    assert_eq!(written.requests_per_second, Some(20));
    assert_eq!(written.references, ["loan:123"]);
    // What is written for fineract and left out for carbon is the same: the defaults.
    assert_eq!(
        ConnectionSettings {
            page_size: None,
            requests_per_second: None,
            references: vec![],
            ..written
        },
        settings("carbon")
    );
}

/// One table with every key of the tables of an array.
fn merged(array: &toml::Value) -> toml::Value {
    let tables = array
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(toml::Value::as_table);
    toml::Value::Table(tables.flat_map(Clone::clone).collect())
}

#[test]
fn default_leaves_no_key_out() {
    let text = uncommented(DEFAULT);
    let given: toml::Table = toml::from_str(&text).unwrap();
    let is_given = |path: &str| {
        let mut parts = path.split('.');
        let first = parts.next().and_then(|key| given.get(key));
        let below = |value: &'_ toml::Value, key: &str| match (value, key.parse::<usize>()) {
            // What one table of an array explains, the others may leave out.
            (toml::Value::Array(_), Ok(0)) => Some(merged(value)),
            (toml::Value::Array(_), _) => None,
            _ => value.get(key).cloned(),
        };
        parts
            .try_fold(first?.clone(), |value, key| below(&value, key))
            .map(|_| ())
    };
    let (_, ledger) = parse(&text, SURROUNDINGS)
        .unwrap()
        .run(|root| whole(root, &mut connection));
    let absent: Vec<&str> = ledger
        .asked
        .iter()
        .map(String::as_str)
        // What every connection has is explained once, and so are the forms of a secret.
        .filter(|path| !path.starts_with("connections.") || path.starts_with("connections.fineract."))
        // One of several clients stands for all.
        .filter(|path| !path.starts_with("auth.clients.1"))
        .filter(|path| !path.ends_with("_file") && !path.ends_with("_env"))
        .filter(|path| is_given(path).is_none())
        .collect();
    assert!(absent.is_empty(), "{absent:?}");
}

#[test]
fn example_runs_over_the_simulators() {
    let (config, connections) = read(&parse(EXAMPLE, &[]).unwrap(), connection).unwrap();
    assert!(config.warnings.is_empty());
    assert_eq!(connections.len(), 5);
    for (_, settings) in connections {
        assert!(!settings.allow_http, "simulators are on loopback");
    }
}
