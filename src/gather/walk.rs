//! Walking one scope of one upstream, page by page. The only loop over pages.

use std::collections::HashSet;

use futures_util::future::join_all;

use super::collect::Collected;
use super::connection::Connection;
use crate::providers::{Ask, Page, Scope, Standing};
use crate::upstream::{Error, Kind};

/// Rejected records of one page that get a line of their own; an upstream must not fill the log.
const REJECTIONS_LOGGED: usize = 10;

/// When to stop before the end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Loans that are enough for this answer.
    pub(super) loans: usize,
    /// Pages of one scope.
    pub(super) pages: u32,
}

/// How a walk ended.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// Whether any page counts as an answer.
    pub(super) answered: bool,
    /// Whether it got to the end of the scope.
    pub(super) exhausted: bool,
    /// What went wrong.
    pub(super) error: Option<Error>,
    /// Records that could not become loans.
    pub(super) rejected: usize,
    /// Records in the scope, as the provider says.
    pub(super) announced: Option<u64>,
    /// When the last page was fetched.
    pub(super) fetched_at: Option<chrono::DateTime<chrono::Utc>>,
}

/// Reads `scope` into `collected` until its end, a fault, or enough.
pub(super) async fn walk(
    connection: &Connection,
    ask: &Ask<'_>,
    scope: &Scope,
    bounds: Bounds,
    collected: &mut Collected,
) -> Walked {
    let provider = &*connection.provider;
    let mut walked = Walked::default();
    let mut seen = HashSet::new();
    let mut received = 0_u64;
    let opening = 1..=provider.opening().max(1);
    let mut ready = join_all(opening.map(|number| provider.page(ask, scope, number)))
        .await
        .into_iter();

    for number in 1..=bounds.pages {
        let page = match ready.next() {
            Some(page) => page,
            None => provider.page(ask, scope, number).await,
        };
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                walked.error = Some(error);
                return walked;
            }
        };
        if page.digest.is_some_and(|digest| !seen.insert(digest)) {
            if provider.repetition_is_end() {
                walked.exhausted = true;
            } else {
                walked.error = Some(broken("It gave the same page again"));
            }
            return walked;
        }
        received = received.saturating_add(rows(&page));
        walked.announced = page.announced.or(walked.announced);
        let more = page.more;
        absorb(connection, page, &mut walked, collected);
        if walked.error.is_some() {
            return walked;
        }
        if !more {
            walked.exhausted = true;
            if walked.announced.is_some_and(|announced| announced > received) {
                walked.error = Some(broken("It announced more records than it gave"));
            }
            return walked;
        }
        if collected.loans.len() > bounds.loans {
            return walked;
        }
    }
    walked.error = Some(broken("It has more pages than this gateway reads"));
    walked
}

fn absorb(connection: &Connection, page: Page, walked: &mut Walked, collected: &mut Collected) {
    connection.drift.count(page.drift);
    walked.fetched_at = Some(page.fetched_at);
    let usable = match page.standing {
        Standing::Complete => true,
        Standing::Incomplete(error) => {
            let usable = !matches!(error.kind, Kind::Pending | Kind::Rejected);
            walked.error = Some(error);
            usable
        }
    };
    if !usable {
        return;
    }
    walked.answered = true;
    walked.rejected = walked.rejected.saturating_add(page.rejected.len());
    for rejected in page.rejected.iter().take(REJECTIONS_LOGGED) {
        tracing::warn!(
            connection = &*connection.id,
            field = rejected.field.replace(char::is_control, "\u{FFFD}"),
            why = %rejected.why,
            "record rejected"
        );
    }
    if page.rejected.len() > REJECTIONS_LOGGED {
        tracing::warn!(
            connection = &*connection.id,
            rejected = page.rejected.len(),
            "more records of this page rejected"
        );
    }
    for loan in page.loans {
        collected.add(loan);
    }
}

fn rows(page: &Page) -> u64 {
    u64::try_from(page.loans.len().saturating_add(page.rejected.len())).unwrap_or(u64::MAX)
}

fn broken(note: &'static str) -> Error {
    Error::new(Kind::BadPayload, "walk", note)
}
