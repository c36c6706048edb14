//! The log: on standard error, one line for each event, whatever is in it.

use std::fmt::Write as _;
use std::io::{self, Write};

use loangate::config::{Log, LogFormat};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts the log. Only events of this program get below `warn`, so that no library ever writes an address that
/// names a person.
pub(super) fn start(log: &Log) {
    let filter = EnvFilter::builder().parse_lossy(&log.filter);
    let ours =
        filter_fn(|event| event.target().starts_with("loangate") || *event.level() <= tracing::Level::WARN);
    let layer = layer(log.format, io::stderr);
    // A second start in one process keeps the first log.
    let started = tracing_subscriber::registry()
        .with(layer.with_filter(ours).with_filter(filter))
        .try_init();
    if started.is_ok() {
        // Without what was said: it may hold a value.
        std::panic::set_hook(Box::new(|panic| {
            let at = panic.location().map(ToString::to_string);
            tracing::error!(at, "a panic");
        }));
    }
}

/// Lines of this format, to wherever `open` leads.
fn layer<S, W>(format: LogFormat, open: fn() -> W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    W: Write + 'static,
{
    // Without colours: they are control characters too.
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(move || Escaped(open()))
        .with_ansi(false);
    match format {
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
        LogFormat::Pretty => layer.boxed(),
    }
}

/// Writes a line without anything that a terminal or a reader of lines would act upon, but for its end. What is written
/// instead reads the same inside a JSON string.
struct Escaped<W>(W);

impl<W: Write> Write for Escaped<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let mut escaped = String::with_capacity(event.len().saturating_add(16));
        for c in line.chars() {
            if acts(c) {
                // Writing to a String cannot fail. All of these are below U+10000.
                let _ = write!(escaped, "\\u{:04x}", u32::from(c));
            } else {
                escaped.push(c);
            }
        }
        escaped.push('\n');
        // Whole, so that no other line gets in between.
        self.0.write_all(escaped.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Control characters, line and paragraph separators, and what turns the direction of text around.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    thread_local! {
        static WRITTEN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }

    struct Here;

    impl Write for Here {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            WRITTEN.with_borrow_mut(|written| written.extend_from_slice(bytes));
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Every control character there is, beside a line that looks like another event.
    fn hostile() -> String {
        let controls = (0..0x20).chain(0x7f..0xa0).filter_map(char::from_u32);
        let rest = "\u{2028}\u{2029}\u{202e}\u{feff}\n{\"level\":\"INFO\"}\r\n";
        controls.chain(rest.chars()).collect()
    }

    #[test]
    fn an_event_is_one_line_whatever_it_holds() {
        for format in [LogFormat::Json, LogFormat::Pretty] {
            let log = tracing_subscriber::registry().with(layer(format, || Here));
            tracing::subscriber::with_default(log, || {
                let text = hostile();
                tracing::warn!("{text}");
                tracing::warn!(field = text, "a string");
                tracing::warn!(field = %text, "as it is shown");
                tracing::warn!(field = ?text, "as a debugger shows it");
            });
            let written = String::from_utf8(WRITTEN.take()).unwrap();
            let lines: Vec<&str> = written.split_terminator('\n').collect();
            assert_eq!(lines.len(), 4, "{format:?}: {lines:#?}");
            for line in lines {
                assert!(
                    line.contains("WARN") && !line.contains(acts),
                    "{format:?}: {line:?}"
                );
                if format == LogFormat::Json {
                    assert!(line.starts_with('{') && line.ends_with('}'), "{line}");
                    serde_json::from_str::<serde::de::IgnoredAny>(line).unwrap();
                }
            }
        }
    }
}
