//! What the derived schemas leave to be said: which keys are always there, and that what stands in several answers is one
//! schema. A key of ours is there when it may be null: unknown is a value. What only comes when it is asked for is not.

use std::collections::BTreeMap;

use utoipa::openapi::schema::{Array, ArrayItems, Object, Schema, SchemaType, Type};
use utoipa::openapi::{OpenApi as Document, Ref, RefOr};

use crate::api::parameters::INCLUDE;

/// Refers to schemas by their names, and requires every key that may be null.
pub(super) fn finish(document: &mut Document) {
    let Some(components) = &mut document.components else {
        return;
    };
    let objects = components
        .schemas
        .iter()
        .filter_map(|(name, schema)| match schema {
            RefOr::T(schema @ Schema::Object(object))
                if !object.properties.is_empty() || object.enum_values.is_some() =>
            {
                Some((name.clone(), schema.clone()))
            }
            _ => None,
        });
    let named: BTreeMap<String, Schema> = objects.collect();
    for schema in components.schemas.values_mut() {
        each_within(schema, &mut |part| {
            // A schema with a type parameter has its argument written out.
            if let RefOr::T(written) = part
                && let Some((name, _)) = named.iter().find(|(_, known)| *known == written)
            {
                *part = Ref::from_schema_name(name).into();
            }
        });
        require(schema);
    }
}

/// What a schema is made of, one step down.
fn each_within(schema: &mut RefOr<Schema>, change: &mut impl FnMut(&mut RefOr<Schema>)) {
    let mut deeper = |part: &mut RefOr<Schema>| {
        change(part);
        each_within(part, change);
    };
    match schema {
        RefOr::T(Schema::Object(object)) => object.properties.values_mut().for_each(deeper),
        RefOr::T(Schema::Array(Array {
            items: ArrayItems::RefOrSchema(item),
            ..
        })) => deeper(item),
        RefOr::T(Schema::AllOf(all)) => all.items.iter_mut().for_each(deeper),
        RefOr::T(Schema::OneOf(one)) => one.items.iter_mut().for_each(deeper),
        _ => {}
    }
}

fn require(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => require_keys(object),
        RefOr::T(Schema::AllOf(all)) => all.items.iter_mut().for_each(require),
        _ => {}
    }
}

fn require_keys(object: &mut Object) {
    for (name, schema) in &object.properties {
        if nullable(schema) && !object.required.contains(name) && !INCLUDE.contains(&name.as_str()) {
            object.required.push(name.clone());
        }
    }
}

/// Whether null is among what a schema allows.
fn nullable(schema: &RefOr<Schema>) -> bool {
    let null = |kind: &SchemaType| match kind {
        SchemaType::Type(one) => *one == Type::Null,
        SchemaType::Array(types) => types.contains(&Type::Null),
        SchemaType::AnyValue => false,
    };
    match schema {
        RefOr::T(Schema::Object(object)) => null(&object.schema_type),
        RefOr::T(Schema::Array(array)) => null(&array.schema_type),
        RefOr::T(Schema::OneOf(one)) => one.items.iter().any(nullable),
        _ => false,
    }
}
