//! The parameters in the API's document: each table becomes query parameters, and those of the list the body of a search.

use std::borrow::Cow;

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{
    AnyOfBuilder, ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type,
};
use utoipa::openapi::{OpenApi as Document, RefOr, Required};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::api::cursor;
use crate::api::parameters::{
    CUSTOMERS, EXPLANATION, EXPORT, FILTERS, Known, PAGE, ROWS, SELECTION, SINGLE, Value,
};

/// Of one item of each list that a document could not name the items of.
const CONNECTION: &str = "[a-z0-9][a-z0-9_-]{0,31}";
const CUSTOMER: &str = r"[^\s\x00-\x1f\x7f-\x9f]{1,128}";
const CURRENCY: &str = "[A-Za-z]{3}";
const AMOUNT: &str = r"-?(0|[1-9]\d{0,13})(\.\d{1,14})?";

/// The one list that is repeated instead of written with commas.
const REFERENCES: &str = "ref";

/// The largest amount that is written as a JSON number; beyond it, and with a fraction, an amount is text.
const MAX_WHOLE: i64 = 999_999_999_999_999;

macro_rules! parameters {
    ($($(#[doc = $doc:literal])* $name:ident = $tables:expr;)+) => {
        $(
            $(#[doc = $doc])*
            pub(in crate::api) struct $name;

            impl IntoParams for $name {
                fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                    let tables: &[&[Known]] = $tables;
                    tables.iter().copied().flatten().map(in_query).collect()
                }
            }
        )+
    };
}

parameters! {
    /// Parameters of the list, its export included.
    ListParameters = &[SELECTION, EXPORT, PAGE];
    /// Parameters of the totals.
    SummaryParameters = &[SELECTION];
    /// Parameters of one loan.
    LoanParameters = &[SINGLE];
    /// Parameters of one loan's explanation.
    ExplanationParameters = &[EXPLANATION];
    /// Parameters of a loan's transactions.
    TransactionParameters = &[FILTERS, ROWS];
    /// Parameters of the list of customers.
    CustomerParameters = &[CUSTOMERS];
    /// Parameters of rows without filters.
    RowsParameters = &[ROWS];
}

/// The id of a customer, as it stands in the path.
pub(in crate::api) struct CustomerId;

impl IntoParams for CustomerId {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let id = ParameterBuilder::new()
            .name("id")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some(
                "The caller's own id: 1 to 128 characters without spaces, and neither `.` nor `..`.",
            ))
            .schema(Some(Item::Pattern(CUSTOMER.to_owned()).schema()));
        vec![id.build()]
    }
}

/// The body of a search: the parameters of the list.
pub(in crate::api) struct SearchBody;

impl PartialSchema for SearchBody {
    fn schema() -> RefOr<Schema> {
        let known = [SELECTION, EXPORT, PAGE].into_iter().flatten();
        let object = known.fold(ObjectBuilder::new().schema_type(Type::Object), |object, known| {
            object.property(known.name, in_body(known))
        });
        object
            .additional_properties(Some(utoipa::openapi::schema::AdditionalProperties::FreeForm(
                false,
            )))
            .description(Some(
                "The parameters of `GET /loans`. A list may be an array, or text with commas.",
            ))
            .into()
    }
}

impl ToSchema for SearchBody {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Search")
    }
}

/// What one value, or one item of a list, may be.
enum Item {
    /// One of these words.
    Words(Vec<String>),
    /// A text that matches this as a whole.
    Pattern(String),
}

impl Item {
    fn schema(&self) -> ObjectBuilder {
        let text = ObjectBuilder::new().schema_type(Type::String);
        match self {
            Self::Words(words) => text.enum_values(Some(words.clone())),
            Self::Pattern(pattern) => text.pattern(Some(format!("^{pattern}$"))),
        }
    }

    /// Of several, with commas between them.
    fn listed(&self) -> ObjectBuilder {
        let one = match self {
            Self::Words(words) => format!("({})", words.join("|")),
            Self::Pattern(pattern) => format!("({pattern})"),
        };
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(format!("^{one}(,{one})*$")))
    }
}

/// The items of a list; `None` for what is no list.
fn items(value: &Value) -> Option<Item> {
    match value {
        Value::Connections => Some(Item::Pattern(CONNECTION.to_owned())),
        Value::Words(words) => Some(Item::Words(words().into_iter().map(str::to_owned).collect())),
        Value::Currencies => Some(Item::Pattern(CURRENCY.to_owned())),
        Value::References => Some(Item::Pattern(reference(&format!("{CONNECTION}:[a-z_]+")))),
        Value::Word(_)
        | Value::Flag
        | Value::Date
        | Value::Amount
        | Value::Whole { .. }
        | Value::Cursor
        | Value::Customer => None,
    }
}

