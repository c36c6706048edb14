//! BSA LMS: loans with their balances and schedules.

use super::book::{Book, Listing, Order};
use super::front::Bend;
use super::generate::Object;
use super::provider::Provider;
use super::record::{Fields, field, rows_of, with_missing};
use super::reply::{Reply, bsa_bad_field, failure};
use super::request::{Ask, Call};
use super::world::World;

const SAMPLE: &str = include_str!("documents/bsa_loans.json");
const DEFAULT_ROWS: usize = 10;
const MOST_ROWS: usize = 100;
/// "Scans up to 1000 loans per call", when filtering by status.
const SCANNED: usize = 1000;

pub(super) fn sample_rows() -> Vec<String> {
    rows_of(SAMPLE, "items")
}

/// The customer that a partner calls by this name. The page has Ada; everybody else is `ext-` and their id.
fn customer_of(external_id: &str) -> &str {
    match external_id {
        "ext-ada-001" => "42",
        _ => external_id.strip_prefix("ext-").unwrap_or("-"),
    }
}

pub(super) fn answer(world: &World, ask: &Ask, bend: Bend) -> Reply {
    match &ask.call {
        Call::Loan(id) => one(world, "id", id, bend),
        Call::LoanByReference(reference) => one(world, "externalId", reference, bend),
        _ => list(world, ask, bend).unwrap_or_else(|refused| refused),
    }
}

fn one(world: &World, key: &str, wanted: &str, bend: Bend) -> Reply {
    let (book, history) = world.with(|state| (state.book(Provider::Bsa), state.bsa_history));
    let is_it = |row: &str| field(row, key).as_deref() == Some(wanted);
    match book
        .matching(&[(key, wanted)], is_it)
        .next()
        .and_then(|index| book.row(index))
    {
        Some(row) if history => {
            let more = [("repaymentHistory", repayments(&row))];
            let more = more.each_ref().map(|(key, list)| (*key, list.as_str()));
            Reply::json(with_missing(&bend.shown(Provider::Bsa, &row), &more))
        }
        Some(row) => Reply::json(bend.shown(Provider::Bsa, &row)),
        None if key == "id" && wanted.parse::<u64>().is_err() => bsa_bad_field(
            "loan_id",
            &format!("strconv.ParseInt: parsing {wanted:?}: invalid syntax"),
        ),
        None => {
            let message = format!("lms: status=404: Loan with {key} {wanted} does not exist");
            failure(Provider::Bsa, 404, &message)
        }
    }
}

/// All that was paid, as one payment on the first day of the plan. What is nought is left out.
fn repayments(row: &str) -> String {
    let Some(fields) = Fields::read(row) else {
        return "[]".to_owned();
    };
    let paid = |key: &str| fields.raw(key).filter(|amount| *amount != "0");
    let Some(amount) = paid("totalRepayment") else {
        return "[]".to_owned();
    };
    let plan = rows_of(row, "repaymentSchedule");
    let date = plan.first().and_then(|first| field(first, "fromDate"));
    let id = format!("{}01", fields.text("id").unwrap_or_default());
    let mut payment = Object::default();
    payment
        .text("id", &id)
        .text("type", "Repayment")
        .text("date", &date.unwrap_or_default())
        .raw("amount", amount);
    for (key, part) in [("principal", "principalPaid"), ("interest", "interestPaid")] {
        if let Some(part) = paid(part) {
            payment.raw(key, part);
        }
    }
    payment.text("status", "posted");
    format!("[{}]", payment.closed())
}

/// A paging parameter. Both complain about `page`, as the pages say they do.
fn number(ask: &Ask, name: &str, default: usize) -> Result<usize, Reply> {
    let Some(value) = ask.query(name) else {
        return Ok(default);
    };
    let number: i64 = value.parse().map_err(|_| {
        bsa_bad_field(
            "page",
            &format!("{name} conversion: strconv.Atoi: parsing {value:?}: invalid syntax"),
        )
    })?;
    usize::try_from(number)
        .ok()
        .filter(|n| *n > 0)
        .ok_or_else(|| bsa_bad_field("page", &format!("{name} value too small, must be larger than 0")))
}

