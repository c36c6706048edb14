//! Rows 2.4 and 2.5: pages and tokens.

use loangate::sim::Fault;

use super::table::{Ends, MINTING, PAGED, Row, row};
use crate::support::chaos::{Act, Asked, End};

fn well(_: &Asked) -> Act {
    Act::Answer(End::Keep)
}

fn answer(status: u16, body: &str) -> Act {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    Act::Bytes(text.into_bytes(), End::Keep)
}

/// The fault meets token calls only.
fn token(asked: &Asked, act: Act) -> Act {
    if asked.token { act } else { well(asked) }
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = pages();
    rows.extend(tokens());
    rows
}

fn pages() -> Vec<Row> {
    vec![
        row("P02", "every page is the first again", |_, asked| well(asked))
            .over(PAGED)
            .setup(|setup, provider| setup.connection(provider, "page_size", "1"))
            .world(|world, provider| world.set_fault(provider, Fault::PageLoop)),
        row("P08", "the second page fails", |_, asked| {
            if asked.target.contains("page=2&") {
                answer(503, "{}")
            } else {
                well(asked)
            }
        })
        .over(PAGED)
        .setup(|setup, provider| setup.connection(provider, "page_size", "1"))
        .world(|world, provider| {
            let rows = ["1", "2"].map(|id| crate::support::rows::row(provider, id, ""));
            world.set_records(provider, rows.to_vec());
        }),
    ]
}

fn tokens() -> Vec<Row> {
    let rows = vec![
        row("A03", "token calls: 500 for ever", |_, asked| {
            token(asked, answer(500, "{}"))
        }),
        row("A03", "token calls: refused", |_, asked| {
            token(asked, answer(401, "{}"))
        }),
        row("A03", "token calls: garbage", |_, asked| {
            token(asked, answer(200, "<html>"))
        }),
        row("A03", "token calls: reset", |_, asked| {
            token(asked, Act::Bytes(Vec::new(), End::Reset))
        }),
        row("A03", "token calls: 500 once", |_, asked| {
            if asked.token && asked.attempt == 0 {
                answer(500, "{}")
            } else {
                well(asked)
            }
        }),
        row("A03", "token calls: never answered", |_, asked| {
            token(asked, Act::Bytes(Vec::new(), End::Hang))
        })
        .ends(Ends::Attempt),
        row("A03", "token calls: a token that ran out in 1999", |_, asked| {
            let goscore = r#"{"token":"sim-goscore-token","expire_at":"01-01-1999 00:00"}"#;
            token(asked, answer(200, goscore))
        })
        .over(&[loangate::sim::Provider::Goscore]),
        row("A03", "token calls: a token until the year 9999", |_, asked| {
            let goscore = r#"{"token":"sim-goscore-token","expire_at":"12-31-9999 23:59"}"#;
            token(asked, answer(200, goscore))
        })
        .over(&[loangate::sim::Provider::Goscore]),
    ];
    rows.into_iter().map(over_minting).collect()
}

fn over_minting(row: Row) -> Row {
    row.tokens().within(MINTING)
}
