//! Pages below `docs/` that would be wrong as soon as nobody looked: the reference of the config, which is written here
//! from `config/default.toml`; the page of codes; and every link.
//!
//! After a change of `config/default.toml`:
//!
//! ```sh
//! LOANGATE_BLESS=1 cargo test --test it documents::
//! ```

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use loangate::api::problem::Code;
use loangate::upstream::Kind;

const INTRODUCTION: &str = "# Configuration

Every setting, with its default. Written by a test from [`config/default.toml`](../config/default.toml), which says the
same in the form of a config; change it there, and then
`LOANGATE_BLESS=1 cargo test --test it documents::`.

- The config is one TOML file: `loangate serve --config FILE`, or the variable `LOANGATE_CONFIG`. What is not in it has its
  default.
- `loangate check --config FILE` lists everything that is wrong with it at once, each with its key, and exits with 2. An
  unknown key is wrong. `--probe` also calls each connection once.
- A variable overrides any key: `server.listen` is `LOANGATE__SERVER__LISTEN`. Upper case, two underscores between the
  parts, a comma between the items of a list, and the number from 0 for a client: `LOANGATE__AUTH__CLIENTS__0__KEY_HASH`.
- A secret `x` is given as `x`, as `x_file = \"/run/secrets/…\"` (trailing newlines are dropped) or as `x_env = \"NAME\"`;
  exactly one of them. Prefer files: a variable is seen by whoever sees the process.
- Durations are a whole number and `ms`, `s`, `m` or `h`; sizes a whole number and `B`, `KiB`, `MiB` or `GiB`.
- SIGHUP reads the file again. A file with a problem changes nothing but the log. `server.listen`, `drain_delay`,
  `shutdown_grace`, `max_in_flight`, `[log]`, `[telemetry]` and `cursor.ttl` are read at the start only.

In the tables, `–` is off by default; what follows is an example.
";

/// Settings of `[auth.jwt]` that have no default.
const OF_ONE_PROVIDER: [&str; 5] = ["issuer", "audience", "jwks_url", "rate_limit", "max_concurrency"];

/// Lines of the reference below one heading.
struct Table {
    rows: Vec<String>,
    /// What was said since the last key.
    remark: Vec<String>,
}

impl Table {
    fn said(&mut self) -> String {
        let mut text = String::new();
        for line in self.remark.drain(..) {
            match line.strip_prefix("- ") {
                Some(item) => write!(text, "<br>• {item}").unwrap(),
                None if text.is_empty() => text = line,
                None => write!(text, " {line}").unwrap(),
            }
        }
        text.replace('|', "\\|")
            .replace('<', "&lt;")
            .replace("&lt;br>", "<br>")
    }
}

/// Whether `line` is a setting: `key = …`, or `[table]`.
fn setting(line: &str) -> bool {
    let key = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    line.starts_with('[') || line.split_once(" = ").is_some_and(|(name, _)| key(name))
}

/// The reference, from the text of `config/default.toml`.
fn reference(toml: &str) -> String {
    let mut text = INTRODUCTION.to_owned();
    let mut table = Table {
        rows: Vec::new(),
        remark: Vec::new(),
    };
    // The last settings of connections are the same for all of them, and what is shown there is what they are.
    let mut common = false;
    let mut tokens = false;
    // The introduction above says what the one of the file does.
    let body = toml
        .split_once("\n[")
        .map(|(_, body)| format!("[{body}"))
        .unwrap();
    for line in body.lines() {
        let off = line.starts_with('#');
        let bare = line.strip_prefix('#').unwrap_or(line);
        if line.is_empty() {
            // Words that belong to no key: the next table's, or nobody's.
            if !table.remark.is_empty() {
                let said = table.said();
                flush(&mut text, &mut table);
                writeln!(text, "\n{said}").unwrap();
            }
        } else if let Some(remark) = bare.strip_prefix(' ').filter(|_| off) {
            common |= remark.starts_with("The settings below can be given for every connection");
            if common && remark.starts_with("The settings below") {
                flush(&mut text, &mut table);
                writeln!(text, "\n## Every connection\n\n{remark}").unwrap();
            } else {
                table.remark.push(remark.to_owned());
            }
        } else if bare.starts_with('[') {
            flush(&mut text, &mut table);
            tokens = bare == "[auth.jwt]";
            let said = table.said();
            writeln!(text, "\n## `{bare}`").unwrap();
            if !said.is_empty() {
                writeln!(text, "\n{said}").unwrap();
            }
        } else {
            assert!(setting(bare), "{line}");
            let (key, value) = bare.split_once(" = ").unwrap();
            let said = table.said();
            let shown_is_so =
                (common && !said.contains("Without it")) || (tokens && !OF_ONE_PROVIDER.contains(&key));
            let none = off && !shown_is_so;
            let shown = if none { "–, `" } else { "`" };
            table.rows.push(format!("| `{key}` | {shown}{value}` | {said} |"));
        }
    }
    flush(&mut text, &mut table);
    text
}

