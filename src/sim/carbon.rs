//! Carbon: the loan applications of a merchant.

use super::book::{Listing, Order};
use super::carbon_terms::{Style, Terms};
use super::front::Bend;
use super::provider::Provider;
use super::record::{field, rows_of, with_missing};
use super::reply::{Reply, failure};
use super::request::{Ask, Call};
use super::world::World;

const GENERATED_EXAMPLE: &str = include_str!("documents/carbon_loans_example.json");
const PROSE: &str = include_str!("documents/carbon_loans_prose.json");
const DEFAULT_LIMIT: usize = 20;

/// How a list of loans is wrapped. The page shows two ways; a sibling page writes its total as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CarbonEnvelope {
    /// `"pagination": {"total": 45, "page": 1, "limit": 20, "pages": 3}`
    Pagination,
    /// `"total": 45`
    TotalNumber,
    /// `"total": "45"`
    TotalString,
}

/// The row of six fields and the row of twelve.
pub(super) fn sample_rows() -> Vec<String> {
    [GENERATED_EXAMPLE, PROSE]
        .into_iter()
        .flat_map(|text| rows_of(text, "data"))
        .collect()
}

pub(super) fn answer(world: &World, ask: &Ask, bend: Bend) -> Reply {
    match &ask.call {
        Call::Loan(id) => one(world, id, bend),
        Call::Offer(id) => offer(world, id, bend),
        Call::ActiveLoan => active(world, ask, bend),
        Call::Repayments(id) => repayments(world, id, bend),
        _ => list(world, ask, bend),
    }
}

/// The row of an application.
fn application(world: &World, id: &str) -> Result<String, Reply> {
    let book = world.with(|state| state.book(Provider::Carbon));
    let is_it = |row: &str| field(row, "application_id").as_deref() == Some(id);
    let found = book.matching(&[("application_id", id)], is_it).next();
    found
        .and_then(|index| book.row(index))
        // Carbon has no 404 for this.
        .ok_or_else(|| failure(Provider::Carbon, 400, "Application not found"))
}

/// One thing in the envelope that all of them have.
fn fetched(message: &str, data: &str, bend: Bend) -> Reply {
    let data = bend.shown(Provider::Carbon, data);
    Reply::json(format!(
        r#"{{"status":"success","message":"{message}","data":{data}}}"#
    ))
}

/// The prose of the pages and their generated examples name the same fields in two styles, as they do with lists.
fn style(world: &World) -> Style {
    match world.with(|state| state.carbon_envelope) {
        CarbonEnvelope::Pagination => Style::Camel,
        CarbonEnvelope::TotalNumber | CarbonEnvelope::TotalString => Style::Snake,
    }
}

fn offer(world: &World, id: &str, bend: Bend) -> Reply {
    let row = match application(world, id) {
        Ok(row) => row,
        Err(refused) => return refused,
    };
    match Terms::of(&row).offer(style(world)) {
        Some(offer) => fetched("Offer fetched", &offer, bend),
        None => failure(Provider::Carbon, 422, "Application has no loan ID"),
    }
}

/// The latest loan of a customer that is not repaid. What is said where there is none is on no page.
fn active(world: &World, ask: &Ask, bend: Bend) -> Reply {
    let Some(customer) = ask.query("customer_id") else {
        return failure(Provider::Carbon, 400, "customer_id query param is required");
    };
    let book = world.with(|state| state.book(Provider::Carbon));
    let theirs = |row: &str| field(row, "customer_id").as_deref() == Some(customer);
    let rows: Vec<String> = book
        .matching(&[("customer_id", customer)], theirs)
        .filter_map(|index| book.row(index))
        .collect();
    if rows.is_empty() {
        return failure(Provider::Carbon, 400, "Customer not enrolled for lending");
    }
    let style = style(world);
    let active = rows.iter().rev().find_map(|row| Terms::of(row).active(style));
    fetched("Active loan fetched", active.as_deref().unwrap_or("null"), bend)
}

/// By the id of a loan; that of an application finds nothing.
fn repayments(world: &World, id: &str, bend: Bend) -> Reply {
    let book = world.with(|state| state.book(Provider::Carbon));
    let is_it = |row: &str| field(row, "loan_id").as_deref() == Some(id);
    let found = book.matching(&[("loan_id", id)], is_it).next();
    match found.and_then(|index| book.row(index)) {
        Some(row) => {
            let schedule = Terms::of(&row).schedule();
            fetched(
                "Repayment schedule fetched",
                &format!(r#"{{"schedule":{schedule}}}"#),
                bend,
            )
        }
        None if application(world, id).is_ok() => failure(Provider::Carbon, 422, "No SME loan ID on record"),
        None => failure(Provider::Carbon, 400, "Loan not found"),
    }
}

fn one(world: &World, id: &str, bend: Bend) -> Reply {
    let row = match application(world, id) {
        Ok(row) => row,
        Err(refused) => return refused,
    };
    let account = format!(
        r#""PC_{}""#,
        id.split('-').next().unwrap_or_default().to_ascii_uppercase()
    );
    let more = [
        ("account_identifier", account.as_str()),
        ("disbursement_account", "null"),
    ];
    fetched("Loan application fetched", &with_missing(&row, &more), bend)
}

fn list(world: &World, ask: &Ask, bend: Bend) -> Reply {
    let (book, envelope, limit) = world.with(|state| {
        let limit = state.clamped(Provider::Carbon, ask.count("limit").unwrap_or(DEFAULT_LIMIT));
        (state.book(Provider::Carbon), state.carbon_envelope, limit)
    });
    let asked_page = ask.count("page").unwrap_or(1);
    let page = if bend.pages_loop { 1 } else { asked_page };
    let conditions: Vec<(&str, &str)> = ["customer_id", "status"]
        .into_iter()
        .filter_map(|name| ask.query(name).map(|value| (name, value)))
        .collect();
    let listing = if conditions.is_empty() {
        book.all(|_| ())
    } else {
        let keep = |row: &str| {
            conditions
                .iter()
                .all(|(name, value)| field(row, name).as_deref() == Some(*value))
        };
        Listing::exactly(book.matching(&conditions, keep).collect())
    };
    let rows = book.page(&listing, Order::Ascending, page, limit);
    let data = rows
        .iter()
        .map(|row| bend.shown(Provider::Carbon, row))
        .collect::<Vec<_>>()
        .join(",");
    let total = if bend.pages_loop {
        listing
            .len()
            .max(asked_page.saturating_add(1).saturating_mul(limit))
    } else {
        listing.len()
    };
    let (message, count) = match envelope {
        CarbonEnvelope::Pagination => {
            let pages = total.div_ceil(limit);
            (
                r#""message":"Loan applications fetched","#,
                format!(r#""pagination":{{"total":{total},"page":{page},"limit":{limit},"pages":{pages}}}"#),
            )
        }
        CarbonEnvelope::TotalNumber => ("", format!(r#""total":{total}"#)),
        CarbonEnvelope::TotalString => ("", format!(r#""total":"{total}""#)),
    };
    Reply::json(format!(
        r#"{{"status":"success",{message}"data":[{data}],{count}}}"#
    ))
}