/// `of`: the connection and the type.
fn reference(of: &str) -> String {
    format!(r"{of}:[^\x00-\x1f\x7f-\x9f]{{1,256}}")
}

fn array(item: &Item) -> RefOr<Schema> {
    let array = ArrayBuilder::new().items(item.schema()).min_items(Some(1));
    RefOr::T(Schema::Array(array.build()))
}

/// A value that is no list.
fn single(value: &Value) -> ObjectBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String);
    match value {
        Value::Word(words) => Item::Words(words()).schema(),
        Value::Flag => ObjectBuilder::new().schema_type(Type::Boolean),
        Value::Date => text.format(Some(SchemaFormat::KnownFormat(KnownFormat::Date))),
        Value::Amount => Item::Pattern(AMOUNT.to_owned()).schema(),
        Value::Whole { from, to } => ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(*from))
            .maximum(Some(*to)),
        Value::Customer => Item::Pattern(CUSTOMER.to_owned()).schema(),
        Value::Cursor => Item::Pattern(format!("[A-Za-z0-9_-]{{1,{}}}", cursor::LONGEST)).schema(),
        Value::Connections | Value::Words(_) | Value::Currencies | Value::References => text,
    }
}

fn in_query(known: &Known) -> Parameter {
    let parameter = ParameterBuilder::new()
        .name(known.name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(known.about));
    let parameter = match items(&known.value) {
        Some(item) => parameter
            .style(Some(ParameterStyle::Form))
            .explode(Some(known.name == REFERENCES))
            .schema(Some(array(&item))),
        None => parameter.schema(Some(single(&known.value).build())),
    };
    parameter.build()
}

fn in_body(known: &Known) -> RefOr<Schema> {
    let either = match items(&known.value) {
        Some(item) => listed(known.name, &item),
        None => {
            let either = AnyOfBuilder::new().item(single(&known.value));
            match known.value {
                Value::Amount => either.item(
                    ObjectBuilder::new()
                        .schema_type(Type::Integer)
                        .minimum(Some(-MAX_WHOLE))
                        .maximum(Some(MAX_WHOLE)),
                ),
                _ => either,
            }
        }
    };
    either.description(Some(known.about)).into()
}

/// A list in a body: an array, or text with commas; of references, which may hold commas themselves, one.
fn listed(name: &str, item: &Item) -> AnyOfBuilder {
    let text = if name == REFERENCES {
        item.schema()
    } else {
        item.listed()
    };
    AnyOfBuilder::new().item(array(item)).item(text)
}

/// Names the connections of a gateway where a connection is to be named.
pub(super) fn name(document: &mut Document, connections: &[(&str, &'static [&'static str])]) {
    let ids: Vec<String> = connections.iter().map(|(id, _)| (*id).to_owned()).collect();
    let references: Vec<String> = connections
        .iter()
        .map(|(id, kinds)| format!("{id}:({})", kinds.join("|")))
        .collect();
    let reference = Item::Pattern(reference(&format!("({})", references.join("|"))));
    let required: Vec<String> = ids.iter().cloned().chain(["all".to_owned()]).collect();
    let (ids, required) = (Item::Words(ids), Item::Words(required));
    let items = |name: &str| match name {
        "connection" => Some(&ids),
        "require" => Some(&required),
        REFERENCES => Some(&reference),
        _ => None,
    };
    let search = document.components.as_mut();
    let search = search.and_then(|components| components.schemas.get_mut(&*SearchBody::name()));
    if let Some(RefOr::T(Schema::Object(search))) = search {
        for (name, schema) in &mut search.properties {
            if let (Some(item), RefOr::T(Schema::AnyOf(either))) = (items(name), schema) {
                either.items = listed(name, item).build().items;
            }
        }
    }
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post];
        for operation in operations.into_iter().flatten() {
            for parameter in operation.parameters.iter_mut().flatten() {
                if let RefOr::T(parameter) = parameter
                    && parameter.parameter_in == ParameterIn::Query
                    && let Some(item) = items(&parameter.name)
                {
                    parameter.schema = Some(array(item));
                }
            }
        }
    }
}
