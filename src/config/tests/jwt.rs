//! `[auth.jwt]`.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{Variables, parse};
use crate::config::{Auth, AuthMode, Jwt, read};

const LEAST: &str = "[auth.jwt]
issuer = 'https://id.example.com/'
audience = 'loans'
jwks_url = 'https://id.example.com/keys/?p=one'
";

fn auth(text: &str, env: Variables<'_>) -> Result<(Auth, Vec<String>), String> {
    let text = format!("{text}\n[connections.bsa]\n");
    read(&parse(&text, env).unwrap(), |_, _, _| Some(()))
        .map(|(config, _)| (config.auth, config.warnings))
        .map_err(|problems| problems.to_string())
}

fn jwt(text: &str, env: Variables<'_>) -> Result<Jwt, String> {
    let (auth, warnings) = auth(&format!("auth.mode = 'jwt'\n{text}"), env)?;
    assert_eq!(auth.mode, AuthMode::Jwt);
    assert_eq!(warnings, Vec::<String>::new());
    Ok(auth.jwt.unwrap())
}

#[test]
fn three_keys_are_enough() {
    let jwt = jwt(LEAST, &[]).unwrap();
    assert_eq!(jwt.issuer, "https://id.example.com/");
    assert_eq!(jwt.audiences, ["loans"]);
    assert_eq!(jwt.jwks_url.as_str(), "https://id.example.com/keys/?p=one");
    let claims = [&jwt.client_claim, &jwt.scope_claim, &jwt.connections_claim];
    assert_eq!(claims, ["client_id", "scope", "loangate_connections"]);
    assert_eq!(jwt.leeway, Duration::from_secs(30));
    assert_eq!(jwt.jwks_max_age, Duration::from_mins(5));
    assert_eq!(jwt.jwks_stale_if_error, Duration::from_hours(1));
    assert_eq!(jwt.jwks_min_pause, Duration::from_secs(10));
    assert_eq!(jwt.jwks_timeout, Duration::from_secs(3));
    assert_eq!((jwt.rate_limit, jwt.max_concurrency), (None, None));
}

#[test]
fn several_audiences_limits_and_variables() {
    let several = LEAST.replace("'loans'", "['loans', 'https://loans.example.com']");
    let text = format!("{several}rate_limit.per_second = 5\nmax_concurrency = 2\n");
    let read = jwt(&text, &[]).unwrap();
    assert_eq!(read.audiences, ["loans", "https://loans.example.com"]);
    let five = NonZeroU32::new(5).unwrap();
    let limit = read.rate_limit.unwrap();
    assert_eq!((limit.per_second, limit.burst), (five, five));
    assert_eq!(read.max_concurrency, Some(2));

    let env = [
        ("LOANGATE__AUTH__JWT__ISSUER", "me"),
        ("LOANGATE__AUTH__JWT__AUDIENCE", "one, two"),
        ("LOANGATE__AUTH__JWT__JWKS_URL", "http://10.0.0.1/keys"),
        ("LOANGATE__AUTH__JWT__ALLOW_HTTP", "true"),
        ("LOANGATE__AUTH__JWT__RATE_LIMIT__PER_SECOND", "7"),
    ];
    let read = jwt("", &env).unwrap();
    assert_eq!((read.issuer.as_str(), read.audiences.len()), ("me", 2));
    assert_eq!(read.rate_limit.unwrap().burst.get(), 7);
}

#[test]
fn the_mode_needs_the_table_and_the_table_the_mode() {
    let shown = auth("auth.mode = 'jwt'", &[]).unwrap_err();
    assert_eq!(
        shown,
        "auth.jwt: is required with auth.mode = \"jwt\": [auth.jwt] with issuer, audience and jwks_url of the \
         identity provider"
    );
    let (_, warnings) = auth(&format!("auth.mode = 'none'\n{LEAST}"), &[]).unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].ends_with("auth.jwt has no effect"), "{warnings:?}");
    let clients = "[[auth.clients]]
        id = 'one'
        key_hash = 'sha256:5c51dd20a4c5bd6f36a1ea6ab3e4b5d1d9ebd6f54a9d2d6a0f4a3b4e8c1f7d20'
        scopes = ['loans:read']
        connections = ['*']";
    let (_, warnings) = auth(&format!("auth.mode = 'jwt'\n{LEAST}{clients}"), &[]).unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].ends_with("auth.clients has no effect"),
        "{warnings:?}"
    );
}

/// In every mode: who prepares a change of mode hears of it before.
#[test]
fn everything_that_is_wrong_at_once() {
    let wrong = "[auth.jwt]
        audience = []
        jwks_uri = 'https://id.example.com/keys'
        client_claim = ''
        scope_claim = 'same'
        connections_claim = 'same'
        leeway = '6m'
        jwks_max_age = '5s'
        jwks_timeout = '0s'
        jwks_stale_if_error = 'never'
        rate_limit = { burst = 2 }
        max_concurrency = 0
        secret = 'SECRET-mark'";
    for mode in ["jwt", "none"] {
        assert_eq!(
            auth(&format!("auth.mode = '{mode}'\n{wrong}"), &[]).unwrap_err(),
            "auth.jwt.audience: must be a string or a list of strings, none of them empty\n\
             auth.jwt.client_claim: must be the name of a claim\n\
             auth.jwt.connections_claim: must not be the claim that another key names\n\
             auth.jwt.issuer: is required\n\
             auth.jwt.jwks_min_pause: must not be more than jwks_max_age: keys could not be fetched again in time\n\
             auth.jwt.jwks_stale_if_error: must be a duration from \"0s\" to \"24h\" (a whole number and ms, s, m or h)\n\
             auth.jwt.jwks_timeout: must be a duration from \"100ms\" to \"30s\" (a whole number and ms, s, m or h)\n\
             auth.jwt.jwks_uri: unknown key (did you mean auth.jwt.jwks_url?)\n\
             auth.jwt.jwks_url: is required\n\
             auth.jwt.leeway: must be a duration from \"0s\" to \"5m\" (a whole number and ms, s, m or h)\n\
             auth.jwt.max_concurrency: must be a whole number from 1 to 1000000\n\
             auth.jwt.rate_limit.per_second: is required\n\
             auth.jwt.secret: unknown key"
        );
    }
    for (url, detail) in [
        (
            "http://id.example.com/keys",
            "must be https (or a loopback host, or set allow_http = true)",
        ),
        (
            "https://a:b@id.example.com/keys",
            "must not hold a user name or password",
        ),
        ("https://id.example.com/keys#a", "must not have a fragment"),
        (
            "id.example.com",
            "must be a URL such as \"https://api.example.com/v1\"",
        ),
    ] {
        let text = LEAST.replace("https://id.example.com/keys/?p=one", url);
        assert_eq!(
            jwt(&text, &[]).unwrap_err(),
            format!("auth.jwt.jwks_url: {detail}")
        );
    }
    for (audience, fine) in [
        ("1", false),
        ("''", false),
        ("['']", false),
        ("['a', 1]", false),
        ("['a']", true),
    ] {
        let read = jwt(&LEAST.replace("'loans'", audience), &[]);
        assert_eq!(read.is_ok(), fine, "{audience}");
    }
    assert!(
        auth("auth.mode = 'jwt'\nauth.jwt = 1", &[])
            .unwrap_err()
            .contains("auth.jwt: must be a table")
    );
}
