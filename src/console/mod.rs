//! The pages for people: an operator's view of the connections, and an integrator's of loans. They are programs that run in
//! the visitor's browser and ask the public API; nothing here knows any data.
//!
//! The files in `page/` are what a browser reads, as they are. They are named by a hash over all of them, so that one that
//! was fetched is good for ever, and compressed when somebody asks for the first time.

#![warn(missing_docs)]

mod files;

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

/// The page itself, which names everything else.
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
        let mut hash = Sha256::new();
        for (name, text) in files::ALL {
            hash.update(name);
            hash.update([0]);
            hash.update(text);
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
        let parts = files::ALL.iter().filter(|(name, _)| !is("css", name));
        let mut files: Vec<File> = parts
            .map(|(name, text)| File::new(name, (*text).to_owned()))
            .collect();
        let styles = files::ALL.iter().filter(|(name, _)| is("css", name));
        let styles = styles.map(|(_, text)| *text).collect();
        files.push(File::new(STYLES, styles));
        Self {
            index: File::new("", index(&version)),
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

/// The page, with the addresses of its files: what makes it look right first, then the parts of the program that its first
/// view is made of, so that a browser need not read one to learn of the next. They are relative, whatever the gateway is mounted below.
fn index(version: &str) -> String {
    let mut head = format!("<link rel=\"stylesheet\" href=\"{BELOW}/{version}/{STYLES}\">\n");
    let later = |name: &str| files::LATER.iter().any(|view| name.starts_with(view));
    let parts = files::ALL
        .iter()
        .filter(|(name, _)| is("js", name) && *name != files::START && !later(name));
    for (name, _) in parts {
        let _ = writeln!(
            head,
            "<link rel=\"modulepreload\" href=\"{BELOW}/{version}/{name}\">"
        );
    }
    INDEX
        .replace("{head}", head.trim_end())
        .replace("{assets}", &format!("{BELOW}/{version}"))
}

fn is(extension: &str, name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, own)| own == extension)
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
