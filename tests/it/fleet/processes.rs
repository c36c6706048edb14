//! The proof: three gateways, each a process of its own, one PostgreSQL, one Redis, and nginx in front of them.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures_util::future::join_all;
use loangate::sim::{self, Provider, World};
use reqwest::header::HeaderValue;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, block_in_place, spawn_blocking};
use tokio::time::timeout;

use super::{Redis, SOON, sharing};
use crate::access::{COLLECTIONS, UNDERWRITING, both};
use crate::cli::{self, loangate};
use crate::customers::{EVERYWHERE, Place, linking};
use crate::proxy::{Nginx, SHIPPED, own_address};
use crate::support::Setup;
use crate::walks;

const ROWS: usize = 60;

/// The file that is shipped, for a fleet: a gateway that cannot answer is no reason to leave it alone, and a 503 may be
/// another gateway's to answer.
fn site() -> String {
    let shipped = [
        (
            "proxy_next_upstream error timeout",
            "proxy_next_upstream error timeout http_503",
        ),
        ("proxy_next_upstream_tries 2;", "proxy_next_upstream_tries 3;"),
    ];
    shipped.iter().fold(SHIPPED.to_owned(), |text, (shipped, here)| {
        assert!(text.contains(shipped), "{shipped}");
        text.replace(shipped, here)
    })
}

struct Fleet {
    world: World,
    redis: Redis,
    nginx: Nginx,
    setup: Setup,
    simulators: SocketAddr,
    directory: tempfile::TempDir,
    gateways: Vec<(SocketAddr, cli::Running)>,
}

impl Fleet {
    async fn start() -> Option<Self> {
        let redis = Redis::start().await?;
        let place = Place::server().await?;
        let world = World::documents();
        world.set_records(Provider::Bsa, walks::plain(1000..1000 + ROWS));
        world.set_records(Provider::Carbon, walks::applications(1000..1000 + ROWS));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let simulators = listener.local_addr().unwrap();
        tokio::spawn(sim::serve(listener, world.clone(), std::future::pending()));
        let setup = place
            .with(sharing(both(&world), redis.address))
            .set("server.base_path", "/lending")
            .set("server.drain_delay", "500ms")
            .set("connections.bsa.page_size", "10")
            .set("connections.carbon.page_size", "10")
            .set("auth.clients.1.rate_limit.per_second", "5")
            .set("auth.clients.1.rate_limit.burst", "100");
        let addresses = [own_address().await, own_address().await, own_address().await];
        let nginx = Nginx::of(&site(), &addresses).await?;
        let mut fleet = Self {
            world,
            redis,
            nginx,
            setup,
            simulators,
            directory: tempfile::tempdir().unwrap(),
            gateways: Vec::new(),
        };
        for address in addresses {
            let gateway = fleet.process(address).await;
            fleet.gateways.push((address, gateway));
        }
        Some(fleet)
    }

    /// A gateway at this address, when it is ready.
    async fn process(&self, address: SocketAddr) -> cli::Running {
        let path = self.directory.path().join("loangate.toml");
        std::fs::write(&path, self.setup.text(self.simulators)).unwrap();
        let mut command = loangate(&["serve", "--config", path.to_str().unwrap()]);
        command.envs(self.setup.variables().iter().cloned());
        command.env("LOANGATE__SERVER__LISTEN", address.to_string());
        spawn_blocking(|| {
            let running = cli::Running::start(command, true);
            cli::ready(&running);
            running
        })
        .await
        .unwrap()
    }

    fn caller(&self, key: &'static str) -> Caller {
        Caller {
            client: Client::builder().no_proxy().build().unwrap(),
            base: self.nginx.url(""),
            key,
        }
    }
}

#[derive(Clone)]
struct Caller {
    client: Client,
    base: String,
    key: &'static str,
}

impl Caller {
    async fn ask(&self, path: &str) -> (u16, Value) {
        self.ask_at(&self.base, path).await
    }

    async fn ask_at(&self, base: &str, path: &str) -> (u16, Value) {
        self.send(self.client.get(format!("{base}{path}"))).await
    }

