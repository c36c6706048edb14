//! When there is no answer: which problem the sources' failures add up to.

use std::sync::Arc;
use std::time::Duration;

use super::problem::{Code, Problem};
use crate::gather::{Refused, Source, Status};
use crate::upstream::Kind;

/// Nothing was found: there is no such loan only if the source was read to its end, or says so itself.
pub(super) fn absent(sources: &[Source; 1]) -> Problem {
    let [source] = sources;
    let unknown_upstream = source
        .error
        .as_ref()
        .is_some_and(|error| error.kind == Kind::NotFound);
    if (source.status == Status::Ok && source.exhausted) || unknown_upstream {
        return Problem::new(Code::LoanNotFound);
    }
    failed(sources).unwrap_or_else(|| Problem {
        sources: Some(sources.to_vec()),
        ..Problem::because(
            Code::UpstreamFailed,
            "The loan is not in what the upstream gave, and the upstream did not give everything.",
        )
    })
}

/// The problem of an answer that nobody contributed to; `None` if somebody did, or nobody was asked.
fn failed(sources: &[Source]) -> Option<Problem> {
    let asked: Vec<&Source> = sources
        .iter()
        .filter(|source| source.status != Status::Skipped)
        .collect();
    if asked.is_empty() || asked.iter().any(|source| source.status.answered()) {
        return None;
    }
    Some(problem(&asked, sources))
}

/// Refuses an answer that nobody contributed to, or of which a required source is not all there.
pub(super) fn answered(sources: &[Source], required: &[Arc<str>]) -> Result<(), Problem> {
    match failed(sources).or_else(|| missing(sources, required)) {
        Some(problem) => Err(problem),
        None => Ok(()),
    }
}

/// The problem of a required source that is not all there; `None` if every one is, or had nothing to say.
pub(super) fn missing(sources: &[Source], required: &[Arc<str>]) -> Option<Problem> {
    let gaps: Vec<&Source> = sources
        .iter()
        .filter(|source| source.error.is_some() && required.contains(&source.connection))
        .collect();
    if gaps.is_empty() {
        None
    } else {
        Some(problem(&gaps, sources))
    }
}

/// What went wrong with these sources together: by time, by having to wait, or otherwise.
fn problem(failed: &[&Source], sources: &[Source]) -> Problem {
    let errors = || failed.iter().filter_map(|source| source.error.as_ref());
    let everybody = failed.len()
        == sources
            .iter()
            .filter(|source| source.status != Status::Skipped)
            .count();
    let code = if everybody && errors().all(|error| error.kind == Kind::NotFound) {
        Code::ReferenceNotFound
    } else if errors().all(|error| matches!(error.kind, Kind::Timeout | Kind::DeadlineExceeded)) {
        Code::UpstreamTimeout
    } else if errors()
        .all(|error| matches!(error.kind, Kind::RateLimited | Kind::CircuitOpen | Kind::Pending))
    {
        Code::UpstreamUnavailable
    } else {
        Code::UpstreamFailed
    };
    let wait = errors()
        .filter_map(|error| error.retry_after)
        .min()
        .unwrap_or(Duration::from_secs(1));
    Problem {
        sources: Some(sources.to_vec()),
        retry_after: (code == Code::UpstreamUnavailable).then_some(wait),
        ..Problem::new(code)
    }
}

/// The problem of a question that the gateway does not take on.
pub(super) fn refused(refused: Refused) -> Problem {
    match refused {
        Refused::SelectionTooLarge(max) => {
            let detail = format!("This brings more than {max} loans. Ask for fewer, or without `sort`.");
            Problem::because(Code::SelectionTooLarge, detail)
        }
        Refused::SelectionTooHeavy => Problem::because(
            Code::SelectionTooLarge,
            "This is more than the gateway holds for paging. Ask for fewer, or export it.",
        ),
        Refused::Expired => Problem::new(Code::CursorExpired),
        Refused::Unreachable => Problem {
            retry_after: Some(Duration::from_secs(1)),
            ..Problem::because(
                Code::Overloaded,
                "What this cursor names cannot be reached from here right now. Another gateway may have it.",
            )
        },
        Refused::Busy => Problem {
            retry_after: Some(Duration::from_secs(1)),
            ..Problem::because(
                Code::Overloaded,
                "Another request is reading on from this cursor and takes its time.",
            )
        },
    }
}
