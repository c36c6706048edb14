//! The pages for people: an operator's view of the connections, and an integrator's of loans. They are programs that run in
//! the visitor's browser and ask the public API; nothing here knows any data.
//!
//! The modules in `page/` are what is written, and `built/` is what `.ci/bundle` makes of them. The files are named by a hash
//! over all of them, so that one that was fetched is good for ever, and compressed when somebody asks for the first time.

#![warn(missing_docs)]

mod files;

use std::fmt::Write as _;
use std::io::Write as _;
use std::iter;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

/// The page itself, which names everything else. Its addresses are relative, whatever the gateway is mounted below.
const INDEX: &str = include_str!("page/index.html");

/// Where the files are, seen from the page.
const BELOW: &str = "console/assets";

/// All styles in one: a browser shows nothing before it has them.
const STYLES: &str = "styles.css";

/// Something a browser fetches.
#[derive(Debug)]
pub struct File {
    /// Its name below the assets; nothing for the page itself.
    pub name: &'static str,
    /// The value of `Content-Type`.
    pub kind: &'static str,
    /// What is in it.
    pub plain: String,
    /// The same, compressed with gzip.
    pub gzip: Vec<u8>,
}

/// The page and its files.
#[derive(Debug)]
pub struct Pages {
    /// What all names begin with: a hash over the files.
    pub version: String,
    /// The page.
    pub index: File,
    files: Vec<File>,
}

impl Pages {
    /// The pages of this binary.
    pub fn get() -> &'static Self {
        static PAGES: LazyLock<Pages> = LazyLock::new(Pages::new);
        &PAGES
    }

    fn new() -> Self {
        let styles = files::STYLES.iter().map(|(_, text)| *text).collect();
        let whole = files::PROGRAM.iter().chain(&files::OTHERS);
        let whole = whole.map(|(name, text)| File::new(name, (*text).to_owned()));
        let files: Vec<File> = iter::once(File::new(STYLES, styles)).chain(whole).collect();
        let mut hash = Sha256::new();
        for file in &files {
            hash.update(file.name);
            hash.update([0]);
            hash.update(&file.plain);
            hash.update([0]);
        }
        hash.update(INDEX);
        let version: String = hash
            .finalize()
            .iter()
            .take(8)
            .fold(String::new(), |mut text, byte| {
                // Writing to a string does not fail.
                let _ = write!(text, "{byte:02x}");
                text
            });
        let index = INDEX.replace("{assets}", &format!("{BELOW}/{version}"));
        Self {
            index: File::new("", index),
            files,
            version,
        }
    }

    /// The file of this name, of this version.
    pub fn file(&self, version: &str, name: &str) -> Option<&File> {
        self.files
            .iter()
            .find(|file| version == self.version && file.name == name)
    }

    /// All files beside the page.
    pub fn files(&self) -> &[File] {
        &self.files
    }
}

impl File {
    fn new(name: &'static str, plain: String) -> Self {
        Self {
            name,
            kind: kind(name),
            gzip: compressed(plain.as_bytes()),
            plain,
        }
    }
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        None => "text/html; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        Some(_) => "text/plain; charset=utf-8",
    }
}

fn compressed(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    let _ = encoder.write_all(plain);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests;