    async fn send(&self, request: RequestBuilder) -> (u16, Value) {
        let answer = request.header("x-api-key", self.key).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Follows a list to its end; the ids of its loans, each of which came once. What is no query is the body of a search.
    async fn follow(&self, query: &str) -> BTreeSet<String> {
        let (mut ids, mut cursor) = (BTreeSet::new(), String::new());
        loop {
            let (status, page) = match serde_json::from_str::<Value>(query) {
                Ok(mut body) => {
                    body["limit"] = 9.into();
                    if let Some((_, cursor)) = cursor.split_once('=') {
                        body["cursor"] = cursor.into();
                    }
                    let search = self.client.post(format!("{}/loans/search", self.base));
                    let search = search.header("content-type", "application/json");
                    self.send(search.body(body.to_string())).await
                }
                Err(_) => self.ask(&format!("/loans?limit=9&{query}{cursor}")).await,
            };
            assert_eq!(status, 200, "{query} after {} loans: {page}", ids.len());
            for loan in page["data"].as_array().unwrap() {
                assert!(
                    ids.insert(loan["id"].as_str().unwrap().to_owned()),
                    "{loan} came twice"
                );
            }
            match page["page"]["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => {
                    assert_eq!(page["complete"], true, "{page}");
                    return ids;
                }
            }
        }
    }

    /// Links a customer to these references, if nobody changed it since `version`.
    async fn put_at(
        &self,
        base: &str,
        id: &str,
        references: &[&str],
        version: Option<&HeaderValue>,
    ) -> (u16, Value) {
        let put = self
            .client
            .put(format!("{base}/customers/{id}"))
            .header("content-type", "application/json")
            .body(linking(&json!(references)));
        let put = version
            .into_iter()
            .fold(put, |put, version| put.header("if-match", version));
        self.send(put).await
    }

    /// A customer comes, is asked for, and goes again. What was answered is so for the next question, whichever gateway
    /// that comes to.
    async fn come_and_go(&self, id: &str) {
        let (status, customer) = self.put_at(&self.base, id, &[EVERYWHERE[1]], None).await;
        // 200 where the gateway that created it was killed before it said so, and nginx asked another one.
        assert!(matches!(status, 200 | 201), "{status} {customer}");
        assert_eq!(self.ask(&format!("/customers/{id}")).await, (200, customer));
        let (status, loans) = self.ask(&format!("/loans?customer={id}")).await;
        assert_eq!((status, &loans["complete"]), (200, &true.into()), "{loans}");
        let (status, gone) = self
            .send(self.client.delete(format!("{}/customers/{id}", self.base)))
            .await;
        assert!(matches!(status, 204 | 404), "{status} {gone}");
        assert_eq!(self.ask(&format!("/customers/{id}")).await.0, 404);
    }
}

const BOOKS: &str = "connection=bsa,carbon";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_gateways_are_one() {
    let Some(fleet) = Fleet::start().await else { return };
    let caller = fleet.caller(UNDERWRITING);
    // One fetch serves all three.
    for (at, (address, _)) in fleet.gateways.iter().enumerate() {
        let base = format!("http://{address}/lending");
        let (status, answer) = caller
            .ask_at(&base, "/loans?sort=id&connection=carbon&limit=200")
            .await;
        assert_eq!((status, &answer["complete"]), (200, &true.into()), "{answer}");
        let source = &answer["sources"][0];
        assert_eq!(source["cache"], if at == 0 { "miss" } else { "hit" });
    }
    assert_eq!(fleet.world.requests().len(), ROWS / 10);
    // A set and a walk over all of them.
    for query in [format!("sort=-id&{BOOKS}"), BOOKS.to_owned()] {
        assert_eq!(caller.follow(&query).await.len(), 2 * ROWS, "{query}");
    }
    for (address, _) in &fleet.gateways {
        let base = format!("http://{address}/lending");
        let metrics = caller.ask_at(&base, "/metrics").await.1;
        let metrics = metrics.as_str().unwrap();
        let lists = r#"loangate_http_requests_total{route="/loans",method="GET",status="200"} "#;
        let count = metrics.lines().find_map(|line| line.strip_prefix(lists)).unwrap();
        assert!(count.parse::<u64>().unwrap() > 5, "each had its part: {count}");
    }
    // A customer of one is a customer of all, and of two changes to the same version one is refused.
    let bases: Vec<String> = fleet
        .gateways
        .iter()
        .map(|(address, _)| format!("http://{address}/lending"))
        .collect();
    let (status, created) = caller.put_at(&bases[0], "ada", &[EVERYWHERE[1]], None).await;
    assert_eq!(status, 201, "{created}");
    for base in &bases {
        assert_eq!(
            caller.ask_at(base, "/customers/ada").await,
            (200, created.clone())
        );
    }
    let head = caller.client.get(format!("{}/customers/ada", bases[1]));
    let head = head.header("x-api-key", UNDERWRITING).send().await.unwrap();
    let version = head.headers()["etag"].clone();
    let changes = bases.iter().zip(&EVERYWHERE[2..]).map(|(base, reference)| {
        let (caller, version) = (&caller, &version);
        async move { caller.put_at(base, "ada", &[reference], Some(version)).await }
    });
    let mut statuses: Vec<u16> = join_all(changes)
        .await
        .into_iter()
        .map(|(status, _)| status)
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412]);
    // One limit for all: as much as passes in all, within 5 %.
    let limited = fleet.caller(COLLECTIONS);
    let (started, mut passed) = (Instant::now(), 0.0);
    let mut refused = 0;
    while refused < 20 {
        match limited.ask("/connections").await.0 {
            200 => passed += 1.0,
            429 => refused += 1,
            status => panic!("{status}"),
        }
    }
    let allowed = 100.0 + 5.0 * started.elapsed().as_secs_f64();
    assert!(
        passed >= 0.95 * allowed - 1.0 && passed <= 1.05 * allowed,
        "{passed} of {allowed}"
    );
}

