//! Everything that is meant, as a stream: one JSON document a line, or a flat table. Constant memory: the next upstream
//! pages are fetched while the last ones are written, and no further ahead.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use serde::Serialize;
use tokio::sync::mpsc;
use utoipa::ToSchema;

use super::access::Caller;
use super::answers::{presented, room};
use super::audit::Audit;
use super::failures::{answered, missing, refused};
use super::json::Writer;
use super::media::Format;
use super::middleware::InFlight;
use super::problem::Problem;
use super::{Api, table};
use crate::gather::{Gateway, Query, Source, Stream};
use crate::loan::Loan;
use crate::record::Want;
use crate::telemetry::spawn;

const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Batches that wait to be written while the next one is fetched.
const AHEAD: usize = 1;

/// What the reader of upstreams hands to the writer of the answer.
enum Part {
    Loans(Vec<Arc<Loan>>),
    /// The last line: only a stream that has it is whole.
    End {
        complete: bool,
        count: usize,
        sources: Vec<Source>,
    },
    /// The answer ends here without its end, so that nobody takes it for whole.
    Cut,
}

/// The last line of a stream as `application/x-ndjson`; without it, the stream was cut.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportEnd)]
#[expect(clippy::struct_field_names, reason = "the contract's name")]
pub(super) struct End<'a> {
    /// Always true.
    end: bool,
    /// Whether nothing is missing.
    complete: bool,
    /// Loans in the stream.
    count: usize,
    /// How every selected connection did.
    sources: &'a [Source],
}

/// Opens the stream; what fails before its first row is a problem like any other.
pub(super) async fn export(
    api: &Arc<Api>,
    caller: &Caller,
    place: InFlight,
    query: &Query,
    want: Want,
    format: Format,
) -> Result<Response, Problem> {
    let stream = api.gateway.stream(query).await.map_err(refused)?;
    let required = match format {
        // A table has no place to say what is missing.
        Format::Csv => query.connections.clone(),
        _ => query.required.clone(),
    };
    answered(&stream.sources(), &required)?;
    let (parts, written) = mpsc::channel(AHEAD);
    let gateway = Arc::clone(&api.gateway);
    let lasting = (place, caller.audit().clone());
    spawn(read(Arc::clone(api), stream, parts, required, lasting));
    let head = if format == Format::Csv {
        table::head()
    } else {
        Bytes::new()
    };
    let start = (Some(written), Some(head));
    let body = futures_util::stream::unfold(start, move |(written, head)| {
        let gateway = Arc::clone(&gateway);
        async move {
            let mut written = written?;
            if let Some(head) = head {
                return Some((Ok(head), (Some(written), None)));
            }
            // A reader that ended without a word was stopped: what it gave is not everything.
            let part = written.recv().await.unwrap_or(Part::Cut);
            let last = matches!(part, Part::End { .. } | Part::Cut);
            Some((
                write(&gateway, part, want, format),
                (Some(written).filter(|_| !last), None),
            ))
        }
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.as_str()));
    // A reverse proxy that collects lines before it hands them on would make a stream of none.
    headers.insert(UNBUFFERED, HeaderValue::from_static("no"));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    Ok(response)
}

/// Reads batch after batch for as long as somebody takes them. Whoever hangs up stops the upstream work.
async fn read(
    api: Arc<Api>,
    mut stream: Stream,
    parts: mpsc::Sender<Part>,
    required: Vec<Arc<str>>,
    (place, audit): (InFlight, Audit),
) {
    let mut count = 0_usize;
    loop {
        let batch = tokio::select! {
            batch = stream.next(api.gateway.deadline()) => batch,
            () = parts.closed() => return audit.breaks_off(count, &stream.sources()),
        };
        if !required.is_empty() && missing(&stream.sources(), &required).is_some() {
            audit.breaks_off(count, &stream.sources());
            // Nobody is there to hear it if this fails.
            let _ = parts.send(Part::Cut).await;
            return;
        }
        let part = match batch {
            Some(loans) => {
                count = count.saturating_add(loans.len());
                Part::Loans(loans)
            }
            None => {
                let (complete, sources) = (stream.complete(), stream.sources());
                audit.gives(count, complete, &sources);
                Part::End {
                    complete,
                    count,
                    sources,
                }
            }
        };
        let last = matches!(part, Part::End { .. });
        let unheard = parts.send(part).await.is_err();
        if unheard {
            audit.breaks_off(count, &stream.sources());
        }
        if unheard || last {
            drop(place);
            return;
        }
    }
}

fn write(gateway: &Gateway, part: Part, want: Want, format: Format) -> io::Result<Bytes> {
    match (part, format) {
        (Part::Loans(loans), Format::Csv) => table::rows(&loans),
        (Part::Loans(loans), _) => {
            let mut lines = Writer::with_capacity(room(&loans));
            for loan in presented(gateway, loans, want) {
                lines.line(&loan)?;
            }
            Ok(Bytes::from(lines.finish().0))
        }
        (Part::End { .. }, Format::Csv) => Ok(Bytes::new()),
        (
            Part::End {
                complete,
                count,
                sources,
            },
            _,
        ) => {
            let mut line = serde_json::to_vec(&End {
                end: true,
                complete,
                count,
                sources: &sources,
            })?;
            line.push(b'\n');
            Ok(Bytes::from(line))
        }
        (Part::Cut, _) => Err(io::Error::other("a source failed")),
    }
}
