//! Clients: who gets in, what each may see, and how often.

mod audit;
mod command;
mod connections;
mod credentials;
mod jwt;
mod limits;

use loangate::config::KeyHash;
use loangate::sim::{Provider, World};
use reqwest::Method;

use crate::support::{Answer, Running, Setup};

pub(crate) const UNDERWRITING: &str = "lgk_underwriting-SECRET-mark-41-7QmZ2xW9";
pub(crate) const COLLECTIONS: &str = "lgk_collections-SECRET-mark-42-Lp0aVt6R";

/// A client to be, with everything but limits.
struct Client {
    id: &'static str,
    keys: Vec<&'static str>,
    scopes: &'static str,
    connections: &'static str,
}

/// Sees everything.
fn underwriting() -> Client {
    Client {
        id: "underwriting",
        keys: vec![UNDERWRITING],
        scopes: "loans:read,personal:read,customers:write,metrics:read",
        connections: "*",
    }
}

/// Sees the loans of two connections.
fn collections() -> Client {
    Client {
        id: "collections",
        keys: vec![COLLECTIONS],
        scopes: "loans:read",
        connections: "bsa,carbon",
    }
}

/// Lets in these clients and nobody else.
fn clients(setup: Setup, clients: &[Client]) -> Setup {
    let mut setup = setup.set("auth.mode", "api_key");
    for (at, client) in clients.iter().enumerate() {
        let hashes: Vec<String> = client
            .keys
            .iter()
            .map(|key| KeyHash::of(key).to_string())
            .collect();
        for (key, value) in [
            ("id", client.id),
            ("key_hashes", &hashes.join(",")),
            ("scopes", client.scopes),
            ("connections", client.connections),
        ] {
            setup = setup.set(&format!("auth.clients.{at}.{key}"), value);
        }
    }
    setup
}

/// Lets in nobody without a key, to all five providers.
pub(crate) fn guarded() -> Setup {
    clients(Setup::all(&World::documents()), &[underwriting()])
}

/// Both clients over all five providers.
pub(crate) fn both(world: &World) -> Setup {
    clients(Setup::all(world), &[underwriting(), collections()])
}

pub(crate) async fn bearer(gateway: &Running, key: &str, path: &str) -> Answer {
    let value = format!("Bearer {key}");
    gateway
        .send(Method::GET, path, &[("authorization", &value)], None)
        .await
}

/// How often any provider was asked for anything.
fn calls(gateway: &Running) -> usize {
    Provider::ALL
        .into_iter()
        .map(|provider| gateway.asked(provider).len() + gateway.token_calls(provider))
        .sum()
}
