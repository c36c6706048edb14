//! Answers against the API's document, `docs/openapi.json`: the status is one that the route has, the media type one that
//! the status has, and the body what its schema says and nothing besides. The document itself is held to the handlers by
//! `openapi.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Value, json};

use super::Answer;

/// Headers that belong to HTTP itself, or that every answer has.
const EVERYWHERE: [&str; 8] = [
    "connection",
    "content-length",
    "content-security-policy",
    "content-type",
    "date",
    "transfer-encoding",
    "x-accel-buffering",
    "x-content-type-options",
];

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document: Value = serde_json::from_str(include_str!("../../../docs/openapi.json")).unwrap();
    close(&mut document["components"]["schemas"]);
    document
});

/// Validators by the pointer to their schema: making one takes longer than using it.
static VALIDATORS: Mutex<BTreeMap<String, Arc<Validator>>> = Mutex::new(BTreeMap::new());

/// Panics when an answer is not what the document says.
pub(super) fn check(method: &Method, path: &str, answer: &Answer) {
    let Some((template, item)) = route(path) else {
        return problem(answer);
    };
    let asked = method;
    let method = if method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let operation = &item[method.as_str().to_lowercase()];
    if operation.is_null() {
        return problem(answer);
    }
    let response = &operation["responses"][answer.status.to_string()];
    assert!(
        response.is_object(),
        "{method} {template} does not say that it may answer {}: {}",
        answer.status,
        answer.text
    );
    let declared = response["headers"].as_object().unwrap();
    // Clients without a limit have none left, and streams have no tag.
    let optional = [
        "RateLimit",
        "RateLimit-Policy",
        "Loangate-Complete",
        "ETag",
        "WWW-Authenticate",
    ];
    for name in declared.keys() {
        assert!(
            optional.contains(&name.as_str()) || answer.headers.contains_key(name),
            "{method} {template} {} without {name}: {answer:?}",
            answer.status
        );
    }
    for name in answer.headers.keys() {
        let known = declared
            .keys()
            .any(|known| name.as_str().eq_ignore_ascii_case(known));
        assert!(
            known || EVERYWHERE.contains(&name.as_str()),
            "{method} {template} {} does not say that it sends {name}",
            answer.status
        );
    }
    let has_body = asked != Method::HEAD && !matches!(answer.status, 204 | 304);
    assert_eq!(
        has_body,
        !answer.text.is_empty(),
        "{method} {template}: {answer:?}"
    );
    if !has_body {
        return;
    }
    let media = answer.header("content-type").split(';').next().unwrap().trim();
    let content = &response["content"][media];
    assert!(
        content.is_object(),
        "{method} {template} does not say that it answers {media:?}: {answer:?}"
    );
    if media.ends_with("json") && media != "application/x-ndjson" {
        let pointer = format!(
            "/paths/{}/{}/responses/{}/content/{}/schema",
            escaped(template),
            method.as_str().to_lowercase(),
            answer.status,
            escaped(media)
        );
        holds(&pointer, &answer.json());
    }
    if media == "application/x-ndjson" {
        let mut lines = answer.text.lines().peekable();
        while let Some(line) = lines.next() {
            let schema = if lines.peek().is_some() {
                "Loan"
            } else {
                "ExportEnd"
            };
            holds(
                &format!("/components/schemas/{schema}"),
                &serde_json::from_str(line).unwrap(),
            );
        }
    }
}

/// What no route says is a problem.
fn problem(answer: &Answer) {
    if !answer.text.is_empty() && answer.header("content-type") == "application/problem+json" {
        holds("/components/schemas/Problem", &answer.json());
    }
}

/// The path item that a path is of. Some tests mount the routes below a prefix.
fn route(path: &str) -> Option<(&'static str, &'static Value)> {
    let path = path.strip_prefix("/lending").unwrap_or(path);
    let parts: Vec<&str> = path.split('/').collect();
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let fits = |template: &str| {
        let wanted: Vec<&str> = template.split('/').collect();
        let fits =
            |(wanted, part): (&&str, &&str)| wanted == part || (wanted.starts_with('{') && !part.is_empty());
        wanted.len() == parts.len() && wanted.iter().zip(&parts).all(fits)
    };
    let found = paths.iter().filter(|(template, _)| fits(template));
    // Of two that fit, the one that says more.
    let found = found.min_by_key(|(template, _)| template.matches('{').count());
    found.map(|(template, item)| (template.as_str(), item))
}

/// What is wrong with the answer of a list of loans.
pub fn list_of_loans(answer: &Value) -> Vec<String> {
    wrong("/components/schemas/List_Loan", answer)
}

fn holds(pointer: &str, value: &Value) {
    let wrong = wrong(pointer, value);
    assert!(wrong.is_empty(), "{pointer}: {wrong:#?}");
}

fn wrong(pointer: &str, value: &Value) -> Vec<String> {
    let known = VALIDATORS.lock().unwrap().get(pointer).cloned();
    let validator = known.unwrap_or_else(|| {
        let mut schema = DOCUMENT
            .pointer(pointer)
            .unwrap_or_else(|| panic!("no schema at {pointer}"))
            .clone();
        schema["components"] = DOCUMENT["components"].clone();
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        let validator = Arc::new(options.build(&schema).unwrap());
        VALIDATORS
            .lock()
            .unwrap()
            .insert(pointer.to_owned(), Arc::clone(&validator));
        validator
    });
    let errors = validator.iter_errors(value);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Callers ignore keys they do not know. Here a key that the document does not know is a mistake.
fn close(schemas: &mut Value) {
    let mut parts = BTreeSet::new();
    parts_of(schemas, &mut parts);
    for (name, schema) in schemas.as_object_mut().unwrap() {
        let open = schema.get("additionalProperties").is_some() || parts.contains(name);
        if !open && (schema.get("properties").is_some() || schema.get("allOf").is_some()) {
            schema["unevaluatedProperties"] = json!(false);
        }
    }
}

/// Schemas that are parts of others, which have keys of their own.
fn parts_of(value: &Value, parts: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for part in object
                .get("allOf")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                let name = part["$ref"].as_str().and_then(|path| path.rsplit('/').next());
                parts.extend(name.map(str::to_owned));
            }
            object.values().for_each(|value| parts_of(value, parts));
        }
        Value::Array(list) => list.iter().for_each(|value| parts_of(value, parts)),
        _ => {}
    }
}

fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}
