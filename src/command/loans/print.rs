//! How the list is printed: as a table, or as the document it came as.

use std::io::{IsTerminal as _, Write as _};

use serde::Deserialize;

use super::Format;

/// How the last line of a stream begins.
pub(super) const END: &[u8] = b"{\"end\":true,";

/// Writes to standard output.
pub(super) fn print(bytes: &[u8]) -> Result<(), String> {
    std::io::stdout()
        .write_all(bytes)
        .map_err(|error| format!("cannot print: {error}"))
}

/// Prints loans in a format, as they come.
pub(super) struct Printer {
    format: Format,
    count: usize,
}

impl Printer {
    pub(super) fn new(format: Format) -> Result<Self, String> {
        match format {
            Format::Table => print(heading().as_bytes())?,
            Format::Json => print(b"{\"data\":[")?,
            Format::Ndjson | Format::Csv => {}
        }
        Ok(Self { format, count: 0 })
    }

    pub(super) fn loan(&mut self, line: &[u8]) -> Result<(), String> {
        let first = self.count == 0;
        self.count = self.count.saturating_add(1);
        match self.format {
            Format::Table => print(row(line).as_bytes()),
            Format::Json => {
                print(if first { b"\n" } else { b",\n" })?;
                print(line.trim_ascii_end())
            }
            Format::Ndjson | Format::Csv => print(line),
        }
    }

    pub(super) fn end(&self, line: &[u8]) -> Result<(), String> {
        match self.format {
            Format::Ndjson => print(line),
            // What the last line says becomes the end of the document.
            Format::Json => {
                print(b"\n],")?;
                print(line.strip_prefix(END).unwrap_or_default())
            }
            Format::Table | Format::Csv => Ok(()),
        }
    }

    /// A stream that has no last line: a document says so itself.
    pub(super) fn broken_off(&self) -> Result<(), String> {
        match self.format {
            Format::Json => print(b"\n],\"complete\":false}\n"),
            Format::Table | Format::Ndjson | Format::Csv => Ok(()),
        }
    }
}

/// What the table shows of a loan.
#[derive(Debug, Deserialize)]
struct Row {
    id: String,
    record_type: String,
    kind: String,
    status: String,
    payment_status: String,
    currency: Option<String>,
    amounts: RowAmounts,
    next_payment: RowPayment,
}

#[derive(Debug, Deserialize)]
struct RowAmounts {
    total_outstanding: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RowPayment {
    due_on: Option<String>,
}

fn heading() -> String {
    columns([
        "STATUS",
        "PAYMENT",
        "KIND",
        "RECORD",
        "OUTSTANDING",
        "CUR",
        "DUE",
        "ID",
    ])
}

fn row(line: &[u8]) -> String {
    let Ok(row) = serde_json::from_slice::<Row>(line) else {
        return String::new();
    };
    let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    // An id is the provider's text, and a terminal obeys control characters.
    let id = row.id.replace(char::is_control, "\u{FFFD}");
    let (amount, currency) = (text(row.amounts.total_outstanding), text(row.currency));
    let due = text(row.next_payment.due_on);
    columns([
        &row.status,
        &row.payment_status,
        &row.kind,
        &row.record_type,
        &amount,
        &currency,
        &due,
        &id,
    ])
}

fn columns([status, payment, kind, record, amount, currency, due, id]: [&str; 8]) -> String {
    format!("{status:<11} {payment:<14} {kind:<14} {record:<19} {amount:>18} {currency:<3} {due:<10} {id}\n")
}

/// How many loans came so far, on a terminal only and only when it takes a while.
pub(super) struct Progress {
    shown: bool,
    count: usize,
    next: tokio::time::Instant,
}

impl Progress {
    pub(super) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal() && !std::io::stdout().is_terminal();
        Self {
            shown: terminal,
            count: 0,
            next: later(),
        }
    }

    pub(super) fn add(&mut self, loans: usize) {
        self.count = self.count.saturating_add(loans);
        if self.shown && tokio::time::Instant::now() >= self.next {
            self.next = later();
            let _ = write!(std::io::stderr(), "\r{} loans", self.count);
        }
    }

    pub(super) fn clear(&self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\u{1b}[K");
        }
    }
}

fn later() -> tokio::time::Instant {
    let now = tokio::time::Instant::now();
    now.checked_add(std::time::Duration::from_millis(200))
        .unwrap_or(now)
}
