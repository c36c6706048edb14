use std::time::Duration;

use super::{Variables, parse};
use crate::config::{
    AuthMode, CacheBackend, Config, ConnectionSettings, Document, LogFormat, StorePlace, connection_settings,
    read,
};

const NONE: (&str, &str) = ("LOANGATE__AUTH__MODE", "none");

fn config(text: &str, env: Variables<'_>) -> Result<Config, String> {
    let document = parse(text, env).unwrap();
    read(&document, |_, _, _| Some(()))
        .map(|(config, _)| config)
        .map_err(|problems| problems.to_string())
}

fn settings(text: &str) -> Result<ConnectionSettings, String> {
    let document = parse(&format!("[connections.x]\n{text}"), &[NONE]).unwrap();
    read(&document, |_, _, section| Some(connection_settings(section)))
        .map(|(_, mut connections)| connections.remove(0))
        .map_err(|problems| problems.to_string())
}

#[test]
fn defaults() {
    let config = config("", &[NONE]).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server.base_path, "");
    assert_eq!(config.server.trusted_proxies, []);
    assert_eq!(config.server.deadline, Duration::from_secs(10));
    assert_eq!(config.server.drain_delay, Duration::from_millis(500));
    assert_eq!(config.server.shutdown_grace, Duration::from_secs(20));
    assert_eq!(config.server.max_in_flight, 1024);
    assert_eq!(config.auth.mode, AuthMode::None);
    assert!(!config.auth.allow_insecure);
    assert_eq!(config.limits.max_gathered, 10_000);
    assert_eq!(config.limits.max_pages_per_source, 10_000);
    assert_eq!(config.limits.upstream_body, 8 << 20);
    assert_eq!(config.limits.upstream_in_flight, 64 << 20);
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.log.filter, "info");
    assert_eq!(config.cache.max_age, Duration::from_secs(30));
    assert_eq!(config.cache.stale_if_error, Duration::from_mins(10));
    assert_eq!(config.cache.backend, CacheBackend::Memory);
    assert_eq!(config.cursor.ttl, Duration::from_mins(15));
    assert_eq!(config.warnings, ["no connections configured"]);
}

#[test]
fn connection_defaults() {
    let settings = settings("").unwrap();
    assert_eq!(settings.timeout, Duration::from_secs(5));
    assert_eq!(settings.connect_timeout, Duration::from_secs(2));
    assert_eq!(settings.page_size, None);
    assert_eq!(settings.max_concurrency, 64);
    assert_eq!(settings.requests_per_second, None);
    assert_eq!(settings.retry.attempts, 3);
    assert_eq!(settings.retry.base, Duration::from_millis(100));
    assert_eq!(settings.retry.max, Duration::from_secs(2));
    assert_eq!(settings.circuit.failures, 5);
    assert_eq!(settings.circuit.open_for, Duration::from_secs(10));
    assert!(!settings.allow_http);
    assert!(settings.references.is_empty());
}

#[test]
fn references_stay_out_of_logs() {
    let settings = settings("references = ['consent:123']").unwrap();
    assert_eq!(settings.references, ["consent:123"]);
    assert!(!format!("{settings:?}").contains("123"));
}

#[test]
fn mode_none_only_on_loopback() {
    for (listen, allowed) in [
        ("127.0.0.1:0", true),
        ("127.9.9.9:80", true),
        ("[::1]:80", true),
        ("[::ffff:127.0.0.1]:80", true),
        ("0.0.0.0:80", false),
        ("[::]:80", false),
        ("192.168.0.1:80", false),
    ] {
        let text = format!("server.listen = '{listen}'\n[auth]\nmode = 'none'\n");
        let read = config(&text, &[]);
        assert_eq!(read.is_ok(), allowed, "{listen}");
        if let Err(shown) = read {
            assert!(
                shown.starts_with("auth.mode: \"none\" lets everyone in"),
                "{shown}"
            );
        }
        assert!(
            config(&format!("{text}allow_insecure = true"), &[]).is_ok(),
            "{listen}"
        );
    }
    let moved = [NONE, ("LOANGATE__SERVER__LISTEN", "0.0.0.0:80")];
    assert!(config("", &moved).is_err(), "the overridden address counts");
}