fn flush(text: &mut String, table: &mut Table) {
    if table.rows.is_empty() {
        return;
    }
    text.push_str("\n| key | default | meaning |\n|---|---|---|\n");
    for row in table.rows.drain(..) {
        writeln!(text, "{row}").unwrap();
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_reference_of_the_config_is_the_one_in_docs_configuration_md() {
    let toml = fs::read_to_string(root().join("config/default.toml")).unwrap();
    let reference = reference(&toml);
    // Each key of the file is in it.
    let keys = toml.lines().filter_map(|line| {
        let line = line.strip_prefix('#').unwrap_or(line);
        setting(line).then(|| line.split_once(" = ")).flatten()
    });
    for (key, value) in keys {
        assert!(reference.contains(&format!("| `{key}` | ")), "{key}");
        assert!(reference.contains(&format!("`{value}` | ")), "{key} = {value}");
    }
    let path = root().join("docs/configuration.md");
    if std::env::var_os("LOANGATE_BLESS").is_some() {
        fs::write(&path, &reference).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let changed: Vec<&str> = reference
        .lines()
        .filter(|line| !written.lines().any(|known| known == *line))
        .collect();
    assert!(
        reference == written,
        "docs/configuration.md is not what config/default.toml says; new lines:\n{}",
        changed.join("\n")
    );
}

#[test]
fn every_code_has_its_place_in_docs_problems_md() {
    let page = fs::read_to_string(root().join("docs/problems.md")).unwrap();
    let headings: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    for code in Code::ALL {
        let heading = format!("`{}` ({})", code.as_str(), code.status().as_u16());
        assert!(headings.contains(&heading.as_str()), "{heading}");
    }
    for kind in Kind::ALL {
        let heading = format!("source `{}`", kind.as_str());
        assert!(headings.contains(&heading.as_str()), "{heading}");
        let row = page.split(&format!("### {heading}\n")).nth(1).unwrap();
        let said = row.lines().find(|line| !line.is_empty()).unwrap();
        let expected = if kind.retryable() {
            "Retryable."
        } else {
            "Not retryable."
        };
        assert!(said.starts_with(expected), "{heading}: {said}");
    }
    assert_eq!(headings.len(), Code::ALL.len() + Kind::ALL.len(), "{headings:?}");
}

/// The part of an address behind `#` that a heading makes.
fn anchor(heading: &str) -> String {
    let plain = heading.trim().to_lowercase().replace(' ', "-");
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_');
    plain.chars().filter(kept).collect()
}

fn pages() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![root()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy();
            if path.is_dir() && !name.starts_with('.') && name != "target" {
                left.push(path);
            } else if name.ends_with(".md") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    assert!(pages.len() > 15, "{pages:?}");
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let prose = text.split("```").step_by(2).collect::<Vec<_>>().concat();
        for link in prose.split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (path, place) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() {
                page.clone()
            } else {
                page.parent().unwrap().join(path)
            };
            assert!(target.exists(), "{}: {link}", page.display());
            if !place.is_empty() {
                let headings: BTreeSet<String> = headings(&target);
                assert!(
                    headings.contains(place),
                    "{}: {link}: {headings:?}",
                    page.display()
                );
            }
        }
    }
}

fn headings(page: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(page).unwrap();
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| anchor(line.trim_start_matches('#')))
        .collect()
}
