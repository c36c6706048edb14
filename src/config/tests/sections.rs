use std::time::Duration;

use super::{parse, problems, reading};
use crate::config::{Origin, Section};

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// One key of each type, with defaults that no test writes.
fn each(section: &mut Section<'_>) -> (String, u8, bool, u64, Duration, u64, Vec<String>) {
    (
        section.string_or("name", "unnamed"),
        section.choice("mode", 0, &[("slow", 1), ("fast", 2)]),
        section.bool_or("flag", false),
        section.integer_or("count", 7, 1..=10),
        section.duration_or("wait", seconds(9), Duration::ZERO..=seconds(60)),
        section.bytes_or("size", 9, 1..=1 << 30),
        section.strings("list"),
    )
}

#[test]
fn defaults_and_values() {
    let defaults = ("unnamed".to_owned(), 0, false, 7, seconds(9), 9, vec![]);
    assert_eq!(reading("", &[], each).unwrap(), defaults);

    let text = r#"
        name = ""
        mode = "fast"
        flag = true
        count = 3
        wait = "250ms"
        size = "8MiB"
        list = ["a", "b,c"]
    "#;
    let given = (
        String::new(),
        2,
        true,
        3,
        Duration::from_millis(250),
        8 << 20,
        vec!["a".into(), "b,c".into()],
    );
    assert_eq!(reading(text, &[], each).unwrap(), given);
    assert_eq!(reading("size = 1024", &[], each).unwrap().5, 1024);
}

#[test]
fn every_problem_at_once_and_sorted() {
    let text = r#"
        name = 1
        mode = "medium"
        flag = "true"
        count = 11
        wait = 5
        size = "8MB"
        list = ["a", ""]
        lost = 1
    "#;
    assert_eq!(
        problems(text, &[], |section| {
            each(section);
            section.require_string("needed");
        }),
        "count: must be a whole number from 1 to 10\n\
         flag: must be true or false\n\
         list: must be a list of strings, none of them empty\n\
         lost: unknown key (did you mean list?)\n\
         mode: must be one of \"slow\", \"fast\"\n\
         name: must be a string\n\
         needed: is required\n\
         size: must be a size from \"1B\" to \"1GiB\" (a whole number and B, KiB, MiB or GiB)\n\
         wait: must be a duration from \"0s\" to \"1m\" (a whole number and ms, s, m or h)"
    );
}

#[test]
fn a_bad_value_gives_the_default() {
    let document = parse("count = -1\nmode = 3", &[]).unwrap();
    let (read, ledger) = document.run(each);
    assert_eq!((read.1, read.3), (0, 7));
    assert_eq!(ledger.problems.len(), 2);
}

#[test]
fn values_are_never_repeated() {
    let text = r#"
        name = ["hunter2"]
        mode = "hunter2"
        flag = "hunter2"
        count = "hunter2"
        wait = "hunter2"
        size = "hunter2"
        list = "hunter2"
        url = "https://me:hunter2@api.example.com"
        stray = "hunter2"
    "#;
    let shown = problems(text, &[("UNRELATED", "hunter2")], |section| {
        each(section);
        section.base_url("url", None);
    });
    assert_eq!(shown.lines().count(), 9);
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn required_strings() {
    let read = |section: &mut Section<'_>| section.require_string("id");
    assert_eq!(reading("id = 'x'", &[], read).unwrap(), "x");
    assert_eq!(problems("", &[], read), "id: is required");
    assert_eq!(
        problems("id = ''", &[], read),
        "id: must be a string that is not empty"
    );
}

#[test]
fn unknown_keys_are_named_with_the_nearest_known_one() {
    let read = |section: &mut Section<'_>| {
        section.table("server", |server| {
            server.string("listen");
            server.string("deadline");
        });
    };
    let text = "
        [server]
        listne = 'x'
        Deadline = 'x'
        banana = 'x'
        [sever]
        listen = 'x'
        [[clients]]
    ";
    assert_eq!(
        problems(text, &[], read),
        "clients: unknown key\n\
         server.Deadline: unknown key (did you mean server.deadline?)\n\
         server.banana: unknown key\n\
         server.listne: unknown key (did you mean server.listen?)\n\
         sever: unknown key (did you mean server?)"
    );
}

#[test]
fn a_table_that_is_none_is_one_problem() {
    let read = |section: &mut Section<'_>| {
        section.table("server", |server| server.require_string("listen"));
    };
    assert_eq!(problems("server = 1", &[], read), "server: must be a table");
    assert_eq!(problems("[[server]]", &[], read), "server: must be a table");
    assert_eq!(
        problems("[server.listen]", &[], read),
        "server.listen: must be a string that is not empty"
    );
    assert_eq!(problems("", &[], read), "server.listen: is required");
}

