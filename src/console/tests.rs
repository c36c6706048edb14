#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use flate2::read::GzDecoder;

use super::*;

/// The whole first load, compressed.
const MOST: usize = 150_000;
const LONGEST_FILE: usize = 400;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/console/page"))
}

/// Names of the files in the folder, from there on.
fn present() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut left = vec![folder().to_owned()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path.strip_prefix(folder()).unwrap();
                names.insert(name.to_str().unwrap().to_owned());
            }
        }
    }
    names
}

/// What we wrote ourselves, and not what is vendored.
fn own() -> impl Iterator<Item = (String, String)> {
    let own = present().into_iter().filter(|name| !name.starts_with("vendor/"));
    own.map(|name| {
        let text = fs::read_to_string(folder().join(&name)).unwrap();
        (name, text)
    })
}

/// Modules are in what is made of them.
#[test]
fn every_other_file_of_the_folder_is_in_the_binary() {
    let mut present = present();
    assert!(present.remove("index.html"));
    assert!(present.remove("vendor/README.md"));
    present.retain(|name| !kind(name).starts_with("text/javascript"));
    let known = files::STYLES.iter().chain(&files::OTHERS);
    let known: BTreeSet<String> = known.map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(present, known);
}

#[test]
fn what_is_compressed_is_what_it_was() {
    let pages = Pages::get();
    for file in pages.files().iter().chain([&pages.index]) {
        let mut text = String::new();
        GzDecoder::new(&*file.gzip).read_to_string(&mut text).unwrap();
        assert_eq!(text, file.plain, "{}", file.name);
    }
}

#[test]
fn the_first_load_is_light() {
    let pages = Pages::get();
    let loaded = pages
        .files()
        .iter()
        .filter(|file| file.kind != "text/plain; charset=utf-8");
    let bytes: usize = loaded.map(|file| file.gzip.len()).sum::<usize>() + pages.index.gzip.len();
    assert!(bytes < MOST, "{bytes} bytes");
}

/// The first view is one program and one sheet of styles, named by the page.
#[test]
fn the_page_names_what_its_first_view_is_made_of_and_nothing_elsewhere() {
    let pages = Pages::get();
    for name in ["main.js", "styles.css", "icon.svg"] {
        let address = format!("\"{BELOW}/{}/{name}\"", pages.version);
        assert!(pages.index.plain.contains(&address), "{name}");
    }
    assert!(!pages.index.plain.contains('{'), "{}", pages.index.plain);
    for (name, text) in own() {
        for address in text.split("http").skip(1) {
            // The name of SVG is an address that nobody fetches.
            let fine = !address.starts_with("://") && !address.starts_with("s://");
            assert!(
                fine || address.starts_with("://www.w3.org/2000/svg"),
                "{name}: http{address:.20}"
            );
        }
    }
}

/// What is not there cannot be done: text becomes text, and nothing is kept.
#[test]
fn nothing_writes_html_runs_text_or_keeps_anything() {
    let banned = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "dangerouslySetInnerHTML",
        "document.write",
        "eval(",
        "new Function",
        "localStorage",
        "sessionStorage",
        "indexedDB",
        "document.cookie",
        "style=\"",
        "onclick=",
    ];
    for (name, text) in own() {
        for word in banned {
            assert!(!text.contains(word), "{name} has {word}");
        }
    }
    assert!(!INDEX.contains("<style") && !INDEX.contains("style="));
    assert_eq!(INDEX.matches("<script").count(), 1);
}

/// A Number is made of an amount in one place, for a width on the screen.
#[test]
fn amounts_stay_text() {
    for (name, text) in own() {
        if name != "money.js" {
            assert!(!text.contains("parseFloat"), "{name}");
        }
    }
}

#[test]
fn files_stay_short() {
    for (name, text) in own() {
        assert!(text.lines().count() <= LONGEST_FILE, "{name}");
    }
}

#[test]
fn a_file_has_one_address() {
    let pages = Pages::get();
    assert!(pages.file(&pages.version, "main.js").is_some());
    assert!(pages.file(&pages.version, "styles.css").is_some());
    for (version, name) in [
        ("0", "main.js"),
        (&*pages.version, ""),
        (&*pages.version, "../mod.rs"),
        (&*pages.version, "index.html"),
        (&*pages.version, "vendor/README.md"),
    ] {
        assert!(pages.file(version, name).is_none(), "{version} {name}");
    }
}
