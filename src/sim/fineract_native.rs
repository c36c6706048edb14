//! Apache Fineract itself: loans by limit and offset, and one with its schedule and its transactions.

use super::access::basic;
use super::book::{Book, Listing, Order};
use super::front::Bend;
use super::generate::Recipe;
use super::provider::{NATIVE_FINERACT, Provider};
use super::record::{field, quoted, with_more, without};
use super::reply::{HTML, JSON, Reply};
use super::request::{Ask, Call};
use super::world::World;

const SAMPLE: &str = include_str!("documents/fineract_loan.json");
/// What a list never has.
const LISTS: &[&str] = &["repaymentSchedule", "transactions"];

/// The loan of the document, then as many generated ones as there are generated ledgers.
pub(super) fn book(seed: u64, total: usize) -> (Provider, Book) {
    let rows = vec![without(SAMPLE, LISTS)];
    let recipe = |_| Recipe::new(Provider::Fineract, seed, total);
    (Provider::Fineract, Book::continued(rows, total, recipe))
}

/// Whether a request is for this API and not for the wrapper's.
pub(super) fn is_asked(ask: &Ask) -> bool {
    ask.provider == Provider::Fineract && matches!(ask.call, Call::Loans(_) | Call::Loan(_))
}

fn secret(key: &str) -> &'static str {
    let pair = NATIVE_FINERACT.iter().find(|(name, _)| *name == key);
    pair.map_or("", |(_, value)| value)
}

/// Why a request for this API is not let in. Who asks is looked at behind the tenant, which answers with a page of the
/// container and not in the shape of the API.
pub(super) fn refusal(ask: &Ask) -> Option<Reply> {
    if !is_asked(ask) {
        return None;
    }
    if ask.header("fineract-platform-tenantid") != secret("tenant") {
        let page = "<!doctype html><html lang=\"en\"><head><title>HTTP Status 400 – Bad Request</title></head></html>";
        let refused = Reply::new(400, HTML, page);
        return Some(refused.header("www-authenticate", "Basic realm=\"Fineract Platform API\""));
    }
    let expected = format!("{}:{}", secret("username"), secret("password"));
    if basic(ask).as_deref() == Some(expected.as_bytes()) {
        return None;
    }
    let refused = error(
        401,
        "error.msg.not.authenticated",
        "Unauthenticated. Please login.",
        None,
    );
    Some(refused.header("www-authenticate", "Basic realm=\"Fineract Platform API\""))
}

/// `ApiGlobalErrorResponse`.
fn error(status: u16, code: &str, message: &str, of: Option<(&str, &str)>) -> Reply {
    let message = quoted(message);
    let errors = of.map_or_else(String::new, |(code, message)| {
        let message = quoted(message);
        format!(
            r#","errors":[{{"developerMessage":{message},"defaultUserMessage":{message},"userMessageGlobalisationCode":"{code}","parameterName":"id","value":null,"args":[]}}]"#
        )
    });
    let body = format!(
        r#"{{"developerMessage":{message},"httpStatusCode":"{status}","defaultUserMessage":{message},"userMessageGlobalisationCode":"{code}"{errors}}}"#
    );
    Reply::new(status, JSON, body)
}

pub(super) fn answer(world: &World, ask: &Ask, bend: Bend) -> Reply {
    match &ask.call {
        Call::Loan(id) => one(world, ask, id, bend),
        _ => list(world, ask, bend),
    }
}

fn list(world: &World, ask: &Ask, bend: Bend) -> Reply {
    let (book, serial, ignores_client) = world.with(|state| {
        (
            state.book(Provider::Fineract),
            state.next_serial(),
            state.ignores_client,
        )
    });
    let order = match (ask.query("orderBy"), ask.query("sortOrder")) {
        (None, _) => Order::Undefined { serial },
        (Some("id" | "accountNo"), Some(way)) if way.eq_ignore_ascii_case("desc") => Order::Descending,
        (Some("id" | "accountNo"), _) => Order::Ascending,
        (Some(_), _) => {
            let message = "Unexpected SQL Commands found";
            return error(400, "error.msg.found.sql.injection", message, None);
        }
    };
    let by_id = |row: &str| field(row, "id").and_then(|id| id.parse::<u64>().ok());
    let client = ask.query("clientId").filter(|_| !ignores_client);
    let listing: Listing = match client {
        Some(client) => book.some(
            &[("clientId", client)],
            |row| field(row, "clientId").as_deref() == Some(client),
            by_id,
        ),
        None => book.all(by_id),
    };
    let total = listing.len();
    // Without a limit there is none, and the offset is forgotten.
    let (start, count): (usize, usize) = match ask.count("limit") {
        None => (0, total),
        Some(limit) => {
            let limit = world.with(|state| state.clamped(Provider::Fineract, limit));
            let offset = ask.query("offset").and_then(|offset| offset.parse().ok());
            (offset.unwrap_or(0), limit)
        }
    };
    let (start, total) = if bend.pages_loop {
        (0, total.max(start.saturating_add(count).saturating_add(1)))
    } else {
        (start, total)
    };
    let rows = book.slice(&listing, order, start, count);
    let rows: Vec<String> = rows
        .iter()
        .map(|row| bend.shown(Provider::Fineract, row))
        .collect();
    Reply::json(format!(
        r#"{{"totalFilteredRecords":{total},"pageItems":[{}]}}"#,
        rows.join(",")
    ))
}

fn one(world: &World, ask: &Ask, id: &str, bend: Bend) -> Reply {
    let (book, ledgers) = world.with(|state| (state.book(Provider::Fineract), state.ledgers.clone()));
    let is_it = |row: &str| field(row, "id").as_deref() == Some(id);
    let found = book
        .matching(&[("id", id)], is_it)
        .next()
        .and_then(|index| book.row(index));
    let Some(row) = found else {
        let message = format!("Loan with identifier {id} does not exist");
        return error(
            404,
            "error.msg.resource.not.found",
            "The requested resource is not available.",
            Some(("error.msg.loan.id.invalid", &message)),
        );
    };
    let asked = |name: &str| {
        let associations = ask.query("associations").unwrap_or_default();
        associations
            .split(',')
            .any(|association| association == name || association == "all")
    };
    let generated = ledgers.schedule(id);
    let sampled = field(SAMPLE, "id").as_deref() == Some(id);
    let mut more = Vec::new();
    if asked("repaymentSchedule") {
        let schedule = match &generated {
            Some((schedule, _)) => Some(schedule.clone()),
            None if sampled => field(SAMPLE, "repaymentSchedule"),
            None => None,
        };
        more.extend(schedule.map(|schedule| format!("\"repaymentSchedule\":{schedule}")));
    }
    if asked("transactions") {
        let paid_out = generated.is_none_or(|(_, paid_out)| paid_out);
        let rows = match bend.new_words {
            _ if !paid_out => None,
            true => ledgers.bent(id),
            false => ledgers.rows(id),
        };
        more.push(format!("\"transactions\":[{}]", rows.unwrap_or_default()));
    }
    let row = bend.shown(Provider::Fineract, &row);
    if more.is_empty() {
        return Reply::json(row);
    }
    Reply::json(with_more(&row, &more.join(",")))
}
