//! Good tokens, and every kind of bad one.

use aws_lc_rs::signature::{RSA_PKCS1_SHA512, RSA_PSS_SHA256};
use hmac::{Hmac, KeyInit as _, Mac as _};
use loangate::sim::World;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use super::super::{bearer, calls};
use super::{assert_refused, small, trusting};
use crate::support::Setup;
use crate::support::identity::{
    AUDIENCE, ISSUER, IdentityProvider, Key, Says, claims, ec, ed, encoded, other_rsa, published, rsa,
    seconds,
};

/// The claims of `one`, with one of them as this; null takes it out.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims("one");
    let members = claims.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    claims
}

/// A header with one member as this.
fn header(key: &Key, name: &str, value: Value) -> String {
    let mut header = key.header();
    header[name] = value;
    header.to_string()
}

#[tokio::test]
async fn a_token_of_each_algorithm_opens() {
    let keys = [
        rsa("rsa"),
        ec("ec"),
        ed("ed"),
        ec("x").nameless(),
        ec("y").nameless(),
    ];
    let all: Vec<&Key> = keys.iter().collect();
    let provider = IdentityProvider::start(Says::keys(&all)).await;
    let gateway = trusting(Setup::all(&World::documents()), &provider).start().await;
    for key in &keys {
        let answer = bearer(&gateway, &key.token(&claims("one")), "/loans").await;
        answer.assert_complete();
        assert_eq!(answer.loans().len(), 12);
        assert_eq!(answer.header("ratelimit"), "");
        assert_eq!(answer.header("www-authenticate"), "");
    }
    let key = &keys[1];
    let lower = format!("bearer {}", key.token(&claims("one")));
    let answer = gateway
        .send(Method::GET, "/connections", &[("authorization", &lower)], None)
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "private, no-cache");

    let half_a_minute = [("exp", json!(seconds(-20))), ("nbf", json!(seconds(20)))];
    for (name, value) in [
        ("aud", json!([AUDIENCE])),
        ("aud", json!(["elsewhere", AUDIENCE])),
        ("aud", json!("other")),
        ("exp", json!(4_102_444_800.5)),
        ("nbf", json!(seconds(-600))),
        ("iat", json!(seconds(600))),
        ("anything", json!({"else": [1, null, {"exp": 1}]})),
    ]
    .into_iter()
    .chain(half_a_minute)
    {
        let token = key.token(&with(name, value));
        let answer = bearer(&gateway, &token, "/connections").await;
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
    }
    for typ in [
        json!("at+jwt"),
        json!("application/at+jwt"),
        json!("jwt"),
        Value::Null,
    ] {
        let token = key.sign(&header(key, "typ", typ.clone()), &claims("one").to_string());
        assert_eq!(
            bearer(&gateway, &token, "/connections").await.status,
            200,
            "{typ}"
        );
    }
    assert_eq!(provider.asked(), 1);
    let heads = provider.heads();
    assert!(heads[0].starts_with("GET /keys HTTP/1.1\r\n"), "{heads:?}");
    assert!(!heads[0].to_lowercase().contains("authorization"), "{heads:?}");
}

