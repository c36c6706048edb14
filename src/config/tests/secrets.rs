use std::fs;

use secrecy::{ExposeSecret, SecretString};

use super::{problems, reading};
use crate::config::Section;

fn word(section: &mut Section<'_>) -> SecretString {
    section.require_secret("word")
}

fn optional(section: &mut Section<'_>) -> Option<SecretString> {
    section.secret("word")
}

#[test]
fn three_forms() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, " hunter2 \r\n\n").unwrap();
    let in_file = format!("word_file = {:?}", path.to_str().unwrap());

    assert_eq!(
        reading("word = 'hunter2'", &[], word).unwrap().expose_secret(),
        "hunter2"
    );
    assert_eq!(reading(&in_file, &[], word).unwrap().expose_secret(), " hunter2 ");
    let env = [("NAME", "hunter2\n")];
    assert_eq!(
        reading("word_env = 'NAME'", &env, word).unwrap().expose_secret(),
        "hunter2\n"
    );

    assert!(reading("", &[], optional).unwrap().is_none());
    assert_eq!(
        problems("", &[], word),
        "word: is required (give word, word_file or word_env)"
    );
}

#[test]
fn exactly_one_form() {
    for text in [
        "word = 'hunter2'\nword_file = '/x'",
        "word = 'hunter2'\nword_env = 'X'",
        "word_file = '/x'\nword_env = 'X'",
    ] {
        let shown = problems(text, &[], optional);
        assert_eq!(shown, "word: give only one of word, word_file and word_env");
        assert_eq!(problems(text, &[], word), shown);
    }
}

#[test]
fn what_cannot_be_had_is_a_problem_of_the_form_given() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        format!("word_file = {:?}", path.to_str().unwrap())
    };
    let env = [("EMPTY", ""), ("BYTES", "\u{fffd}")];
    for (text, shown) in [
        ("word = ''".to_owned(), "word: must be a string that is not empty"),
        ("word = 5".to_owned(), "word: must be a string that is not empty"),
        (
            "word_file = ''".to_owned(),
            "word_file: must be a string that is not empty",
        ),
        (
            "word_file = '/nowhere'".to_owned(),
            "word_file: names a file that cannot be read: entity not found",
        ),
        (file("empty", b"\n"), "word_file: names a file that is empty"),
        (
            file("bytes", &[0xff]),
            "word_file: names a file that is not UTF-8 text",
        ),
        (
            file("long", &vec![b'x'; 65_537]),
            "word_file: names a file of more than 65536 bytes",
        ),
        (
            "word_env = 'NOWHERE'".to_owned(),
            "word_env: names an environment variable that is not set",
        ),
        (
            "word_env = 'EMPTY'".to_owned(),
            "word_env: names an environment variable that is empty",
        ),
        (
            "word_env = 'BYTES'".to_owned(),
            "word_env: names an environment variable that is not UTF-8 text",
        ),
    ] {
        assert_eq!(problems(&text, &env, optional), shown);
        assert_eq!(problems(&text, &env, word), shown);
    }
    let longest = file("longest", &vec![b'x'; 65_536]);
    assert_eq!(
        reading(&longest, &[], word).unwrap().expose_secret().len(),
        65_536
    );
}

#[test]
fn a_secret_is_never_shown() {
    assert!(!format!("{:?}", reading("word = 'hunter2'", &[], word).unwrap()).contains("hunter2"));
    // The secret itself where its place was asked for, its type wrong, its key misspelt.
    for text in [
        "word_env = 'hunter2'",
        "word_file = 'hunter2'",
        "word = ['hunter2']",
        "wrod = 'hunter2'",
        "[word]\nhunter3 = 'hunter2'",
    ] {
        let failed = reading(text, &[], word).unwrap_err();
        assert!(!format!("{failed} {failed:?}").contains("hunter2"), "{failed}");
    }
}

#[test]
fn a_misspelt_form_is_recognised() {
    assert_eq!(
        problems("word_fiel = '/x'", &[], optional),
        "word_fiel: unknown key (did you mean word_file?)"
    );
}
