//! What a customer is to be: the body of a PUT, with everything that is wrong with it said at once.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type,
};
use utoipa::{PartialSchema, ToSchema};

use crate::api::access::Caller;
use crate::api::parameters::{Members, REFERENCE, named_reference, shown};
use crate::api::problem::ParameterError;
use crate::gather::Gateway;
use crate::store::{Link, Purpose};

/// Most references of one customer.
const MOST: usize = 100;

const KEYS: &str = "ref, purpose, expires_at";

/// What a customer is to be.
#[derive(Debug, Default)]
pub(in crate::api) struct Wanted {
    pub(super) links: Vec<Link>,
    /// Of these, which are at connections that the caller may not name.
    pub(super) may_only_stay: Vec<Link>,
    pub(super) errors: Vec<ParameterError>,
}

/// Reads a body.
pub(super) fn read(body: &[u8], gateway: &Gateway, caller: &Caller) -> Wanted {
    let mut wanted = Wanted::default();
    let Ok(Members(members)) = serde_json::from_slice::<Members<'_>>(body) else {
        wanted.problem("(body)", "must be a JSON object with `references`, each key once");
        return wanted;
    };
    let mut given = None;
    for (name, raw) in &members {
        if name == "references" {
            given = Some(*raw);
        } else {
            wanted.problem(&shown(name), "is not a key here; there is references");
        }
    }
    let Some(given) = given else {
        wanted.problem("references", "is required; it may be an empty array");
        return wanted;
    };
    let Ok(references) = serde_json::from_str::<Vec<&RawValue>>(given.get()) else {
        wanted.problem("references", "must be an array of references");
        return wanted;
    };
    if references.len() > MOST {
        wanted.problem("references", format!("may have at most {MOST} members"));
        return wanted;
    }
    let mut read: Vec<(usize, Link)> = Vec::with_capacity(references.len());
    for (at, raw) in references.iter().enumerate() {
        let Some((link, stranger)) = wanted.reference(at, raw, gateway, caller) else {
            continue;
        };
        if let Some((first, _)) = read.iter().find(|(_, known)| known.is_same_reference(&link)) {
            wanted.problem(
                &place(at, ""),
                format!("is there already, as `references[{first}]`"),
            );
            continue;
        }
        if stranger {
            wanted.may_only_stay.push(link.clone());
        }
        read.push((at, link));
    }
    wanted.links = read.into_iter().map(|(_, link)| link).collect();
    wanted
}

/// How a member is called in problems.
fn place(at: usize, key: &str) -> String {
    match key {
        "" => format!("references[{at}]"),
        key => format!("references[{at}].{key}"),
    }
}

impl Wanted {
    fn problem(&mut self, parameter: &str, detail: impl Into<String>) {
        self.errors.push(ParameterError {
            parameter: parameter.to_owned(),
            detail: detail.into(),
        });
    }