#[test]
fn what_is_shared_needs_an_address_and_keys() {
    let text = "
        [cache]
        backend = 'redis'
    ";
    assert_eq!(
        config(text, &[NONE]).unwrap_err(),
        "cache.keys: is required with backend = \"redis\" (give keys, keys_file or keys_env)\n\
         cache.redis_url: is required with backend = \"redis\" (give redis_url, redis_url_file or redis_url_env)\n\
         cursor.keys: is required with cache.backend = \"redis\": each gateway has to read the cursors of the others"
    );
    let keys = [NONE, ("LOANGATE__CACHE__KEYS", "0123456789abcdef0123456789abcde")];
    assert_eq!(
        config("", &keys).unwrap_err(),
        "cache.keys: each must have at least 32 characters (from LOANGATE__CACHE__KEYS)"
    );
    let whole = [
        NONE,
        ("LOANGATE__CACHE__REDIS_URL", "redis://127.0.0.1:6379"),
        (
            "LOANGATE__CACHE__KEYS",
            "0123456789abcdef0123456789abcdef,fedcba9876543210fedcba9876543210",
        ),
        ("LOANGATE__CURSOR__KEYS", "0123456789abcdef"),
    ];
    let config = config(text, &whole).unwrap();
    assert_eq!(config.cache.backend, CacheBackend::Redis);
    assert_eq!(config.cache.redis_timeout, Duration::from_millis(50));
    assert_eq!(config.cache.keys.len(), 2);
    let shown = format!("{config:?}");
    assert!(!shown.contains("0123") && !shown.contains("6379"), "{shown}");
}

#[test]
fn an_empty_store_is_a_file_and_its_address_is_a_secret() {
    let of = |text: &str, variables: &[(&str, &str)]| {
        let variables: Vec<(&str, &str)> = [&[NONE][..], variables].concat();
        config(text, &variables).map(|config| config.store)
    };
    assert_eq!(of("", &[]).unwrap(), None);
    let file = of("[store]", &[]).unwrap().unwrap();
    let StorePlace::File(path) = &file.place else {
        panic!("a file");
    };
    assert_eq!(path.to_str(), Some("loangate.db"));
    assert_eq!((file.max_connections, file.timeout), (16, Duration::from_secs(3)));
    assert_eq!(
        of("[store]\nurl = 'sqlite:loangate.db'", &[]).unwrap(),
        Some(file)
    );

    let url = "postgres://loangate:SECRET-mark@db/loangate";
    let server = of("[store]\nurl_env = 'THE_URL'", &[("THE_URL", url)])
        .unwrap()
        .unwrap();
    assert!(matches!(server.place, StorePlace::Server(_)));
    assert!(!format!("{server:?}").contains("SECRET"), "{server:?}");
    assert_eq!(of("", &[("LOANGATE__STORE__URL", url)]).unwrap(), Some(server));

    let wrong = of(
        "[store]\nurl_env = 'THE_URL'\nmax_connections = 0\npool = 3",
        &[("THE_URL", "SECRET-mark")],
    );
    let wrong = wrong.unwrap_err();
    for line in [
        "store.url_env: must be sqlite://",
        "store.max_connections: ",
        "store.pool: unknown key",
    ] {
        assert!(wrong.contains(line), "{wrong}");
    }
    assert!(!wrong.contains("SECRET"), "{wrong}");
}

