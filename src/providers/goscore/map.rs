//! How a line of the debt register becomes a loan.

use std::fmt::Write as _;

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::wire::{LOAN, STUDENT_LOAN};
use crate::loan::{
    Arrangement, BorrowerRole, Currency, Field, FlagCode, IdStability, Kind, Loan, Missing, Money, Origin,
    Period, RateBasis, RecordType, Status,
};
use crate::providers::{Mapped, Mapping};
use crate::record::{Choice, Reader, Rejected, Unit, Why};

/// `consumner_loan` is the page's own spelling, in its table and in its sample; the right one is accepted too.
const TYPES: &[(&str, Kind)] = &[
    ("credit_card", Kind::CreditCard),
    ("consumner_loan", Kind::PersonalLoan),
    ("consumer_loan", Kind::PersonalLoan),
    ("charge_card", Kind::ChargeCard),
];

/// What the whole answer is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Person<'a> {
    pub(super) consent: &'a str,
    pub(super) user_data_id: Option<&'a str>,
    pub(super) currency: Currency,
}

/// Maps one line of `loans`.
pub(super) fn loan(row: &RawValue, person: &Person<'_>, at: &Mapping<'_>) -> Mapped {
    let mut row = Reader::outlined(row, at.outline)?;
    let mut loan = start(&mut row, person, at);

    loan.lender.name = row.text(Field::LenderName, "creditor_name");
    loan.lender.registration_number = row.text(Field::LenderRegistrationNumber, "creditor_org_number");
    loan.borrower.has_co_borrower = row.boolean(Field::BorrowerHasCoBorrower, "has_co_borrower");
    let co_borrower = row.boolean(Field::BorrowerRole, "co_borrower");
    loan.borrower.role = role(loan.borrower.has_co_borrower, co_borrower);
    if co_borrower.is_some() {
        row.is(Field::BorrowerRole, Origin::Derived, "co_borrower");
    }
    loan.amounts.credit_limit = row.money(Field::CreditLimit, "credit_limit")?;
    loan.amounts.original_principal = row.money(Field::OriginalPrincipal, "loan_amount")?;
    let kind = row.choice(Field::Kind, "type", TYPES);
    loan.kind = kind.known().unwrap_or(Kind::Unknown);
    loan.native_kind = kind.word().map(str::to_owned);
    loan.rate.percent = row.percent(Field::RatePercent, "nominal_rate");
    if loan.rate.percent.is_some() {
        loan.rate.basis = RateBasis::AnnualNominal;
        loan.rate.period = Some(Period::Year);
        row.is(Field::RateBasis, Origin::Derived, "nominal_rate");
        row.is(Field::RatePeriod, Origin::Derived, "nominal_rate");
    }
    // What is owed, for every type: `balance` is null on cards, and the two partial balances are 0 on loans.
    (loan.amounts.total_outstanding, loan.amounts.credit_balance) =
        row.balance(Field::TotalOutstanding, "current_balance")?;
    terms(&mut loan, &mut row);

    // The register lists live debts only, and has no word for it.
    loan.set_status(Status::Active);
    row.flag(FlagCode::StatusInferred, Field::Status);
    row.is(Field::Status, Origin::Inferred, "(provider)");

    let payer = reference(&mut row, "account").or(reference(&mut row, "kid"));
    row.personal(&["kid", "account"]);
    let fingerprint = fingerprint(&loan, &kind, payer)?;
    loan.identify(
        &format!("{}~{fingerprint}", person.consent),
        IdStability::Fingerprint,
    );
    row.is(Field::Id, Origin::Derived, "(fingerprint)");

    let drift = row.finish(LOAN, &mut loan);
    Ok((loan, drift))
}

/// Maps the student loan; the caller has made sure that it is not the empty object, which is no record.
pub(super) fn student_loan(row: &RawValue, person: &Person<'_>, at: &Mapping<'_>) -> Mapped {
    let mut row = Reader::outlined(row, at.outline)?;
    let mut loan = start(&mut row, person, at);
    loan.identify(&format!("{}~student", person.consent), IdStability::Composite);
    row.is(Field::Id, Origin::Derived, "(request)");
    loan.kind = Kind::StudentLoan;
    row.is(Field::Kind, Origin::Inferred, "(provider)");
    // The page names the one creditor that these come from.
    loan.lender.name = Some("Lånekassen".to_owned());
    row.is(Field::LenderName, Origin::Inferred, "(provider)");

    // Includes the interest beside it: the sample's difference is a round figure.
    (loan.amounts.total_outstanding, loan.amounts.credit_balance) =
        row.balance(Field::TotalOutstanding, "balance")?;
    loan.amounts.fees_outstanding = row.money(Field::FeesOutstanding, "fees")?;
    // An amount in kroner, not a rate.
    loan.amounts.interest_outstanding = row.money(Field::InterestOutstanding, "interest")?;

    let status = row.choice(Field::Status, "status", STUDENT_STATUSES);
    let reason = row.choice(Field::StatusReason, "status_reason", STUDENT_REASONS);
    loan.native_status = status.word().map(str::to_owned);
    loan.status_reason = reason.word().map(str::to_owned);
    let (status, arrangement) = match status.known() {
        Some(Collected::Is(status, arrangement)) => (status, arrangement),
        Some(Collected::SeeReason) => reason.known().unwrap_or((Status::Unknown, Arrangement::Unknown)),
        None => (Status::Unknown, Arrangement::Unknown),
    };
    loan.set_status(status);
    loan.arrangement = arrangement;
    let decides = if loan.status_reason.is_some() {
        "status_reason"
    } else {
        "status"
    };
    row.is(Field::Arrangement, Origin::Derived, decides);
    if status == Status::Active {
        // The page calls it the status of the data collection: that data is there, not that the debt is open.
        row.flag(FlagCode::StatusInferred, Field::Status);
    }

    let drift = row.finish(STUDENT_LOAN, &mut loan);
    Ok((loan, drift))
}

