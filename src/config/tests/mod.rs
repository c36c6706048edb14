//! The whole room from the outside.

mod clients;
mod environment;
mod files;
mod gateway;
mod jwt;
mod secrets;
mod sections;
mod telemetry;

use super::{Document, Problems, Section};

type Variables<'v> = &'v [(&'v str, &'v str)];

fn parse(text: &str, env: Variables<'_>) -> Result<Document, Problems> {
    Document::parse(
        text,
        env.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    )
}

/// Reads the root of a document that parses.
fn reading<T>(
    text: &str,
    env: Variables<'_>,
    read: impl FnOnce(&mut Section<'_>) -> T,
) -> Result<T, Problems> {
    parse(text, env).unwrap().with_root(read)
}

/// The problems of a document, as a person sees them.
fn problems<T>(text: &str, env: Variables<'_>, read: impl FnOnce(&mut Section<'_>) -> T) -> String {
    match reading(text, env, read) {
        Ok(_) => String::new(),
        Err(problems) => problems.to_string(),
    }
}
