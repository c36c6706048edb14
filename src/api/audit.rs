//! One line for every request, written when it is over: who asked for what, which connections, how much came, and how
//! it ended. No key, no URL, nothing about a person. The request is counted at the same moment.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::Request;
use axum::http::StatusCode;

use super::RequestId;
use super::problem::Problem;
use crate::gather::Source;
use crate::telemetry::{self, Answer, Telemetry, Trace};

/// What is written down about a request. The line is written when the last copy is gone; the answer keeps one until its
/// last byte.
#[derive(Debug, Clone)]
pub(super) struct Audit(Arc<Record>);

#[derive(Debug)]
struct Record {
    began: Option<Began>,
    facts: Mutex<Facts>,
}

#[derive(Debug)]
struct Began {
    telemetry: Telemetry,
    request: telemetry::Request,
    id: RequestId,
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
    /// How each source did, as the answer reports it.
    sources: Vec<(Arc<str>, &'static str)>,
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

    /// Begins with a request from `remote`. `route` is the template, never the path, which names people.
    pub(super) fn begin(
        telemetry: &Telemetry,
        id: RequestId,
        route: Option<&str>,
        remote: Option<IpAddr>,
        request: &Request,
    ) -> Self {
        let mut given = request.headers().get_all("traceparent").into_iter();
        // Of two nobody knows which one is meant.
        let traceparent = given.next().filter(|_| given.next().is_none());
        Self::new(Some(Began {
            telemetry: telemetry.clone(),
            request: telemetry.request(
                route.unwrap_or("(none)"),
                request.method().as_str(),
                traceparent.cloned(),
            ),
            id,
            remote,
        }))
    }

    /// What is done for the request belongs to this trace.
    pub(super) fn trace(&self) -> Option<Trace> {
        self.0.began.as_ref().and_then(|began| began.request.trace())
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
    pub(super) fn gives(&self, count: impl Into<Option<usize>>, complete: bool, sources: &[Source]) {
        let mut facts = self.facts();
        facts.reports(sources);
        facts.loans = count.into();
        facts.outcome = Some(if complete { "complete" } else { "incomplete" });
    }

    /// A stream ends before its end.
    pub(super) fn breaks_off(&self, count: usize, sources: &[Source]) {
        let mut facts = self.facts();
        facts.reports(sources);
        facts.loans = Some(count);
        facts.outcome = Some("broken_off");
    }

    /// The answer has this status, and may be this problem.
    pub(super) fn answers(&self, status: StatusCode, problem: Option<&Problem>) {
        let mut facts = self.facts();
        facts.status = Some(status);
        if let Some(sources) = problem.and_then(|problem| problem.sources.as_deref()) {
            facts.reports(sources);
        }
        let problem = problem.map(|problem| problem.code.as_str());
        facts.outcome = problem.or(facts.outcome).or(Some("ok"));
    }
}

impl Facts {
    fn reports(&mut self, sources: &[Source]) {
        let words = sources
            .iter()
            .map(|source| (Arc::clone(&source.connection), source.status.as_str()));
        self.sources = words.collect();
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let Some(began) = &mut self.began else {
            return;
        };
        let facts = self.facts.get_mut().unwrap_or_else(PoisonError::into_inner);
        let sources = facts.sources.iter();
        began
            .telemetry
            .answered(sources.map(|(id, status)| (&**id, *status)));
        let answer = Answer {
            status: facts.status.map(|status| status.as_u16()),
            // Without an answer, the caller went away before there was one.
            outcome: facts.outcome.unwrap_or("abandoned"),
            client: facts.client.as_deref(),
        };
        began.request.ends(&answer);
        // What is put together in the arguments is put together only where the line is written.
        tracing::info!(
            request_id = began.id.as_str(),
            trace_id = began.request.trace_id(),
            client = answer.client,
            remote = began.remote.map(tracing::field::display),
            method = began.request.method(),
            route = began.request.route(),
            status = answer.status,
            outcome = answer.outcome,
            connections = Some(facts.connections.join(",")).filter(|ids| !ids.is_empty()),
            count = facts.loans,
            personal = Some(true).filter(|_| facts.personal),
            duration_ms = u64::try_from(began.request.elapsed().as_millis()).unwrap_or(u64::MAX),
            "request"
        );
    }
}