    /// One reference, and whether it is at a connection that the caller may not name.
    fn reference(
        &mut self,
        at: usize,
        raw: &RawValue,
        gateway: &Gateway,
        caller: &Caller,
    ) -> Option<(Link, bool)> {
        if let Ok(text) = serde_json::from_str::<String>(raw.get()) {
            return self.named(&place(at, ""), &text, gateway, caller);
        }
        let Ok(Members(members)) = serde_json::from_str::<Members<'_>>(raw.get()) else {
            self.problem(
                &place(at, ""),
                format!("must be text, or an object of {KEYS}, each once"),
            );
            return None;
        };
        let mut linked = None;
        let (mut purpose, mut expires_at) = (None, None);
        for (name, raw) in &members {
            let null = raw.get() == "null";
            match name.as_str() {
                "ref" => linked = Some(*raw),
                "purpose" | "expires_at" if null => {}
                "purpose" => purpose = self.purpose(at, raw),
                "expires_at" => expires_at = self.expiry(at, raw),
                other => self.problem(
                    &place(at, &shown(other)),
                    format!("is not a key here; there are {KEYS}"),
                ),
            }
        }
        let Some(linked) = linked else {
            self.problem(&place(at, "ref"), "is required");
            return None;
        };
        let Ok(text) = serde_json::from_str::<String>(linked.get()) else {
            self.problem(&place(at, "ref"), "must be text: `<connection>:<type>:<value>`");
            return None;
        };
        let (link, stranger) = self.named(&place(at, "ref"), &text, gateway, caller)?;
        let link = Link {
            purpose,
            expires_at,
            ..link
        };
        Some((link, stranger))
    }

    fn named(
        &mut self,
        parameter: &str,
        text: &str,
        gateway: &Gateway,
        caller: &Caller,
    ) -> Option<(Link, bool)> {
        let link = |connection: &str, kind: &str, value: &str| Link {
            connection: connection.to_owned(),
            kind: kind.to_owned(),
            value: value.to_owned(),
            purpose: None,
            expires_at: None,
        };
        let mut parts = text.splitn(3, ':');
        let parts = (parts.next(), parts.next(), parts.next());
        // Whether there is such a connection, and of which kind, is not for this caller to know.
        if let (Some(connection), Some(kind), Some(value)) = parts
            && !caller.sees(connection)
        {
            return Some((link(connection, kind, value), true));
        }
        match named_reference(text, gateway, caller) {
            Ok((connection, reference)) => Some((link(&connection, reference.kind, &reference.value), false)),
            Err(detail) => {
                self.problem(parameter, detail);
                None
            }
        }
    }

    fn purpose(&mut self, at: usize, raw: &RawValue) -> Option<Purpose> {
        let word = serde_json::from_str::<String>(raw.get()).ok();
        let purpose = word.and_then(|word| Purpose::parse(&word));
        if purpose.is_none() {
            let words: Vec<&str> = Purpose::ALL.iter().map(|purpose| purpose.as_str()).collect();
            self.problem(
                &place(at, "purpose"),
                format!("must be one of {}, or null", words.join(", ")),
            );
        }
        purpose
    }

    fn expiry(&mut self, at: usize, raw: &RawValue) -> Option<DateTime<Utc>> {
        let text = serde_json::from_str::<String>(raw.get()).ok();
        let instant = text.and_then(|text| DateTime::parse_from_rfc3339(&text).ok());
        if instant.is_none() {
            self.problem(
                &place(at, "expires_at"),
                "must be an instant such as 2027-01-31T00:00:00Z (RFC 3339), or null",
            );
        }
        // As exact as it is kept, which knows no leap seconds.
        instant.and_then(|instant| DateTime::from_timestamp_millis(instant.timestamp_millis()))
    }
}

impl PartialSchema for Wanted {
    fn schema() -> RefOr<Schema> {
        let text = || {
            let text = ObjectBuilder::new().schema_type(Type::String);
            text.pattern(Some(REFERENCE))
                .description(Some("`<connection>:<type>:<value>`."))
        };
        let nullable = |kind| ObjectBuilder::new().schema_type(kind);
        let words = Purpose::ALL
            .iter()
            .map(|purpose| Some(purpose.as_str()))
            .chain([None]);
        let purpose = nullable(utoipa::openapi::schema::SchemaType::from_iter([
            Type::String,
            Type::Null,
        ]))
        .enum_values(Some(words))
        .description(Some("What it may be used for; null for anything."));
        let expires_at = nullable(utoipa::openapi::schema::SchemaType::from_iter([
            Type::String,
            Type::Null,
        ]))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some("From when on it is not used; null for never."));
        let object = ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("ref", text())
            .property("purpose", purpose)
            .property("expires_at", expires_at)
            .required("ref")
            .additional_properties(Some(AdditionalProperties::FreeForm(false)));
        let reference = OneOfBuilder::new().item(text()).item(object);
        let references = ArrayBuilder::new()
            .items(reference)
            .max_items(Some(MOST))
            .description(Some("All that is linked from now on, each reference once."));
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("references", references)
            .required("references")
            .additional_properties(Some(AdditionalProperties::FreeForm(false)))
            .description(Some("What a customer is to be."))
            .into()
    }
}

impl ToSchema for Wanted {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("CustomerToBe")
    }
}