/// Callers who follow lists, sets and walks, and one whose customers come and go, until they are told; each answer they get
/// must be whole.
struct Load {
    over: Arc<AtomicBool>,
    /// Lists that were followed to their ends.
    lists: watch::Sender<usize>,
    callers: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(fleet: &Fleet) -> Self {
        let (over, lists) = (Arc::new(AtomicBool::new(false)), watch::Sender::new(0));
        let searches = [
            r#"{"connection": ["bsa", "carbon"], "sort": "-id"}"#,
            r#"{"connection": ["bsa", "carbon"]}"#,
        ];
        let callers = [format!("sort=id&{BOOKS}"), BOOKS.to_owned()]
            .into_iter()
            .chain(searches.map(str::to_owned))
            .map(|query| {
                let (over, lists) = (Arc::clone(&over), lists.clone());
                let caller = fleet.caller(UNDERWRITING);
                tokio::spawn(async move {
                    while !over.load(Ordering::Relaxed) {
                        assert_eq!(caller.follow(&query).await.len(), 2 * ROWS);
                        lists.send_modify(|lists| *lists += 1);
                    }
                })
            });
        let mut callers: Vec<JoinHandle<()>> = callers.collect();
        let (going_on, caller) = (Arc::clone(&over), fleet.caller(UNDERWRITING));
        callers.push(tokio::spawn(async move {
            let mut at = 0;
            while !going_on.load(Ordering::Relaxed) {
                caller.come_and_go(&format!("walk-in-{at}")).await;
                at += 1;
            }
        }));
        Self { over, lists, callers }
    }

    /// Goes on until so many more lists were followed to their ends.
    async fn more(&self, lists: usize) {
        let mut counted = self.lists.subscribe();
        let until = *counted.borrow() + lists;
        let going = timeout(3 * SOON, counted.wait_for(|lists| *lists >= until));
        assert!(going.await.is_ok(), "an answer was lost");
    }

    async fn end(self) {
        self.over.store(true, Ordering::Relaxed);
        for caller in self.callers {
            caller.await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_killed_loses_no_answer() {
    let Some(mut fleet) = Fleet::start().await else {
        return;
    };
    let load = Load::start(&fleet);
    load.more(4).await;
    for at in 0..3 {
        let (address, gateway) = &mut fleet.gateways[at];
        let address = *address;
        gateway.signal("KILL");
        assert_eq!(block_in_place(|| gateway.exit_code()), None);
        load.more(4).await;
        let again = fleet.process(address).await;
        fleet.gateways[at] = (address, again);
        load.more(2).await;
    }
    load.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_is_killed_loses_no_answer() {
    let Some(mut fleet) = Fleet::start().await else {
        return;
    };
    let load = Load::start(&fleet);
    load.more(4).await;
    fleet.redis.kill();
    load.more(6).await;
    fleet.redis.again().await;
    load.more(6).await;
    load.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_loses_no_answer() {
    let Some(mut fleet) = Fleet::start().await else {
        return;
    };
    let load = Load::start(&fleet);
    load.more(3).await;
    for at in 0..3 {
        let (address, gateway) = &mut fleet.gateways[at];
        let address = *address;
        gateway.signal("TERM");
        assert_eq!(block_in_place(|| gateway.exit_code()), Some(0));
        load.more(2).await;
        let again = fleet.process(address).await;
        fleet.gateways[at] = (address, again);
        load.more(2).await;
    }
    load.end().await;
}
