//! `[[auth.clients]]`.

use std::num::NonZeroU32;

use super::{Variables, parse};
use crate::config::{AccessScope, Auth, KeyHash, RateLimit, read};

/// What a key hashes to, in the form of the config.
fn hash(key: &str) -> String {
    KeyHash::of(key).to_string()
}

fn auth(text: &str, env: Variables<'_>) -> Result<Auth, String> {
    let text = format!("{text}\n[connections.bsa]\n[connections.carbon]\n");
    read(&parse(&text, env).unwrap(), |_, _, _| Some(()))
        .map(|(config, _)| config.auth)
        .map_err(|problems| problems.to_string())
}

/// A client that is fine but for what is added.
fn client(more: &str) -> String {
    format!(
        "[[auth.clients]]\nid = 'one'\nkey_hash = '{}'\nscopes = ['loans:read']\nconnections = ['*']\n{more}\n",
        hash("one")
    )
}

#[test]
fn everything_a_client_can_have() {
    let text = format!(
        "[[auth.clients]]
        id = 'underwriting'
        key_hash = '{}'
        scopes = ['loans:read', 'personal:read', 'customers:write', 'metrics:read', 'loans:read']
        connections = ['*']
        rate_limit = {{ per_second = 50, burst = 100 }}
        max_concurrency = 8
        [[auth.clients]]
        id = 'Collections.2'
        key_hashes = ['{}', '{}']
        scopes = ['loans:read']
        connections = ['carbon', 'bsa', 'carbon']
        rate_limit.per_second = 5",
        hash("a"),
        hash("b"),
        hash("c")
    );
    let auth = auth(&text, &[]).unwrap();
    let [first, second] = auth.clients.as_slice() else {
        panic!("{auth:?}");
    };
    assert_eq!(
        (first.id.as_str(), second.id.as_str()),
        ("underwriting", "Collections.2")
    );
    assert_eq!(first.keys, [KeyHash::of("a")]);
    assert_eq!(second.keys, [KeyHash::of("b"), KeyHash::of("c")]);
    assert_eq!(
        first.scopes,
        [
            AccessScope::LoansRead,
            AccessScope::PersonalRead,
            AccessScope::CustomersWrite,
            AccessScope::MetricsRead
        ]
    );
    assert_eq!(first.connections, None);
    assert_eq!(
        second.connections,
        Some(vec!["bsa".to_owned(), "carbon".to_owned()])
    );
    let count = |number| NonZeroU32::new(number).unwrap();
    let rate = |per_second, burst| {
        Some(RateLimit {
            per_second: count(per_second),
            burst: count(burst),
        })
    };
    assert_eq!((first.rate_limit, second.rate_limit), (rate(50, 100), rate(5, 5)));
    assert_eq!((first.max_concurrency, second.max_concurrency), (Some(8), None));
}

#[test]
fn the_default_mode_needs_a_client_and_says_how_to_get_one() {
    for text in ["", "auth.mode = 'api_key'", "auth.clients = []"] {
        let shown = auth(text, &[]).unwrap_err();
        assert_eq!(shown.lines().count(), 1, "{shown}");
        assert!(shown.starts_with("auth.clients: "), "{shown}");
        for word in [
            "loangate hash-key --new",
            "[[auth.clients]]",
            "auth.mode = \"none\"",
        ] {
            assert!(shown.contains(word), "{shown}");
        }
    }
}

#[test]
fn every_problem_of_every_client_at_once_and_nothing_of_a_key() {
    let same = hash("same");
    let text = format!(
        "[[auth.clients]]
        id = 'one two'
        key_hash = 'SECRET-mark-of-a-key-in-the-wrong-place'
        scopes = ['loans:write', 'loans:read']
        connections = ['bsa', 'Carbon']
        rate_limit = {{ per_second = 0, brust = 1 }}
        [[auth.clients]]
        id = 'two'
        key_hash = '{same}'
        key_hashes = ['{same}', 'SECRET-mark']
        scopes = []
        connections = ['*', 'bsa']
        rate_limit = {{ burst = 3 }}
        max_concurrency = 0
        colour = 'SECRET-mark'
        [[auth.clients]]
        id = 'two'
        key_hash = '{same}'
        scope = ['loans:read']
        [[auth.clients]]
        key_hashes = []
        rate_limit = 5
        scopes = 'loans:read'
        connections = []"
    );
    assert_eq!(
        auth(&text, &[]).unwrap_err(),
        "auth.clients.0.connections: entry 2 is no connection of this config; there are bsa, carbon\n\
         auth.clients.0.id: must be 1 to 64 letters, digits, _, - and ., beginning with a letter or digit\n\
         auth.clients.0.key_hash: must be what `loangate hash-key` prints: sha256: and 64 hex digits\n\
         auth.clients.0.rate_limit.brust: unknown key (did you mean auth.clients.0.rate_limit.burst?)\n\
         auth.clients.0.rate_limit.per_second: must be a whole number from 1 to 1000000\n\
         auth.clients.0.scopes: entry 1 must be one of loans:read, personal:read, customers:write, metrics:read\n\
         auth.clients.1.colour: unknown key\n\
         auth.clients.1.connections: must be [\"*\"] alone, or ids of connections\n\
         auth.clients.1.key_hashes: entry 1 is there already; a key belongs to one client, once\n\
         auth.clients.1.key_hashes: entry 2 must be what `loangate hash-key` prints: sha256: and 64 hex digits\n\
         auth.clients.1.max_concurrency: must be a whole number from 1 to 1000000\n\
         auth.clients.1.rate_limit.per_second: is required\n\
         auth.clients.1.scopes: must have at least one of loans:read, personal:read, customers:write, metrics:read\n\
         auth.clients.2.connections: is required: ids of connections, or [\"*\"] for all\n\
         auth.clients.2.id: is the id of another client as well\n\
         auth.clients.2.key_hash: is there already; a key belongs to one client, once\n\
         auth.clients.2.scope: unknown key (did you mean auth.clients.2.scopes?)\n\
         auth.clients.2.scopes: must have at least one of loans:read, personal:read, customers:write, metrics:read\n\
         auth.clients.3.id: is required\n\
         auth.clients.3.key_hashes: must have at least one hash\n\
         auth.clients.3.rate_limit: must be a table\n\
         auth.clients.3.scopes: must be a list of strings, none of them empty\n\
         auth.clients.3.scopes: must have at least one of loans:read, personal:read, customers:write, metrics:read"
    );
}