fn list(world: &World, ask: &Ask, bend: Bend) -> Result<Reply, Reply> {
    let asked_page = number(ask, "page", 1)?;
    let asked_rows = number(ask, "rows", DEFAULT_ROWS)?;
    if asked_rows > MOST_ROWS {
        return Err(bsa_bad_field(
            "page",
            "rows value too large, must be less than 100",
        ));
    }
    let customer = customer(ask)?;
    let (book, rows, serial) = world.with(|state| {
        (
            state.book(Provider::Bsa),
            state.clamped(Provider::Bsa, asked_rows),
            state.next_serial(),
        )
    });
    let mut order = order(ask, serial)?;
    let by = |key: &'static str| move |row: &str| amount(&field(row, key).unwrap_or_default());
    let mut listing = match (customer, ask.query("orderBy")) {
        (Some(id), Some("principal")) => of_customer(&book, id, by("principal")),
        (Some(id), _) => of_customer(&book, id, by("id")),
        // Rows are not made in this order, so all of them are looked at.
        (None, Some("principal")) => book.some(&[], |_| true, by("principal")),
        (None, _) => book.all(by("id")),
    };
    if let Some(status) = ask.query("status") {
        let is_it = |index: &usize| {
            book.row(*index)
                .and_then(|row| field(&row, "status"))
                .is_some_and(|label| label.eq_ignore_ascii_case(status))
        };
        let scanned = listing.first(order, SCANNED);
        listing = Listing::exactly(scanned.into_iter().filter(is_it).collect());
        order = Order::Ascending;
    }
    let page = if bend.pages_loop { 1 } else { asked_page };
    let items = book.page(&listing, order, page, rows);
    let total = if bend.pages_loop {
        listing
            .len()
            .max(asked_page.saturating_add(1).saturating_mul(rows))
    } else {
        listing.len()
    };
    let items = if items.is_empty() && page > 1 {
        // A Go slice that nothing was appended to.
        "null".to_owned()
    } else {
        format!(
            "[{}]",
            items
                .iter()
                .map(|row| bend.shown(Provider::Bsa, row))
                .collect::<Vec<_>>()
                .join(",")
        )
    };
    Ok(Reply::json(format!(
        r#"{{"items":{items},"total":{total},"page":{page},"rowsPerPage":{rows}}}"#
    )))
}

fn of_customer<K: Ord>(book: &Book, id: &str, key: impl Fn(&str) -> K) -> Listing {
    book.some(
        &[("customerId", id)],
        |row| field(row, "customerId").as_deref() == Some(id),
        key,
    )
}

fn customer(ask: &Ask) -> Result<Option<&str>, Reply> {
    match (ask.query("customerId"), ask.query("customerExternalId")) {
        (Some(_), Some(_)) => Err(bsa_bad_field(
            "customerId",
            "customerId and customerExternalId are mutually exclusive",
        )),
        (Some(id), None) if id.parse::<u64>().is_err() => Err(bsa_bad_field(
            "customerId",
            &format!("strconv.Atoi: parsing {id:?}: invalid syntax"),
        )),
        (Some(id), None) => Ok(Some(id)),
        (None, external) => Ok(external.map(customer_of)),
    }
}

/// Without `orderBy` the pages promise nothing, so nothing is kept: a client that forgets it is found out.
fn order(ask: &Ask, serial: usize) -> Result<Order, Reply> {
    let descending = match ask.query("sortOrder") {
        Some(word) if word.eq_ignore_ascii_case("desc") => true,
        Some(word) if word.eq_ignore_ascii_case("asc") => false,
        Some(word) => return Err(bsa_bad_field("sortOrder", &format!("unknown direction: {word}"))),
        None => false,
    };
    match ask.query("orderBy") {
        None => Ok(Order::Undefined { serial }),
        Some("id" | "principal" | "expectedDisbursementDate") if descending => Ok(Order::Descending),
        Some("id" | "principal" | "expectedDisbursementDate") => Ok(Order::Ascending),
        Some(word) => Err(bsa_bad_field("orderBy", &format!("unknown order: {word}"))),
    }
}

/// A sort key for numbers that are not negative, read from their text: longer before the point is larger.
fn amount(number: &str) -> (usize, String, String) {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = whole.trim_start_matches('0');
    (
        whole.len(),
        whole.to_owned(),
        fraction.trim_end_matches('0').to_owned(),
    )
}
