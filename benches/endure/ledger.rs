//! A long ledger: five years of daily accruals, in one answer without pages.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::Size;
use crate::client;
use crate::gateway::Gateway;
use crate::report::{Kib, Ms, Report};

const DAYS: u32 = 5 * 365;
/// What a ledger server takes to read so many rows from its database is far more; this is the least that counts.
const OWN_TIME: Duration = Duration::from_millis(50);
const TARGET: &str = "/loans/fineract:123/transactions?limit=200";

#[derive(Deserialize)]
struct Rows {
    data: Vec<IgnoredAny>,
    page: Page,
    complete: bool,
}

#[derive(Deserialize)]
struct Page {
    total: usize,
}

pub(crate) async fn run(size: Size, report: &mut Report) {
    let body = Arc::new(ledger());
    let upstream = serve(Arc::clone(&body)).await;
    let config = format!(
        "[auth]\nmode = \"none\"\n[cache]\nmax_age = \"0s\"\n[connections.fineract]\nprovider = \"fineract\"\nbase_url = \"http://{upstream}\"\ntoken = \"endure\"\n"
    );
    let gateway = Gateway::start(&config).await;
    let rounds = size.pick(5, 50);
    let own = median(rounds, upstream, "/api/v1/Loans/123/transactions").await;
    // The first makes the gateway's connections and buffers.
    client::get(gateway.address, TARGET).await.unwrap();
    let before = gateway.usage().resident;
    gateway.forget_peak();
    client::get(gateway.address, TARGET).await.unwrap();
    // One answer: its rows are then held for its cursor, as those of later ones are, in the room there is for that.
    let peak = gateway.usage().peak.saturating_sub(before);
    let through = median(rounds, gateway.address, TARGET).await;
    let answer = client::get(gateway.address, TARGET).await.unwrap();
    let rows: Rows = serde_json::from_slice(&answer.body).unwrap();
    let rows_right =
        rows.complete && rows.data.len() == 200 && rows.page.total == usize::try_from(DAYS).unwrap() + 1;
    let kib = u64::try_from(body.len() / 1024).unwrap();
    report.line(
        "ledger",
        &format!(
            "{} rows in one answer of {}, after {}",
            DAYS + 1,
            Kib(kib),
            Ms(OWN_TIME)
        ),
        &format!(
            "median {} through the gateway, {} without it; memory grew by {}",
            Ms(through),
            Ms(own),
            Kib(peak)
        ),
        &[
            ("every row counted, 200 shown", rows_right),
            ("twice the upstream's own time", through < own * 2),
            ("four times the body", peak < kib * 4),
        ],
    );
}

/// Rows as a ledger server writes them: a disbursement, then an accrual each day.
fn ledger() -> Vec<u8> {
    let mut rows = String::from(r#"{"succeeded":true,"message":"","errors":[],"data":["#);
    for day in 0..=DAYS {
        let (kind, code, amount, balance) = match day {
            0 => (1, "disbursement", "100000.000000", "100000.000000"),
            _ => (10, "accrual", "54.790000", "0"),
        };
        let date = format!("[{},{},{}]", 2021 + day / 372, 1 + day % 372 / 31, 1 + day % 28);
        let flags = [
            "disbursement",
            "repaymentAtDisbursement",
            "repayment",
            "contra",
            "waiveInterest",
            "waiveCharges",
            "accrual",
            "writeOff",
            "recoveryRepayment",
            "initiateTransfer",
            "approveTransfer",
            "withdrawTransfer",
            "rejectTransfer",
            "chargePayment",
            "refund",
            "refundForActiveLoans",
        ];
        let flags: Vec<String> = flags
            .iter()
            .map(|flag| format!("\"{flag}\":{}", *flag == code))
            .collect();
        write!(
            rows,
            r#"{}{{"id":{},"officeId":1,"officeName":"Head Office","type":{{"id":{kind},"code":"loanTransactionType.{code}","value":"{code}",{}}},"date":{date},"currency":{{"code":"NGN","name":"Nigerian Naira","decimalPlaces":2,"displaySymbol":"N","nameCode":"currency.NGN","displayLabel":"Nigerian Naira (N)","inMultiplesOf":0}},"amount":{amount},"netDisbursalAmount":100000.000000,"principalPortion":0,"interestPortion":{},"feeChargesPortion":0,"penaltyChargesPortion":0,"overpaymentPortion":0,"unrecognizedIncomePortion":0,"outstandingLoanBalance":{balance},"submittedOnDate":{date},"manuallyReversed":false,"numberOfRepayments":0}}"#,
            if day == 0 { "" } else { "," },
            1000 + day,
            flags.join(","),
            if day == 0 { "0" } else { amount },
        )
        .unwrap();
    }
    rows.push_str("]}");
    rows.into_bytes()
}

/// Answers everything with this body, after its own time.
async fn serve(body: Arc<Vec<u8>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, Arc::clone(&body)));
        }
    });
    address
}

async fn answer(mut stream: TcpStream, body: Arc<Vec<u8>>) {
    let mut request = vec![0; 16 * 1024];
    while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
        tokio::time::sleep(OWN_TIME).await;
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.write_all(&body).await;
    }
}

async fn median(rounds: usize, address: SocketAddr, target: &str) -> Duration {
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let began = Instant::now();
        client::get(address, target).await.unwrap();
        times.push(began.elapsed());
    }
    times.sort_unstable();
    times[rounds / 2]
}
