use std::time::Duration;

use secrecy::ExposeSecret;

use super::{problems, reading};
use crate::config::{Origin, Section};

#[test]
fn overrides_every_type() {
    let text = "
        [a]
        name = 'file'
        flag = false
        count = 1
        wait = '1s'
        size = '1KiB'
        list = ['file']
        mode = 'slow'
        url = 'https://file.example'
    ";
    let env = [
        ("LOANGATE__A__NAME", "true"),
        ("LOANGATE__A__FLAG", "true"),
        ("LOANGATE__A__COUNT", "5"),
        ("LOANGATE__A__WAIT", "250ms"),
        ("LOANGATE__A__SIZE", "2MiB"),
        ("LOANGATE__A__LIST", "loan:1, loan:2"),
        ("LOANGATE__A__MODE", "fast"),
        ("LOANGATE__A__URL", "http://127.0.0.1:9090/x/"),
        ("LOANGATE__A__DEEP__ER__KEY", "new"),
        ("LOANGATE_A__NAME", "another prefix"),
        ("PATH", "/bin"),
    ];
    reading(text, &env, |root| {
        root.table("a", |a| {
            assert_eq!(a.string("name").as_deref(), Some("true"));
            assert!(a.bool_or("flag", false));
            assert_eq!(a.integer("count", 1..=9), Some(5));
            assert_eq!(
                a.duration_or("wait", Duration::ZERO, Duration::ZERO..=Duration::MAX)
                    .as_millis(),
                250
            );
            assert_eq!(a.bytes_or("size", 0, 0..=u64::MAX), 2 << 20);
            assert_eq!(a.strings("list"), ["loan:1", "loan:2"]);
            assert_eq!(a.choice("mode", 0, &[("slow", 1), ("fast", 2)]), 2);
            assert_eq!(
                a.base_url("url", None).unwrap().as_str(),
                "http://127.0.0.1:9090/x"
            );
            a.table("deep", |deep| {
                deep.table("er", |er| assert_eq!(er.require_string("key"), "new"));
            });
        });
    })
    .unwrap();
}

#[test]
fn an_empty_list_is_empty() {
    let read = |root: &mut Section<'_>| root.strings("list");
    assert!(
        reading("list = ['a']", &[("LOANGATE__LIST", "")], read)
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        problems("", &[("LOANGATE__LIST", "a,,b")], read),
        "list: must be a list of strings, none of them empty (from LOANGATE__LIST)"
    );
}

#[test]
fn a_bad_override_names_its_variable() {
    let env = [
        ("LOANGATE__A__COUNT", "hunter2"),
        ("LOANGATE__A__CUONT", "1"),
        ("LOANGATE__B__C__D", "1"),
        ("LOANGATE__X__Y", "1"),
    ];
    let read = |root: &mut Section<'_>| {
        root.table("a", |a| {
            a.integer("count", 1..=9);
            a.string("given");
        });
        root.table("x", |x| {
            x.string("y");
            x.require_string("z");
        });
    };
    let failed = reading("[a]\ncount = 1\ngiven = 'x'\n[b]\nc.e = 1", &env, read).unwrap_err();
    assert_eq!(
        failed.to_string(),
        "a.count: must be a whole number from 1 to 9 (from LOANGATE__A__COUNT)\n\
         a.cuont: unknown key (did you mean a.count?) (from LOANGATE__A__CUONT)\n\
         b: unknown key\n\
         b.c.d: unknown key (from LOANGATE__B__C__D)\n\
         x.z: is required (from LOANGATE__X__Y)"
    );
    assert_eq!(
        failed.0[0].origin,
        Origin::Environment("LOANGATE__A__COUNT".to_owned())
    );
}

#[test]
fn a_variable_that_fits_nowhere_is_a_problem() {
    let env = [
        ("LOANGATE__", "x"),
        ("LOANGATE__A", "x"),
        ("LOANGATE__A__", "x"),
        ("LOANGATE__A__LEAF__BELOW", "x"),
        ("LOANGATE__A__TWICE", "x"),
        ("LOANGATE__A__Twice", "x"),
        ("LOANGATE__A__BYTES", "\u{fffd}"),
    ];
    let shown = problems("[a]\nleaf = 'x'", &env, |root| {
        root.table("a", |a| {
            for key in ["leaf", "twice", "bytes"] {
                a.string(key);
            }
        });
    });
    assert_eq!(
        shown,
        "\"\": names no key (from LOANGATE__)\n\
         a: names a table: override its keys one by one (from LOANGATE__A)\n\
         a.\"\": names no key (from LOANGATE__A__)\n\
         a.bytes: is not UTF-8 text (from LOANGATE__A__BYTES)\n\
         a.leaf.below: names a key below one that is not a table (from LOANGATE__A__LEAF__BELOW)\n\
         a.twice: is overridden by another variable as well (from LOANGATE__A__Twice)"
    );
}

#[test]
fn a_table_as_text_is_a_problem() {
    let shown = problems("", &[("LOANGATE__A", "x")], |root| {
        root.table("a", |a| a.require_string("b"))
    });
    assert_eq!(shown, "a: must be a table (from LOANGATE__A)");
}

#[test]
fn a_secret_wins_over_every_form_in_the_file() {
    let secret =
        |root: &mut Section<'_>| root.table("a", |a| a.require_secret("word").expose_secret().to_owned());
    for text in [
        "",
        "[a]\nword = 'file'",
        "[a]\nword_file = '/nowhere'",
        "[a]\nword_env = 'NOWHERE'",
    ] {
        assert_eq!(
            reading(text, &[("LOANGATE__A__WORD", "env")], secret).unwrap(),
            "env",
            "{text}"
        );
        let by_name = [("LOANGATE__A__WORD_ENV", "NAME"), ("NAME", "named")];
        assert_eq!(reading(text, &by_name, secret).unwrap(), "named", "{text}");
    }
    assert_eq!(
        problems(
            "",
            &[("LOANGATE__A__WORD", "x"), ("LOANGATE__A__WORD_ENV", "x")],
            secret
        ),
        "a.word: give only one of word, word_file and word_env (from LOANGATE__A__WORD)"
    );
}