#[test]
fn clients_are_an_array_of_tables_and_nothing_else_is() {
    for text in [
        "auth.clients = 1",
        "auth.clients = ['one']",
        "[auth.clients]\nid = 'one'",
        "[auth.clients.0]\nid = 'one'",
    ] {
        assert_eq!(
            auth(text, &[]).unwrap_err(),
            "auth.clients: must be an array of tables, each beginning with [[auth.clients]]",
            "{text}"
        );
    }
    for text in ["[[server]]\nlisten = '127.0.0.1:80'", "[[cursor]]"] {
        let shown = auth(&format!("{text}\n{}", client("")), &[]).unwrap_err();
        assert!(shown.ends_with(": must be a table"), "{shown}");
    }
}

#[test]
fn variables_reach_into_the_array_and_may_be_all_of_it() {
    let one = hash("new");
    let env = [
        ("LOANGATE__AUTH__CLIENTS__0__KEY_HASH", one.as_str()),
        ("LOANGATE__AUTH__CLIENTS__0__CONNECTIONS", "bsa, carbon"),
        ("LOANGATE__AUTH__CLIENTS__0__RATE_LIMIT__PER_SECOND", "3"),
    ];
    let read = auth(&client(""), &env).unwrap();
    assert_eq!(read.clients[0].keys, [KeyHash::of("new")]);
    assert_eq!(read.clients[0].connections.as_ref().unwrap().len(), 2);
    assert_eq!(read.clients[0].rate_limit.unwrap().burst.get(), 3);

    let several = format!("{},{}", hash("a"), hash("b"));
    let names = ["ID", "SCOPES", "CONNECTIONS", "KEY_HASHES"]
        .map(|key| format!("LOANGATE__AUTH__CLIENTS__10__{key}"));
    let values = ["alone", "loans:read", "*", several.as_str()];
    let env: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(values).collect();
    let read = auth("", &env).unwrap();
    assert_eq!(
        (read.clients[0].id.as_str(), read.clients[0].keys.len()),
        ("alone", 2)
    );

    let shown = auth(&client(""), &[("LOANGATE__AUTH__CLIENTS__X__ID", "two")]).unwrap_err();
    assert_eq!(
        shown,
        "auth.clients.x.id: unknown key (from LOANGATE__AUTH__CLIENTS__X__ID)"
    );
    let shown = auth(&client(""), &[("LOANGATE__AUTH__CLIENTS__0", "two")]).unwrap_err();
    assert!(shown.contains("names a table"), "{shown}");
}

#[test]
fn a_hash_may_be_in_a_file_or_a_variable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hashes");
    std::fs::write(&path, format!("{}\n{}\n", hash("a"), hash("b"))).unwrap();
    let text = client("").replace("key_hash =", "key_hash_env = 'HASH' #");
    let text = format!("{text}key_hashes_file = {path:?}");
    let read = auth(&text, &[("HASH", &hash("c"))]).unwrap();
    assert_eq!(
        read.clients[0].keys,
        [KeyHash::of("c"), KeyHash::of("a"), KeyHash::of("b")]
    );
}

#[test]
fn clients_without_effect_are_a_warning() {
    let text = format!("[auth]\nmode = 'none'\n{}[connections.bsa]\n", client(""));
    let (config, _) = read(&parse(&text, &[]).unwrap(), |_, _, _| Some(())).unwrap();
    assert_eq!(config.warnings.len(), 1);
    assert!(
        config.warnings[0].contains("auth.clients has no effect"),
        "{config:?}"
    );
    assert!(!format!("{config:?}").contains(&hash("one")));
}
