//! One line for every request, written when it is over: who asked for what, which connections, how much came, and how
//! it ended. No key, no URL, nothing about a person.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{Method, StatusCode};
use tokio::time::Instant;

use super::RequestId;

/// What is written down about a request. The line is written when the last copy is gone: for a stream, at its end.
#[derive(Debug, Clone)]
pub(super) struct Audit(Arc<Record>);

#[derive(Debug)]
struct Record {
    began: Option<Began>,
    facts: Mutex<Facts>,
}

#[derive(Debug)]
struct Began {
    at: Instant,
    id: RequestId,
    method: Method,
    route: String,
    remote: Option<IpAddr>,
}

#[derive(Debug, Default)]
struct Facts {
    client: Option<Arc<str>>,
    connections: Vec<Arc<str>>,
    personal: bool,
    loans: Option<usize>,
    status: Option<StatusCode>,
    outcome: Option<&'static str>,
}

impl Default for Audit {
    /// One that is not written.
    fn default() -> Self {
        Self::new(None)
    }
}

impl Audit {
    fn new(began: Option<Began>) -> Self {
        Self(Arc::new(Record {
            began,
            facts: Mutex::default(),
        }))
    }

    /// Begins with a request. `route` is the template, never the path, which names people.
    pub(super) fn begin(id: RequestId, method: Method, route: Option<&str>, remote: Option<IpAddr>) -> Self {
        Self::new(Some(Began {
            at: Instant::now(),
            id,
            method,
            route: route.unwrap_or("(none)").to_owned(),
            remote,
        }))
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.0.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn client(&self, id: Option<&Arc<str>>) {
        self.facts().client = id.cloned();
    }

    /// These connections are asked.
    pub(super) fn asks<'a>(&self, connections: impl IntoIterator<Item = &'a Arc<str>>) {
        let mut ids: Vec<Arc<str>> = connections.into_iter().cloned().collect();
        ids.sort();
        ids.dedup();
        self.facts().connections = ids;
    }

    /// Fields about people are shown.
    pub(super) fn shows_personal(&self) {
        self.facts().personal = true;
    }

    /// So many loans, or rows of one, are given (`None`: totals), and nothing is missing or something is.
    pub(super) fn gives(&self, count: impl Into<Option<usize>>, complete: bool) {
        let mut facts = self.facts();
        facts.loans = count.into();
        facts.outcome = Some(if complete { "complete" } else { "incomplete" });
    }

    /// A stream ends before its end.
    pub(super) fn breaks_off(&self, count: usize) {
        let mut facts = self.facts();
        facts.loans = Some(count);
        facts.outcome = Some("broken_off");
    }

    /// The answer has this status, and for a problem this code.
    pub(super) fn answers(&self, status: StatusCode, problem: Option<&'static str>) {
        let mut facts = self.facts();
        facts.status = Some(status);
        facts.outcome = problem.or(facts.outcome).or(Some("ok"));
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let Some(began) = &self.began else {
            return;
        };
        let facts = self.facts.get_mut().unwrap_or_else(PoisonError::into_inner);
        let connections = facts.connections.join(",");
        tracing::info!(
            request_id = began.id.as_str(),
            client = facts.client.as_deref(),
            remote = began.remote.map(tracing::field::display),
            method = began.method.as_str(),
            route = began.route,
            status = facts.status.map(|status| status.as_u16()),
            // Without an answer, the caller went away before there was one.
            outcome = facts.outcome.unwrap_or("abandoned"),
            connections = Some(connections.as_str()).filter(|ids| !ids.is_empty()),
            count = facts.loans,
            personal = Some(true).filter(|_| facts.personal),
            duration_ms = u64::try_from(began.at.elapsed().as_millis()).unwrap_or(u64::MAX),
            "request"
        );
    }
}
