//! The map in `src/lib.rs`, held to: which room may look into which, and how large a file gets.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use loangate::providers;

/// Rooms, and the rooms each may name.
const MAY_NAME: [(&str, &[&str]); 15] = [
    (
        "api",
        &[
            "console",
            "fleet",
            "gather",
            "identity",
            "loan",
            "record",
            "providers",
            "upstream",
            "store",
            "telemetry",
        ],
    ),
    (
        "app",
        &[
            "api",
            "fleet",
            "identity",
            "server",
            "gather",
            "store",
            "config",
            "telemetry",
        ],
    ),
    ("config", &[]),
    ("console", &[]),
    ("fleet", &["telemetry"]),
    (
        "gather",
        &[
            "providers",
            "fleet",
            "loan",
            "record",
            "upstream",
            "config",
            "telemetry",
        ],
    ),
    ("identity", &["upstream", "telemetry"]),
    ("loan", &[]),
    ("providers", &["loan", "record", "upstream", "config"]),
    ("record", &["loan"]),
    ("server", &[]),
    ("sim", &[]),
    ("store", &[]),
    ("telemetry", &[]),
    ("upstream", &["telemetry"]),
];

const LONGEST_FILE: usize = 400;

struct Source {
    /// From the root of the repository.
    path: String,
    /// The room, which is the first part of the path below `src`.
    room: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut list = Vec::new();
    let mut left = vec![root.join("src"), root.join("tests")];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                list.push(read(root, &path));
            }
        }
    }
    list.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(list.len() > 60);
    list
}

fn read(root: &Path, path: &Path) -> Source {
    let text = fs::read_to_string(path).unwrap();
    let below: PathBuf = path.strip_prefix(root).unwrap().to_owned();
    let second = below.iter().nth(1).unwrap().to_string_lossy();
    Source {
        room: second.trim_end_matches(".rs").to_owned(),
        path: below.to_string_lossy().into_owned(),
        text,
    }
}

fn in_room(name: &str) -> Vec<Source> {
    let mut list = sources();
    list.retain(|source| source.path.starts_with("src/") && source.room == name && !is_test(&source.path));
    assert!(!list.is_empty(), "{name}");
    list
}

/// Tests may name whatever they need.
fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.ends_with("/golden.rs")
}

/// The text without comments and without the tests beside the code.
fn code(source: &Source) -> String {
    let text = source.text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = text.lines().map(|line| match line.split_once("//") {
        // A URL in a string is not a comment.
        Some((before, _)) if !before.ends_with(':') => before,
        _ => line,
    });
    lines.fold(String::new(), |code, line| code + line + "\n")
}

/// The paths below the crate that a file names: `use crate::{a, b::c}` gives `a` and `b::c`.
fn named(code: &str) -> BTreeSet<String> {
    let name = |text: &str| -> String {
        text.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':'))
            .collect()
    };
    let mut names = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        let Some(group) = after.strip_prefix('{') else {
            names.insert(name(after));
            continue;
        };
        let mut depth = 0_i32;
        let mut start = 0;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' | ',' if depth == 0 => {
                    names.insert(name(&group[start..at]));
                    start = at + 1;
                    if c == '}' {
                        break;
                    }
                }
                '}' => depth -= 1,
                _ => {}
            }
        }
    }
    names.remove("");
    names
}

#[test]
fn groups_of_uses_are_read() {
    let found = named(
        "use crate::{loan::{A, B}, upstream};\nuse crate::gather::C; pub(crate) fn f(x: crate::sim::D)",
    );
    let expected = ["gather::C", "loan::", "sim::D", "upstream"];
    assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn no_room_reaches_where_it_may_not() {
    for (room, may) in MAY_NAME {
        for source in in_room(room) {
            for name in named(&code(&source)) {
                let other = name.split(':').next().unwrap();
                // How a value is written in binary, every room may say.
                let fine = other == room || other == "binary" || may.contains(&other);
                assert!(
                    fine,
                    "{} uses crate::{name}; {room} may name {may:?}",
                    source.path
                );
            }
        }
    }
}

/// The rooms are all there is, so none escapes the rule.
#[test]
fn every_room_is_on_the_map() {
    let rooms: BTreeSet<String> = sources()
        .into_iter()
        .filter(|source| source.path.starts_with("src/"))
        .map(|source| source.room)
        .collect();
    let mut known: BTreeSet<String> = MAY_NAME.iter().map(|(room, _)| (*room).to_owned()).collect();
    known.extend(["binary", "lib", "main", "command", "vocabulary"].map(str::to_owned));
    assert_eq!(rooms, known);
}

#[test]
fn api_knows_only_the_kinds_of_upstream_failures() {
    for source in in_room("api") {
        for name in named(&code(&source)) {
            let kinds_only = !name.starts_with("upstream") || name.starts_with("upstream::Kind");
            assert!(kinds_only, "{} uses crate::{name}", source.path);
        }
    }
}

/// Outside its own folder nobody names a provider: neither as a module nor as a word.
#[test]
fn providers_are_named_at_home_only() {
    let names: Vec<&str> = providers::ALL.iter().map(|descriptor| descriptor.name).collect();
    assert_eq!(names.len(), 5);
    let rooms = [
        "api",
        "app",
        "config",
        "fleet",
        "gather",
        "identity",
        "loan",
        "record",
        "server",
        "store",
        "telemetry",
        "upstream",
    ];
    for source in rooms.into_iter().flat_map(in_room) {
        let code = code(&source);
        for name in &names {
            assert!(
                !code.contains(&format!("\"{name}")),
                "{} says \"{name}\"",
                source.path
            );
            assert!(
                !code.contains(&format!("providers::{name}")),
                "{} names {name}",
                source.path
            );
        }
    }
    for source in in_room("providers") {
        let home = source.path.split('/').nth(2).unwrap().to_owned();
        for other in names.iter().filter(|name| **name != home) {
            let ways = [format!("super::{other}::"), format!("providers::{other}")];
            let at_registry = source.path == "src/providers/mod.rs";
            let reaches = ways.iter().any(|way| code(&source).contains(way));
            assert!(at_registry || !reaches, "{} names {other}", source.path);
        }
    }
}

#[test]
fn no_frameworks_where_they_do_not_belong() {
    let rules = [
        ("loan", &["axum", "reqwest", "tokio"] as &[&str]),
        ("record", &["axum", "reqwest", "tokio"]),
        ("providers", &["axum", "tokio", "tracing"]),
        ("upstream", &["axum", "redis"]),
        ("fleet", &["axum", "reqwest"]),
        ("gather", &["axum", "reqwest", "redis"]),
        ("identity", &["axum", "reqwest"]),
        ("store", &["axum", "reqwest"]),
        ("api", &["reqwest", "redis"]),
        ("telemetry", &["axum"]),
        ("console", &["axum", "reqwest", "tokio"]),
    ];
    for (room, banned) in rules {
        for source in in_room(room) {
            let code = code(&source);
            for name in banned {
                assert!(
                    !code.contains(&format!("{name}::")),
                    "{} uses {name}",
                    source.path
                );
            }
        }
    }
}

#[test]
fn files_stay_short() {
    for source in sources() {
        let own = source.text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
        let lines = own.lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines", source.path);
    }
}
