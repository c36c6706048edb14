//! Belvo Direct Debit: snapshots of defaulted loans, several of one loan.

use chrono::NaiveDate;
use serde_json::json;

use super::book::{Book, Listing, Order};
use super::front::Bend;
use super::provider::Provider;
use super::record::{Fields, field, rows_of};
use super::reply::{JSON, Reply, belvo_body, failure};
use super::request::{Ask, Call};
use super::world::World;

const SAMPLE: &str = include_str!("documents/belvo_loans.json");
const DEFAULT_LIMIT: usize = 20;

pub(super) fn sample_rows() -> Vec<String> {
    rows_of(SAMPLE, "items")
}

/// Query parameter, field it must equal, whether it must be a UUID.
const EQUALS: [(&str, &str, bool); 5] = [
    ("payment_method_id", "paymentMethodId", true),
    ("customer_id", "customerId", true),
    ("merchant_customer_id", "merchantCustomerId", false),
    ("default_date", "defaultDate", false),
    ("status", "status", false),
];

pub(super) fn answer(world: &World, ask: &Ask, bend: Bend) -> Reply {
    match &ask.call {
        Call::Loan(id) => one(world, id, bend),
        _ => list(world, ask, bend).unwrap_or_else(|refused| refused),
    }
}

/// By the id of the snapshot; the loan's own id finds nothing.
fn one(world: &World, id: &str, bend: Bend) -> Reply {
    if !is_uuid(id) {
        return failure(Provider::Belvo, 400, "id must be a UUID");
    }
    let book = world.with(|state| state.book(Provider::Belvo));
    let found = book
        .matching(&[("id", id)], |row| field(row, "id").as_deref() == Some(id))
        .next();
    match found.and_then(|index| book.row(index)) {
        Some(row) => Reply::json(bend.shown(Provider::Belvo, &row)),
        None => failure(Provider::Belvo, 404, "Loan not found"),
    }
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups
            .iter()
            .all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

/// What the validation has to say, all of it at once.
fn complaints(ask: &Ask) -> Vec<String> {
    let mut found = Vec::new();
    for name in ["page", "limit"] {
        if ask.query(name).is_some() && ask.count(name).is_none() {
            found.push(format!("{name} must not be less than 1"));
        }
    }
    for (name, words) in [("status", ["active", "inactive"]), ("order", ["asc", "desc"])] {
        if ask.query(name).is_some_and(|value| !words.contains(&value)) {
            found.push(format!(
                "{name} must be one of the following values: {}",
                words.join(", ")
            ));
        }
    }
    for name in ["default_date", "start_date", "end_date"] {
        if ask.query(name).is_some_and(|value| !is_date(value)) {
            found.push(format!("{name} must be a valid date in YYYY-MM-DD format"));
        }
    }
    found
}

fn list(world: &World, ask: &Ask, bend: Bend) -> Result<Reply, Reply> {
    if EQUALS
        .iter()
        .any(|(name, _, uuid)| *uuid && ask.query(name).is_some_and(|value| !is_uuid(value)))
    {
        return Err(failure(Provider::Belvo, 400, "id must be a UUID"));
    }
    let complaints = complaints(ask);
    if !complaints.is_empty() {
        return Err(Reply::new(
            400,
            JSON,
            belvo_body(400, &json!(complaints).to_string()),
        ));
    }
    let (book, limit, serial) = world.with(|state| {
        let limit = state.clamped(Provider::Belvo, ask.count("limit").unwrap_or(DEFAULT_LIMIT));
        (state.book(Provider::Belvo), limit, state.next_serial())
    });
    let order = match ask.query("order") {
        Some("asc") => Order::Ascending,
        Some(_) => Order::Descending,
        None => Order::Undefined { serial },
    };
    let asked_page = ask.count("page").unwrap_or(1);
    let page = if bend.pages_loop { 1 } else { asked_page };
    let listing = selected(&book, ask);
    let items = book.page(&listing, order, page, limit);
    let total = if bend.pages_loop {
        listing
            .len()
            .max(asked_page.saturating_add(1).saturating_mul(limit))
    } else {
        listing.len()
    };
    let pages = total.div_ceil(limit);
    let rows = items
        .iter()
        .map(|row| bend.shown(Provider::Belvo, row))
        .collect::<Vec<_>>()
        .join(",");
    Ok(Reply::json(format!(
        concat!(
            r#"{{"items":[{rows}],"meta":{{"totalItems":{total},"itemCount":{count},"itemsPerPage":{limit},"#,
            r#""totalPages":{pages},"currentPage":{page}}},"links":{links}}}"#
        ),
        rows = rows,
        total = total,
        count = items.len(),
        limit = limit,
        pages = pages,
        page = page,
        links = links(page, pages, limit),
    )))
}

fn selected(book: &Book, ask: &Ask) -> Listing {
    let created = |row: &str| field(row, "createdDate");
    let equals: Vec<(&str, &str)> = EQUALS
        .iter()
        .filter_map(|(name, key, _)| ask.query(name).map(|value| (*key, value)))
        .collect();
    let (start, end) = (ask.query("start_date"), ask.query("end_date"));
    if equals.is_empty() && start.is_none() && end.is_none() {
        return book.all(created);
    }
    let keep = |row: &str| {
        let Some(fields) = Fields::read(row) else {
            return false;
        };
        // Dates in this form sort as text. The range is that of the default, not of the snapshot.
        let defaulted = fields.text("defaultDate").unwrap_or_default();
        equals
            .iter()
            .all(|(key, value)| fields.text(key).as_deref() == Some(*value))
            && start.is_none_or(|start| defaulted.as_str() >= start)
            && end.is_none_or(|end| !defaulted.is_empty() && defaulted.as_str() <= end)
    };
    book.some(&equals, keep, created)
}

/// Placeholders, as on the page: no host, no resource, no filters, empty where there is no page.
fn links(page: usize, pages: usize, limit: usize) -> String {
    let to = |wanted: bool, page: usize| {
        if wanted {
            format!("/{{resource}}?page={page}&limit={limit}")
        } else {
            String::new()
        }
    };
    json!({
        "first": format!("/{{resource}}?limit={limit}"),
        "previous": to(page > 1, page.saturating_sub(1)),
        "next": to(page < pages, page.saturating_add(1)),
        "last": to(pages > 0, pages),
    })
    .to_string()
}
