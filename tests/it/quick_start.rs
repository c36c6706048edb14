//! `docs/quick-start.md`, typed by a test: its commands in one shell, and what they print held against what it shows.
//!
//! It needs bash, curl and nginx, and so runs where `LOANGATE_TEST_NGINX` says that there is one.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use loangate::sim::{Fault, Provider};
use tokio::process::Command;
use tokio::time::timeout;

use crate::proxy::nginx;

const PAGE: &str = include_str!("../../docs/quick-start.md");
const MARK: &str = "--8<-- block";

/// A block of commands, and what is shown below it.
struct Block {
    commands: String,
    shown: Option<String>,
}

fn blocks() -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for (nth, part) in PAGE.split("```").enumerate() {
        if nth % 2 == 0 {
            continue;
        }
        let (language, text) = part.split_once('\n').unwrap();
        match language {
            "sh" => blocks.push(Block {
                commands: text.to_owned(),
                shown: None,
            }),
            "text" => {
                let before = blocks.last_mut().unwrap().shown.replace(text.to_owned());
                assert_eq!(before, None, "two outputs in a row: {text}");
            }
            "console" => {}
            other => panic!("a block in {other}"),
        }
    }
    blocks
}

/// Whether a line is what is shown, where `…` stands for anything.
fn matches(shown: &str, line: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
        last = Some(part);
    }
    last.map_or(rest.is_empty(), |last| last.is_empty() || line.ends_with(last))
}

#[test]
fn anything_is_three_dots() {
    assert!(matches("a…c", "abc") && matches("a…", "ab") && matches("a…c…", "abcd") && matches("a", "a"));
    assert!(!matches("a…c", "abcd") && !matches("a", "ab") && !matches("b…", "ab") && !matches("a…c…", "ab"));
}

#[test]
fn every_fault_and_every_provider_is_named() {
    for word in Fault::WORDS {
        assert!(PAGE.contains(&format!("\n| `{word}` | ")), "{word}");
    }
    for provider in Provider::ALL {
        assert!(PAGE.contains(&format!("`{}`", provider.as_str())), "{provider:?}");
    }
}

#[tokio::test]
async fn the_quick_start_does_what_it_says() {
    let Some(nginx) = nginx() else {
        return;
    };
    let blocks = blocks();
    assert!(blocks.len() > 10, "{}", blocks.len());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = tempfile::tempdir().unwrap();
    // The program under test; an address of loopback that nobody else uses, with all of its ports.
    let program = Path::new(env!("CARGO_BIN_EXE_loangate")).parent().unwrap();
    let [one, two, three] = std::array::from_fn(|_| fastrand::u8(1..255));
    let address = format!("127.{one}.{two}.{three}");
    let here = |text: &str| {
        text.replace("$PWD/target/release", &program.display().to_string())
            .replace("/usr/sbin/nginx", &nginx.to_string_lossy())
            .replace(
                "loangate simulate --port 9090",
                "loangate simulate --listen 127.0.0.1:9090",
            )
            .replace("127.0.0.1", &address)
    };
    for shared in ["config/example.toml", "deploy/nginx/loangate.conf"] {
        let copy = directory.path().join(shared);
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::write(copy, here(&std::fs::read_to_string(root.join(shared)).unwrap())).unwrap();
    }
    let mut script = "set -euo pipefail; trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n".to_owned();
    for block in &blocks {
        writeln!(script, "{}\nprintf '\\n%s\\n' '{MARK}'", here(&block.commands)).unwrap();
    }
    let path = directory.path().join("quick-start.sh");
    std::fs::write(&path, script).unwrap();
    let running = Command::new("bash")
        .arg(&path)
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .env_remove("LOANGATE_CONFIG")
        .kill_on_drop(true)
        .output();
    let output = timeout(Duration::from_mins(1), running).await.unwrap().unwrap();
    let (out, error) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert!(output.status.success(), "{out}\n{error}");
    let printed: Vec<&str> = out.split(&format!("\n{MARK}\n")).collect();
    assert_eq!(printed.len(), blocks.len() + 1, "{out}");
    for (block, printed) in blocks.iter().zip(printed) {
        let Some(shown) = &block.shown else {
            continue;
        };
        let shown = here(shown);
        let same = shown.lines().count() == printed.lines().count()
            && shown
                .lines()
                .zip(printed.lines())
                .all(|(shown, line)| matches(shown, line));
        assert!(
            same,
            "after\n{}\nis shown\n{shown}\nand printed\n{printed}\n{error}",
            block.commands
        );
    }
}