#[test]
fn ranges_and_rules() {
    for (text, key) in [
        ("server.listen = 'localhost:80'", "server.listen"),
        ("server.listen = '127.0.0.1'", "server.listen"),
        ("server.deadline = '249ms'", "server.deadline"),
        ("server.deadline = '301s'", "server.deadline"),
        ("server.max_in_flight = 0", "server.max_in_flight"),
        ("server.base_path = 'x'", "server.base_path"),
        ("server.base_path = '/'", "server.base_path"),
        ("server.base_path = '/x/'", "server.base_path"),
        ("server.base_path = '/a//b'", "server.base_path"),
        ("server.base_path = '/../b'", "server.base_path"),
        ("server.base_path = '/{a}'", "server.base_path"),
        ("server.trusted_proxies = '10.0.0.7'", "server.trusted_proxies"),
        ("server.trusted_proxies = ['proxy']", "server.trusted_proxies"),
        (
            "server.trusted_proxies = ['10.0.0.7/8']",
            "server.trusted_proxies",
        ),
        (
            "server.trusted_proxies = ['10.0.0.0/33']",
            "server.trusted_proxies",
        ),
        (
            "server.trusted_proxies = ['10.0.0.7:80']",
            "server.trusted_proxies",
        ),
        ("limits.max_gathered = 0", "limits.max_gathered"),
        ("limits.upstream_body = '2GiB'", "limits.upstream_body"),
        ("limits.upstream_in_flight = '7MiB'", "limits.upstream_in_flight"),
        ("log.format = 'xml'", "log.format"),
        ("log.filter = 'loangate=loud'", "log.filter"),
        ("log.filter = 'warning'", "log.filter"),
        ("log.filter = 'info,'", "log.filter"),
        ("log.filter = ''", "log.filter"),
        ("cache.max_age = '2h'", "cache.max_age"),
        ("cursor.ttl = '0s'", "cursor.ttl"),
        ("connections = 1", "connections"),
        ("connections.x = 1", "connections.x"),
    ] {
        let shown = config(text, &[NONE]).unwrap_err();
        assert_eq!(shown.lines().count(), 1, "{shown}");
        assert!(shown.starts_with(&format!("{key}: ")), "{shown}");
    }
    for (text, key) in [
        ("timeout = '9ms'", "timeout"),
        ("connect_timeout = '61s'", "connect_timeout"),
        ("page_size = 201", "page_size"),
        ("max_concurrency = 0", "max_concurrency"),
        ("retry.attempts = 11", "retry.attempts"),
        ("retry.base = '3s'", "retry.max"),
        ("circuit.failures = 0", "circuit.failures"),
        ("circuit.open_for = '99ms'", "circuit.open_for"),
        ("retry.attemps = 1", "retry.attemps"),
    ] {
        let shown = settings(text).unwrap_err();
        assert!(shown.starts_with(&format!("connections.x.{key}: ")), "{shown}");
    }
    assert_eq!(
        config("server.base_path = '/a/b-1.2'", &[NONE])
            .unwrap()
            .server
            .base_path,
        "/a/b-1.2"
    );
    assert!(config("log.filter = 'warn,loangate=debug'", &[NONE]).is_ok());
    assert_eq!(
        config("cache.max_age = '0s'", &[NONE]).unwrap().cache.max_age,
        Duration::ZERO
    );
}

#[test]
fn connections_come_in_order_with_everything_wrong_at_once() {
    let text = "
        auth.mode = 'none'
        [connections.zeta]
        provider = 'p'
        [connections.alpha-1]
        provider = 'p'
    ";
    let document = parse(text, &[("LOANGATE__CONNECTIONS__MID__PROVIDER", "p")]).unwrap();
    let (config, ids) = read(&document, |_, id, section| {
        assert_eq!(section.path(), format!("connections.{id}"));
        (section.require_string("provider") == "p").then(|| id.to_owned())
    })
    .unwrap();
    assert_eq!(ids, ["alpha-1", "mid", "zeta"]);
    assert!(config.warnings.is_empty());

    let long = "a".repeat(33);
    let text = format!(
        "auth.mode = 'none'\nserver.deadline = 1\nconnections.Bsa.wrong = 1\nconnections._x = {{}}\n\
         connections.{long} = {{}}\nconnections.fine.wrong = 1\nconnections.\"a.b\" = {{}}"
    );
    let failed = read(&parse(&text, &[]).unwrap(), |_, _, _| Some(())).unwrap_err();
    let keys: Vec<&str> = failed.0.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "connections.\"a.b\"",
            "connections.Bsa",
            "connections.Bsa.wrong",
            "connections._x",
            &format!("connections.{long}"),
            "connections.fine.wrong",
            "server.deadline",
        ]
    );
}

#[test]
fn files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.toml");
    let shown = Document::load(Some(&path), []).unwrap_err().to_string();
    assert_eq!(
        shown,
        format!("{}: cannot be read: entity not found", path.display())
    );
    std::fs::write(&path, b"a = '\xff'").unwrap();
    let shown = Document::load(Some(&path), []).unwrap_err().to_string();
    assert_eq!(shown, format!("{}: is not UTF-8 text", path.display()));
    std::fs::write(&path, "\n[auth").unwrap();
    let shown = Document::load(Some(&path), []).unwrap_err().to_string();
    assert!(
        shown.starts_with(&format!("{}: line 2, column 6: ", path.display())),
        "{shown}"
    );
    std::fs::write(&path, "auth.mode = 'none'").unwrap();
    let document = Document::load(Some(&path), []).unwrap();
    assert!(read(&document, |_, _, _| Some(())).is_ok());
    let nothing = Document::load(None, [(NONE.0.to_owned(), NONE.1.to_owned())]).unwrap();
    assert!(read(&nothing, |_, _, _| Some(())).is_ok());
}
