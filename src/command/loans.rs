//! `loangate loans`: the list in a terminal, from a running gateway or straight from a config.

mod print;

use std::env::VarError;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use loangate::app::App;
use loangate::config::{self, Document, KeyHash, new_key};
use reqwest::{Client, Response, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::net::TcpListener;

use print::{END, Printer, Progress, print};

/// Exit code of a list that is not complete: what is there was printed.
const INCOMPLETE: u8 = 3;

/// What to list, and how.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A running gateway.
    #[arg(long, default_value = "http://127.0.0.1:8080", conflicts_with = "config")]
    url: Url,
    /// A config to read the connections from, with no gateway running.
    #[arg(long)]
    config: Option<PathBuf>,
    /// A file with the key or the token that the gateway knows us by; without it the variable `LOANGATE_API_KEY`, if it
    /// is set.
    #[arg(long, conflicts_with = "config")]
    api_key_file: Option<PathBuf>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Only these connections. A comma list; so are the other words.
    #[arg(long)]
    connection: Option<String>,
    /// Only these providers.
    #[arg(long)]
    provider: Option<String>,
    /// A reference, `<connection>:<type>:<value>`. Repeatable.
    #[arg(long = "ref")]
    references: Vec<String>,
    /// A customer of the gateway's store: everything that is linked to it.
    #[arg(long)]
    customer: Option<String>,
    /// `presentation` or `processing`: what is linked for another purpose is left out.
    #[arg(long)]
    purpose: Option<String>,
    /// `all`, or connections of which a gap is an error.
    #[arg(long)]
    require: Option<String>,
    #[arg(long)]
    record_type: Option<String>,
    #[arg(long)]
    kind: Option<String>,
    #[arg(long)]
    status: Option<String>,
    #[arg(long)]
    phase: Option<String>,
    #[arg(long)]
    payment_status: Option<String>,
    #[arg(long)]
    currency: Option<String>,
    /// true or false.
    #[arg(long)]
    overdue: Option<String>,
    /// YYYY-MM-DD; so are the other dates.
    #[arg(long)]
    opened_from: Option<String>,
    #[arg(long)]
    opened_to: Option<String>,
    #[arg(long)]
    due_from: Option<String>,
    #[arg(long)]
    due_to: Option<String>,
    #[arg(long)]
    defaulted_from: Option<String>,
    #[arg(long)]
    defaulted_to: Option<String>,
    /// Needs exactly one currency.
    #[arg(long)]
    outstanding_min: Option<String>,
    #[arg(long)]
    outstanding_max: Option<String>,
    /// `id`, `opened_on`, `due_on`, `days_past_due` or `outstanding`, with `-` in front for descending.
    #[arg(long, allow_hyphen_values = true)]
    sort: Option<String>,
    /// Seconds of cached data to accept.
    #[arg(long)]
    max_age: Option<String>,
    /// raw, personal; not in a table.
    #[arg(long)]
    include: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table for people.
    Table,
    /// One JSON document.
    Json,
    /// One JSON document a line, and a last line that says whether it is whole.
    Ndjson,
    /// A flat table for programs.
    Csv,
}

impl Options {
    /// The key or the token for a running gateway. Not an argument: those are there for everybody on the machine to see.
    fn key(&self) -> Result<Option<SecretString>, String> {
        let text = match &self.api_key_file {
            Some(path) => std::fs::read_to_string(path)
                .map_err(|error| format!("{} cannot be read: {}", path.display(), error.kind()))?,
            None => match std::env::var("LOANGATE_API_KEY") {
                Ok(text) => text,
                Err(VarError::NotPresent) => return Ok(None),
                Err(VarError::NotUnicode(_)) => return Err("LOANGATE_API_KEY is not UTF-8 text".to_owned()),
            },
        };
        Ok(Some(SecretString::from(text.trim())).filter(|key| !key.expose_secret().is_empty()))
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let single = [
            ("connection", &self.connection),
            ("provider", &self.provider),
            ("customer", &self.customer),
            ("purpose", &self.purpose),
            ("require", &self.require),
            ("record_type", &self.record_type),
            ("kind", &self.kind),
            ("status", &self.status),
            ("phase", &self.phase),
            ("payment_status", &self.payment_status),
            ("currency", &self.currency),
            ("overdue", &self.overdue),
            ("opened_from", &self.opened_from),
            ("opened_to", &self.opened_to),
            ("due_from", &self.due_from),
            ("due_to", &self.due_to),
            ("defaulted_from", &self.defaulted_from),
            ("defaulted_to", &self.defaulted_to),
            ("outstanding_min", &self.outstanding_min),
            ("outstanding_max", &self.outstanding_max),
            ("sort", &self.sort),
            ("max_age", &self.max_age),
            ("include", &self.include),
        ];
        let given = single
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?)));
        given
            .chain(self.references.iter().map(|reference| ("ref", reference.clone())))
            .collect()
    }
}

pub(super) async fn run(options: &Options) -> ExitCode {
    match list(options).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(INCOMPLETE),
        Err(problem) => super::fail(&problem),
    }
}