#[test]
fn the_caller_has_rules_of_its_own() {
    let read = |section: &mut Section<'_>| {
        section.table("a", |section| {
            assert_eq!(section.path(), "a");
            assert_eq!(section.keys(), ["kind", "more"]);
            section.string("kind");
            section.problem("kind", "must be one of ours");
            section.ignore_rest();
        });
    };
    let failed = reading("a = { kind = 'x', more = 1 }", &[], read).unwrap_err();
    assert_eq!(failed.to_string(), "a.kind: must be one of ours");
    assert_eq!(failed.0[0].origin, Origin::File);
}

#[test]
fn a_key_read_twice_is_reported_once() {
    let read = |section: &mut Section<'_>| {
        section.bool_or("flag", false);
        section.bool_or("flag", false);
    };
    assert_eq!(problems("flag = 1", &[], read), "flag: must be true or false");
}

#[test]
fn base_urls() {
    let read = |section: &mut Section<'_>| {
        let url = section.base_url("url", None).map(String::from);
        let fallback = section
            .base_url("other", Some("https://b.example/v1/"))
            .map(String::from);
        (url, fallback)
    };
    let (url, fallback) = reading("url = 'https://a.example/api/'", &[], read).unwrap();
    assert_eq!(url.as_deref(), Some("https://a.example/api"));
    assert_eq!(fallback.as_deref(), Some("https://b.example/v1"));

    assert!(reading("url = 'http://a.example'\nallow_http = true", &[], read).is_ok());
    assert_eq!(problems("", &[], read), "url: is required");
    assert_eq!(
        problems("url = 'http://a.example'\nallow_http = 1", &[], read),
        "allow_http: must be true or false\n\
         url: must be https (or a loopback host, or set allow_http = true)"
    );
}

#[test]
fn syntax_errors_have_a_position_and_no_content() {
    for (text, at) in [
        ("[server]\npassword = hunter2\n", "line 2, column 12: "),
        ("a = 'é' hunter2", "line 1, column 9: "),
        ("password = 'hunter2\nb = 1", "line 1, column 20: "),
        ("a = 1\na = 'hunter2'", "line 2, column 1: "),
        ("hunter2", "line 1, column "),
        ("a = [1,\nhunter2", "line 2, column "),
        ("a.b = 1\na.b.c = 'hunter2'", "line 2, column "),
    ] {
        let shown = parse(text, &[]).unwrap_err().to_string();
        assert!(shown.starts_with(at), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(shown.lines().count(), 1, "{shown}");
    }
}

#[test]
fn debug_shows_nothing_of_the_document() {
    let document = parse("password = 'hunter2'", &[("PASSWORD", "hunter2")]).unwrap();
    assert!(!format!("{document:?}").contains("hunter2"));
    let shown = document.with_root(|section| {
        section.secret("password");
        format!("{section:?}")
    });
    assert!(!shown.unwrap().contains("hunter2"));
}

/// A digest of a table with a secret and a table below it.
fn digest(section: &mut Section<'_>) -> [u8; 32] {
    section.table("one", |one| {
        let _ = one.secret("word");
        let _ = one.strings("list");
        let _ = one.table("below", |below| below.integer("count", 0..=9));
        one.digest()
    })
}

#[test]
fn a_digest_tells_what_is_said_and_not_where() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "hunter2\n").unwrap();
    let path = path.to_str().unwrap();
    let of = |text: &str, env: &[(&str, &str)]| reading(text, env, digest).unwrap();
    let known = of("[one]\nword = 'hunter2'\nlist = ['a', 'b']\nbelow.count = 3", &[]);
    let ways: [(String, Vec<(&str, &str)>); 4] = [
        (
            "[one]\nbelow = { count = 3 }\nlist = ['a', 'b']\nword = 'hunter2'".to_owned(),
            vec![],
        ),
        (
            format!("[one]\nword_file = {path:?}\nlist = ['a', 'b']\nbelow.count = 3"),
            vec![],
        ),
        (
            "[one]\nword_env = 'NAME'\nlist = ['a', 'b']\nbelow.count = 3".to_owned(),
            vec![("NAME", "hunter2")],
        ),
        (
            "[one]\nlist = ['c']\nbelow.count = 4".to_owned(),
            vec![
                ("LOANGATE__ONE__WORD", "hunter2"),
                ("LOANGATE__ONE__LIST", "a,b"),
                ("LOANGATE__ONE__BELOW__COUNT", "3"),
            ],
        ),
    ];
    for (text, env) in ways {
        assert_eq!(of(&text, &env), known, "{text}");
    }
    for other in [
        "[one]\nword = 'hunter3'\nlist = ['a', 'b']\nbelow.count = 3",
        "[one]\nword = 'hunter2'\nlist = ['a']\nbelow.count = 3",
        "[one]\nword = 'hunter2'\nlist = ['a', 'b']\nbelow.count = 4",
        "[one]\nword = 'hunter2'\nlist = ['a', 'b']",
        "[one]\nlist = ['a', 'b']\nbelow.count = 3",
    ] {
        assert_ne!(of(other, &[]), known, "{other}");
    }
}
