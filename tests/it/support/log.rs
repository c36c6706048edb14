//! Everything that is written to the log while a test runs: all targets, all levels, spans too.

use std::cell::RefCell;
use std::fmt::{Debug, Write as _};
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

thread_local! {
    /// The lines of this thread's test. A test runs on one thread, and so does everything it starts.
    static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Captures the log of this thread.
#[derive(Debug)]
pub struct Capturing(());

impl Capturing {
    pub fn start() -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| tracing_subscriber::registry().with(Capture).init());
        LINES.set(Some(Vec::new()));
        Self(())
    }

    /// Ends it and gives what was written.
    pub fn end(self) -> Vec<String> {
        let Self(()) = self;
        LINES.take().unwrap_or_default()
    }
}

struct Capture;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Capture {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        // Which thread captures changes all the time.
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>, _: Context<'_, S>) -> bool {
        LINES.with_borrow(Option::is_some)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        keep(attributes.metadata(), |line| attributes.record(line));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(metadata) = context.metadata(id) {
            keep(metadata, |line| values.record(line));
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        keep(event.metadata(), |line| event.record(line));
    }
}

fn keep(metadata: &Metadata<'_>, record: impl FnOnce(&mut Line)) {
    let mut line = Line(format!(
        "{} {} {}",
        metadata.level(),
        metadata.target(),
        metadata.name()
    ));
    record(&mut line);
    LINES.with_borrow_mut(|lines| lines.as_mut().map(|lines| lines.push(line.0)));
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        write!(self.0, " {field}={value}").unwrap();
    }
}