fn start(row: &mut Reader<'_>, person: &Person<'_>, at: &Mapping<'_>) -> Loan {
    row.amounts_are_in(person.currency, Unit::Major);
    row.flag(FlagCode::CurrencyAssumed, Field::Currency);
    let mut loan = Loan::unknown(
        at.connection,
        super::DESCRIPTOR.name,
        RecordType::LoanAccount,
        at.fetched_at,
    );
    loan.currency = Some(person.currency);
    loan.provider_refs.push("consent", person.consent.to_owned());
    row.refers("consent", "(request)");
    if let Some(user_data_id) = person.user_data_id {
        loan.provider_refs.push("user_data_id", user_data_id.to_owned());
        row.refers("user_data_id", "(envelope)");
    }
    loan
}

/// `co_borrower`: this person is on somebody else's loan. `has_co_borrower`: somebody else is on this person's.
fn role(has_co_borrower: Option<bool>, co_borrower: Option<bool>) -> BorrowerRole {
    match (co_borrower, has_co_borrower) {
        (Some(true), _) => BorrowerRole::CoBorrower,
        (Some(false), Some(true)) => BorrowerRole::Primary,
        (Some(false), Some(false)) => BorrowerRole::Sole,
        (None, _) | (Some(false), None) => BorrowerRole::Unknown,
    }
}

/// Remaining months. The register behind GoScore sends whole months; a fraction means that somebody divided it, and
/// by what is not documented, so nothing is guessed.
fn terms(loan: &mut Loan, row: &mut Reader<'_>) {
    let Some(terms) = row.number(Field::TermRemainingCount, "terms") else {
        return;
    };
    if !terms.is_integer() {
        row.flag(FlagCode::SuspectScale, Field::TermRemainingCount);
        row.lacks(Field::TermRemainingCount, Missing::Unparseable, "terms");
        row.keep("terms");
        return;
    }
    match terms.to_string().parse() {
        Ok(months) => {
            loan.term.remaining_count = Some(months);
            loan.term.unit = Some(Period::Month);
            row.is(Field::TermUnit, Origin::Derived, "terms");
        }
        Err(_) => {
            row.malformed::<u32>(Field::TermRemainingCount, "terms");
        }
    }
}

/// An account or a payer number, without its quotes, so that a number and a text of the same digits are one.
fn reference<'a>(row: &mut Reader<'a>, key: &str) -> Option<&'a str> {
    row.raw(key)
        .map(|raw| raw.trim_matches('"'))
        .filter(|text| !text.is_empty())
}

/// Six hex digits over what does not change while the debt is paid. Too few to be turned back into an account.
/// A line with nothing to tell it from any other cannot be named.
fn fingerprint(loan: &Loan, kind: &Choice<Kind>, payer: Option<&str>) -> Result<String, Rejected> {
    let amount = |money: Option<Money>| money.map(|money| money.value().to_string()).unwrap_or_default();
    let mut parts = vec![
        loan.lender.registration_number.clone().unwrap_or_default(),
        kind.known()
            .map(Kind::as_str)
            .or(kind.word())
            .unwrap_or_default()
            .to_owned(),
        payer.unwrap_or_default().to_owned(),
        amount(loan.amounts.original_principal),
    ];
    if payer.is_none() {
        parts.push(amount(loan.amounts.credit_limit));
    }
    if parts.iter().all(String::is_empty) {
        return Err(Rejected::new("creditor_org_number", Why::NoId));
    }
    let hash = Sha256::digest(parts.join("\u{1f}"));
    let hex = hash.iter().take(3).fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    Ok(hex)
}

/// What `student_loan.status` means.
#[derive(Debug, Clone, Copy)]
enum Collected {
    /// The status itself says it. For one week in 2021 `moved_to_debt_collection` was a status.
    Is(Status, Arrangement),
    /// The data is gone; the reason says why.
    SeeReason,
}

const STUDENT_STATUSES: &[(&str, Collected)] = &[
    ("ok", Collected::Is(Status::Active, Arrangement::Unknown)),
    ("unavailable", Collected::SeeReason),
    (
        "moved_to_debt_collection",
        Collected::Is(Status::Transferred, Arrangement::InCollection),
    ),
];

const STUDENT_REASONS: &[(&str, (Status, Arrangement))] = &[
    (
        "moved_to_debt_collection",
        (Status::Transferred, Arrangement::InCollection),
    ),
    ("terminated", (Status::Closed, Arrangement::Unknown)),
    ("debt_settlement", (Status::Active, Arrangement::DebtSettlement)),
    ("unrecognized", (Status::Unknown, Arrangement::Unknown)),
];
