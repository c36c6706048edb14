//! Every file of the page.

macro_rules! files {
    ($($name:literal,)+) => { [$(($name, include_str!(concat!("page/", $name)))),+] };
}

/// Where the program begins.
pub(super) const START: &str = "main.js";

/// Parts that are fetched when somebody goes there, by what their names begin with.
pub(super) const LATER: [&str; 2] = ["loan/", "loans/"];

/// Names and texts; styles in the order in which they count. A test compares with the folder.
pub(super) const ALL: [(&str, &str); 56] = files![
    "vendor/uplot.css",
    "styles/base.css",
    "styles/shell.css",
    "styles/loan.css",
    "styles/loans.css",
    "styles/operations.css",
    "api.js",
    "charts/plot.js",
    "door.js",
    "exact.js",
    "later.js",
    "live.js",
    "loan/explain.js",
    "loan/fields.js",
    "loan/record.js",
    "loan/rows.js",
    "loan/schedule.js",
    "loan/snapshots.js",
    "loan/transactions.js",
    "loan/value.js",
    "loan/view.js",
    "loans/export.js",
    "loans/filters.js",
    "loans/form.js",
    "loans/order.js",
    "loans/people.js",
    "loans/sources.js",
    "loans/store.js",
    "loans/stream.js",
    "loans/table.js",
    "loans/totals.js",
    "loans/view.js",
    "loans/walk.js",
    "main.js",
    "money.js",
    "operations/card.js",
    "operations/drift.js",
    "operations/figures.js",
    "operations/gateway.js",
    "operations/state.js",
    "operations/view.js",
    "page.js",
    "people.js",
    "pieces.js",
    "route.js",
    "shell.js",
    "time.js",
    "vendor/hooks.js",
    "vendor/htm.js",
    "vendor/preact.js",
    "vendor/uplot.js",
    "words.js",
    "icon.svg",
    "vendor/htm.LICENSE",
    "vendor/preact.LICENSE",
    "vendor/uplot.LICENSE",
];