/// Prints the list; whether it is complete.
async fn list(options: &Options) -> Result<bool, String> {
    let (gateway, key) = match &options.config {
        Some(path) => own_gateway(path).await?,
        None => (options.url.clone(), options.key()?),
    };
    let mut url = gateway;
    url.path_segments_mut()
        .map_err(|()| "the address is not one of HTTP")?
        .pop_if_empty()
        .push("loans");
    url.query_pairs_mut().extend_pairs(options.query());
    let accept = if options.format == Format::Csv {
        "text/csv"
    } else {
        "application/x-ndjson"
    };
    let client = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(|error| format!("no HTTP client: {error}"))?;
    let mut request = client.get(url).header("accept", accept);
    if let Some(key) = &key {
        request = request.bearer_auth(key.expose_secret());
    }
    let answer = request
        .send()
        .await
        .map_err(|error| format!("the gateway does not answer: {}", error.without_url()))?;
    if !answer.status().is_success() {
        // What the caller did wrong, or what the sources did.
        let sources_failed = matches!(answer.status().as_u16(), 502..=504);
        let refusal = refusal(answer).await;
        if !sources_failed {
            return Err(refusal);
        }
        let _ = writeln!(std::io::stderr(), "loangate: {refusal}");
        return Ok(false);
    }
    match options.format {
        Format::Csv => copy(answer).await,
        format => lines(answer, format).await,
    }
}

/// A gateway in this process, on a port of its own, for as long as the command runs.
/// The key it is asked with is its own, and goes with it.
async fn own_gateway(path: &std::path::Path) -> Result<(Url, Option<SecretString>), String> {
    let problems = |problems: config::Problems| format!("{} cannot be used:\n{problems}", path.display());
    let document = Document::load(Some(path), config::environment()).map_err(problems)?;
    let key = new_key().ok_or("the system has no random numbers")?;
    let app = App::build_for(&document, Some(KeyHash::of(key.expose_secret()))).map_err(problems)?;
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .map_err(|error| format!("cannot listen: {error}"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let base = app.config.server.base_path.clone();
    tokio::spawn(app.serve(listener, std::future::pending()));
    let url = Url::parse(&format!("http://{address}{base}")).map_err(|error| error.to_string())?;
    Ok((url, Some(key)))
}

/// What a problem document says.
#[derive(Debug, Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    detail: String,
    #[serde(default)]
    errors: Vec<Mistake>,
    #[serde(default)]
    sources: Vec<SourceLine>,
}

#[derive(Debug, Deserialize)]
struct Mistake {
    parameter: String,
    detail: String,
}

async fn refusal(answer: Response) -> String {
    let status = answer.status();
    let body = answer.bytes().await.unwrap_or_default();
    let refusal: Refusal = serde_json::from_slice(&body).unwrap_or_default();
    let mistakes: Vec<String> = refusal
        .errors
        .iter()
        .map(|mistake| format!("\n  {} {}", mistake.parameter, mistake.detail))
        .collect();
    let missing: Vec<String> = refusal
        .sources
        .iter()
        .filter_map(SourceLine::gap)
        .map(|gap| format!("\n  {gap}"))
        .collect();
    format!(
        "{status}: {}{}{}",
        refusal.detail,
        mistakes.concat(),
        missing.concat()
    )
}

/// Prints a body as it comes. One that breaks off is not complete.
async fn copy(mut answer: Response) -> Result<bool, String> {
    let mut progress = Progress::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => {
                progress.add(chunk.split(|byte| *byte == b'\n').count().saturating_sub(1));
                print(&chunk)?;
            }
            Ok(None) => return Ok(true),
            Err(_) => {
                let _ = writeln!(
                    std::io::stderr(),
                    "loangate: the gateway broke off: a source failed in the middle"
                );
                return Ok(false);
            }
        }
    }
}

/// The last line of a stream.
#[derive(Debug, Deserialize)]
struct End {
    #[serde(default)]
    complete: bool,
    #[serde(default)]
    sources: Vec<SourceLine>,
}

#[derive(Debug, Deserialize)]
struct SourceLine {
    connection: String,
    status: String,
    error: Option<SourceError>,
}

#[derive(Debug, Deserialize)]
struct SourceError {
    code: String,
}

impl SourceLine {
    /// What is missing of it, for people; `None` when nothing is.
    fn gap(&self) -> Option<String> {
        let missing = !matches!(self.status.as_str(), "ok" | "skipped");
        let code = self.error.as_ref().map_or("", |error| error.code.as_str());
        missing.then(|| format!("{}: {} {code}", self.connection, self.status))
    }
}

/// Prints the lines of a stream; whether the last of them says that it is complete.
async fn lines(mut answer: Response, format: Format) -> Result<bool, String> {
    let mut progress = Progress::new();
    let mut printer = Printer::new(format)?;
    let mut rest = Vec::new();
    let mut end = None;
    while let Ok(Some(chunk)) = answer.chunk().await {
        rest.extend_from_slice(&chunk);
        let whole = rest
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at.saturating_add(1));
        for line in rest
            .drain(..whole)
            .as_slice()
            .split_inclusive(|byte| *byte == b'\n')
        {
            // Loans begin with their id; only the last line is read as more than text.
            if line.starts_with(END)
                && let Ok(last) = serde_json::from_slice::<End>(line)
            {
                end = Some(last);
                progress.clear();
                printer.end(line)?;
            } else {
                progress.add(1);
                printer.loan(line)?;
            }
        }
    }
    let Some(end) = end else {
        progress.clear();
        printer.broken_off()?;
        let _ = writeln!(std::io::stderr(), "loangate: the gateway broke off in the middle");
        return Ok(false);
    };
    explain(&end);
    Ok(end.complete)
}

/// Which sources are missing, for people.
fn explain(end: &End) {
    for gap in end.sources.iter().filter_map(SourceLine::gap) {
        let _ = writeln!(std::io::stderr(), "{gap}");
    }
}