type Cases = Vec<(&'static str, String)>;

/// Parts of a good token, and no good token.
fn broken(key: &Key) -> Cases {
    let good = key.token(&claims("one"));
    let parts: Vec<&str> = good.split('.').collect();
    let [head, body, signature] = parts.as_slice() else {
        unreachable!();
    };
    let more = encoded(with("scope", json!("loans:read SECRET-mark")).to_string());
    let other = encoded(header(key, "x", json!(1)));
    vec![
        ("nothing", "SECRET-mark".to_owned()),
        ("dots", "..".to_owned()),
        ("no signature", format!("{head}.{body}.")),
        ("no signature at all", format!("{head}.{body}")),
        ("no header", format!(".{body}.{signature}")),
        ("four parts", format!("{good}.{signature}")),
        ("five parts", format!("{good}..{signature}")),
        ("padding", format!("{good}==")),
        ("half a signature", good[..good.len() - 40].to_owned()),
        ("other claims", format!("{head}.{more}.{signature}")),
        ("another header", format!("{other}.{body}.{signature}")),
    ]
}

/// Tokens that say that they are signed in another way than the key they name.
fn confused(rsa: &Key, ec: &Key) -> Cases {
    let payload = claims("one").to_string();
    let message = |head: &str| format!("{}.{}", encoded(head), encoded(&payload));
    let signed_as = |algorithm: &str, how| {
        let message = message(&header(rsa, "alg", json!(algorithm)));
        format!("{message}.{}", encoded(rsa.signed(how, &message)))
    };
    let secret = |kid: &str, secret: &[u8]| {
        let message = message(&json!({"alg": "HS256", "typ": "JWT", "kid": kid}).to_string());
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        mac.update(message.as_bytes());
        format!("{message}.{}", encoded(mac.finalize().into_bytes()))
    };
    let none = |algorithm: &str| {
        let head = json!({"alg": algorithm, "typ": "JWT", "kid": "ec"}).to_string();
        format!("{}.", message(&head))
    };
    let modulus = rsa.public()["n"].as_str().unwrap().to_owned();
    let whole = rsa.public().to_string();
    let ec_in_rsa = rsa.sign(&header(rsa, "kid", json!("ec")), &payload);
    let ed_in_ec = ec.sign(&header(ec, "alg", json!("EdDSA")), &payload);
    let two = r#"{"alg":"ES256","alg":"ES256","kid":"ec"}"#;
    vec![
        ("no algorithm", none("none")),
        ("no algorithm, loudly", none("None")),
        ("the public key as a secret", secret("rsa", modulus.as_bytes())),
        ("all of it as a secret", secret("rsa", whole.as_bytes())),
        ("a published secret", secret("oct", b"SECRET-mark")),
        ("RS512", signed_as("RS512", &RSA_PKCS1_SHA512)),
        ("PS256", signed_as("PS256", &RSA_PSS_SHA256)),
        ("a key of another type", ec_in_rsa),
        ("an algorithm of another type", ed_in_ec),
        ("a header that is no object", ec.sign("[]", &payload)),
        ("no algorithm named", ec.sign(r#"{"kid":"ec"}"#, &payload)),
        ("two algorithms named", ec.sign(two, &payload)),
    ]
}

/// Tokens of keys that are not the provider's, and of its keys for something else.
fn foreign(ec: &Key, ed: &Key) -> Cases {
    let one = claims("one");
    let payload = one.to_string();
    let own = self::ec("attacker");
    let mut mine = own.header();
    mine["jwk"] = own.public();
    let mut named = mine.clone();
    named["kid"] = json!("ec");
    let mut linked = own.header();
    linked["jku"] = json!("http://127.0.0.1:1/keys");
    let typ = |key: &Key, typ: &str| key.sign(&header(key, "typ", json!(typ)), &payload);
    let extension = header(ec, "crit", json!(["exp"]));
    vec![
        ("another key under this name", self::ec("ec").token(&one)),
        ("another RSA key under this name", other_rsa("rsa").token(&one)),
        ("another Ed25519 key under this name", self::ed("ed").token(&one)),
        ("a key nobody has", own.token(&one)),
        ("a key that it brings", own.sign(&mine.to_string(), &payload)),
        ("a key under a good name", own.sign(&named.to_string(), &payload)),
        ("an address for a key", own.sign(&linked.to_string(), &payload)),
        ("a key without a name", own.nameless().token(&one)),
        ("a key that encrypts", rsa("enc").token(&one)),
        ("an extension", ec.sign(&extension, &payload)),
        ("a logout token", typ(ec, "logout+jwt")),
        ("a security event", typ(ec, "secevent+jwt")),
        ("a proof", typ(ed, "dpop+jwt")),
    ]
}

#[tokio::test]
async fn what_the_provider_did_not_sign_is_refused_and_no_upstream_hears_of_it() {
    let (rsa, ec, ed) = (rsa("rsa"), ec("ec"), ed("ed"));
    let mut set: Value = serde_json::from_str(&published(&[&rsa, &ec, &ed])).unwrap();
    let mut encrypts = self::rsa("enc").public();
    encrypts["use"] = json!("enc");
    let secret = json!({"kty": "oct", "kid": "oct", "k": encoded("SECRET-mark"), "alg": "HS256"});
    set["keys"]
        .as_array_mut()
        .unwrap()
        .extend([encrypts, secret, json!(null)]);
    let provider = IdentityProvider::start(Says::document(&set.to_string())).await;
    let gateway = trusting(Setup::all(&World::documents()), &provider).start().await;
    let good = rsa.token(&claims("one"));
    assert_eq!(bearer(&gateway, &good, "/connections").await.status, 200);
    let cases = [broken(&ec), confused(&rsa, &ec), foreign(&ec, &ed)].concat();
    for (what, token) in cases {
        assert!(token.len() <= 8 * 1024, "{what}");
        for path in ["/loans", "/loans/bsa:501", "/metrics", "/no/such/route"] {
            let answer = bearer(&gateway, &token, path).await;
            assert_eq!(answer.status, 401, "{what}");
            assert_refused(&answer);
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert_eq!(detail, "The token is not one that this gateway takes.", "{what}");
        }
    }
    assert_eq!((calls(&gateway), provider.asked()), (0, 1));
}

#[tokio::test]
async fn what_it_signed_for_another_time_or_place_is_refused() {
    let (_, key, setup) = small().await;
    let gateway = setup.start().await;
    let long = "n".repeat(129);
    for (name, value, word) in [
        ("exp", Value::Null, "exp"),
        ("exp", json!(seconds(-40)), "expired"),
        ("exp", json!(0), "expired"),
        ("exp", json!("4102444800"), "exp"),
        ("exp", json!(-1), "exp"),
        ("exp", json!([seconds(600)]), "exp"),
        ("nbf", json!(seconds(60)), "not valid yet"),
        ("nbf", json!("soon"), "cannot be read"),
        ("iss", Value::Null, "iss"),
        ("iss", json!(""), "issuer"),
        ("iss", json!("https://id.example.com/realms/other"), "issuer"),
        ("iss", json!(format!("{ISSUER}/")), "issuer"),
        ("iss", json!(ISSUER.to_uppercase()), "issuer"),
        ("iss", json!(1), "iss"),
        ("iss", json!([ISSUER]), "iss"),
        ("iss", json!(["https://elsewhere.example", ISSUER]), "iss"),
        ("aud", Value::Null, "aud"),
        ("aud", json!("https://loans.example.com/v2"), "audience"),
        ("aud", json!("https://loans"), "audience"),
        ("aud", json!([]), "audience"),
        ("aud", json!(["elsewhere"]), "audience"),
        ("aud", json!({AUDIENCE: 1}), "aud"),
        ("client_id", Value::Null, "names its client"),
        ("client_id", json!(""), "names its client"),
        ("client_id", json!(7), "names its client"),
        ("client_id", json!(long), "names its client"),
    ] {
        let token = key.token(&with(name, value.clone()));
        let answer = bearer(&gateway, &token, "/loans").await;
        assert_refused(&answer);
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(word), "{name} = {value}: {detail}");
    }
    let good = claims("one").to_string();
    let twice = good.replacen('{', r#"{"client_id":"two","#, 1);
    for payload in ["", "null", "[]", "1", "{", &good[1..], &twice, "\u{feff}{}"] {
        let token = key.sign(&key.header().to_string(), payload);
        assert_refused(&bearer(&gateway, &token, "/loans").await);
    }
    assert_eq!(calls(&gateway), 0);
}

#[tokio::test]
async fn a_token_comes_as_bearer_and_alone() {
    let (provider, key, setup) = small().await;
    let gateway = setup.start().await;
    let token = key.token(&claims("SECRET-mark"));
    let right = format!("Bearer {token}");
    let long = format!("Bearer {token}{}", "x".repeat(8 * 1024));
    let basic = format!("Basic {token}");
    let ways: [&[(&str, &str)]; 9] = [
        &[],
        &[("authorization", "")],
        &[("authorization", "Bearer")],
        &[("authorization", &token)],
        &[("authorization", &basic)],
        &[("authorization", &long)],
        &[("x-api-key", &token)],
        &[("x-api-key", &token), ("authorization", &right)],
        &[("authorization", &right), ("authorization", &right)],
    ];
    for headers in ways {
        let answer = gateway.send(Method::GET, "/loans", headers, None).await;
        answer.assert_problem(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="loangate""#);
        assert!(!answer.text.contains(&token), "{answer:?}");
    }
    let path = format!("/loans?access_token={token}");
    gateway.get(&path).await.assert_problem(401, "unauthorized");
    for path in ["/livez", "/readyz", "/problems/unauthorized"] {
        assert_eq!(gateway.get(path).await.status, 200, "{path}");
    }
    assert_eq!(calls(&gateway), 0);
    // It is fetched when the gateway starts, for nobody in particular.
    provider.until_asked(1).await;
}
