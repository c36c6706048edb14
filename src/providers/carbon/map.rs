//! How a Carbon application becomes a loan, alone or with its offer and the customer's active loan beside it.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::wire::{ACTIVE_LOAN, DOCUMENTED, OFFER, either};
use crate::loan::{
    AsOf, AsOfBasis, Currency, Field, FlagCode, IdStability, Kind, Loan, Missing, Origin, PaymentStatus,
    Period, RecordType, Status,
};
use crate::providers::{Mapped, Mapping};
use crate::record::{Choice, Drift, Reader, Rejected, Unit};

/// Application status, from the table on the list page.
const STATUSES: &[(&str, Status)] = &[
    ("PENDING", Status::Pending),
    ("KYC_PROCESSING", Status::Pending),
    ("HAS_OFFER", Status::Offered),
    ("OFFER_ACCEPTED", Status::Approved),
    ("OFFER_DECLINED", Status::Withdrawn),
    ("OFFER_EXPIRED", Status::Expired),
    ("DECLINED", Status::Declined),
    ("DISBURSEMENT_APPROVED", Status::Approved),
    ("DISBURSED", Status::Active),
];

/// What the status of a disbursed loan says: its own, how it is paid, and whether a payment is late.
type Account = (Status, PaymentStatus, Option<bool>);

/// `loanStatus` of <https://docs.getcarbon.co/api-reference/loans/get-active-loan>. A repaid loan's application
/// stays DISBURSED, so this decides once it is set.
const LOAN_STATUSES: &[(&str, Account)] = &[
    ("ACTIVE", (Status::Active, PaymentStatus::Current, Some(false))),
    (
        "ACTIVE_IN_ARREARS",
        (Status::Active, PaymentStatus::InArrears, Some(true)),
    ),
    ("CLOSED", (Status::Closed, PaymentStatus::NotApplicable, None)),
];

/// What only the offer says, and what only the active loan says. No list holds either.
const ON_THE_OFFER: [Field; 2] = [Field::Approved, Field::RatePercent];
const ON_THE_ACTIVE_LOAN: [Field; 4] = [
    Field::TotalOutstanding,
    Field::CreditBalance,
    Field::NextPaymentDueOn,
    Field::NextPaymentAmount,
];

/// Maps one application as the list sends it.
pub(super) fn loan(row: &RawValue, currency: Currency, unit: Unit, at: &Mapping<'_>) -> Mapped {
    Ok(Application::read(row, currency, unit, at)?.finish())
}

/// An application that was read, with what is joined to it so far.
#[derive(Debug)]
pub(super) struct Application<'a> {
    loan: Loan,
    row: Reader<'a>,
    currency: Currency,
    unit: Unit,
    status: Choice<Status>,
    account: Choice<Account>,
    offer: Option<Reader<'a>>,
    active: Option<Active<'a>>,
}

/// The customer's active loan, which is this one.
#[derive(Debug)]
struct Active<'a> {
    row: Reader<'a>,
    account: Choice<Account>,
    status_key: &'static str,
}

impl<'a> Application<'a> {
    /// Reads what the list and the detail call send alike.
    pub(super) fn read(
        row: &'a RawValue,
        currency: Currency,
        unit: Unit,
        at: &Mapping<'a>,
    ) -> Result<Self, Rejected> {
        let mut row = Reader::outlined(row, at.outline)?;
        row.amounts_are_in(currency, unit);
        row.flag(FlagCode::CurrencyAssumed, Field::Currency);

        let mut loan = Loan::unknown(
            at.connection,
            super::DESCRIPTOR.name,
            RecordType::LoanApplication,
            at.fetched_at,
        );
        loan.currency = Some(currency);
        loan.kind = Kind::BusinessLoan;
        row.is(Field::Kind, Origin::Inferred, "(provider)");

        let application = row.id("application_id")?;
        loan.identify(&application, IdStability::Native);
        loan.provider_refs.push("application_id", application);
        row.refers("application_id", "application_id");
        loan.borrower.customer_id = row.text(Field::BorrowerCustomerId, "customer_id");
        // What was asked for. What was granted is only on the offer, and what is owed only on the active loan.
        loan.amounts.requested = row.money(Field::Requested, "amount")?;
        loan.term.count = row.count(Field::TermCount, "repayment_period");
        loan.term.unit = loan.term.count.map(|_| Period::Month);
        row.follows(Field::TermUnit, Field::TermCount);
        if loan.term.unit.is_some() {
            row.is(Field::TermUnit, Origin::Derived, "repayment_period");
        }

        let status = row.choice(Field::Status, "status", STATUSES);
        let account = row.choice(Field::Status, "loan_status", LOAN_STATUSES);
        row.reference(&mut loan.provider_refs, "loan_id", "loan_id");
        row.reference(&mut loan.provider_refs, "reference", "reference");

        loan.dates.applied_on = row.date(Field::AppliedOn, "created_at");
        if let Some(updated) = row.instant(Field::AsOf, "updated_at") {
            loan.as_of = AsOf(updated);
            loan.as_of_basis = AsOfBasis::ProviderUpdatedAt;
        }
        row.personal(&["disbursement_account", "account_identifier"]);
        Ok(Self {
            loan,
            row,
            currency,
            unit,
            status,
            account,
            offer: None,
            active: None,
        })
    }

    /// The application's own id.
    pub(super) fn id(&self) -> Option<&str> {
        self.reference("application_id")
    }

    /// The id of the loan it became, and its customer's.
    pub(super) fn active(&self) -> Option<(&str, &str)> {
        self.reference("loan_id")
            .zip(self.loan.borrower.customer_id.as_deref())
    }

    /// Whether there is, or was, an offer.
    pub(super) fn has_offer(&self) -> bool {
        self.status
            .known()
            .is_some_and(|status| !matches!(status, Status::Pending | Status::Declined))
    }

    fn reference(&self, name: &str) -> Option<&str> {
        self.loan.provider_refs.get(name).map(String::as_str)
    }

    /// Joins its offer. What of it cannot be read is reported; the record is kept, and the rest of it stands.
    pub(super) fn join_offer(&mut self, offer: &'a RawValue) -> Result<(), Rejected> {
        let mut row = match Reader::named("offer", offer) {
            Ok(row) => row,
            Err(rejected) => {
                let keys = ["offered_amount", "interest_rate"];
                self.offer = Some(unreadable("offer", offer, &ON_THE_OFFER, &keys));
                return Err(rejected);
            }
        };
        let mut rejected = None;
        row.amounts_are_in(self.currency, self.unit);
        let key = either(&mut row, "offered_amount", "offerAmount");
        let read = row.money(Field::Approved, key);
        let approved = readable(&mut row, Field::Approved, key, read, &mut rejected);
        let key = either(&mut row, "interest_rate", "interestRate");
        let rate = row.percent(Field::RatePercent, key);
        if rate.is_some() {
            // Called annual, while the page's own figures are for the whole term.
            row.flag(FlagCode::RateBasisUnconfirmed, Field::RatePercent);
        }
        self.loan.amounts.approved = approved;
        self.loan.rate.percent = rate;
        self.offer = Some(row);
        rejected.map_or(Ok(()), Err)
    }

    /// Joins the customer's active loan, which is this one, as it was at an instant. What of it cannot be read is
    /// reported; the record is kept, and the rest of it stands.
    pub(super) fn join_active(&mut self, active: &'a RawValue, at: DateTime<Utc>) -> Result<(), Rejected> {
        let mut row = match Reader::named("active_loan", active) {
            Ok(row) => row,
            Err(rejected) => {
                let keys = [
                    "outstandingBalance",
                    "outstandingBalance",
                    "nextRepaymentDate",
                    "nextRepaymentAmount",
                ];
                self.active = Some(Active {
                    row: unreadable("active_loan", active, &ON_THE_ACTIVE_LOAN, &keys),
                    account: Choice::Missing,
                    status_key: "loanStatus",
                });
                return Err(rejected);
            }
        };
        let mut rejected = None;
        row.amounts_are_in(self.currency, self.unit);
        let key = either(&mut row, "loanId", "loan_id");
        row.text(Field::ProviderRefs, key);
        let key = either(&mut row, "outstandingBalance", "outstanding_balance");
        let read = row.balance(Field::TotalOutstanding, key);
        if read.is_err() {
            row.lacks(Field::CreditBalance, Missing::Unparseable, key);
        }
        let (owed, credit) = readable(&mut row, Field::TotalOutstanding, key, read, &mut rejected);
        if owed.is_some() {
            // Whether interest to come is in it is not said.
            row.flag(FlagCode::AmountAmbiguous, Field::TotalOutstanding);
        }
        let key = either(&mut row, "nextRepaymentDate", "next_repayment_date");
        let due_on = row.date(Field::NextPaymentDueOn, key);
        let key = either(&mut row, "nextRepaymentAmount", "next_repayment_amount");
        let read = row.money(Field::NextPaymentAmount, key);
        let due = readable(&mut row, Field::NextPaymentAmount, key, read, &mut rejected);
        let status_key = either(&mut row, "loanStatus", "loan_status");
        let account = row.choice(Field::Status, status_key, LOAN_STATUSES);

        self.loan.amounts.total_outstanding = owed;
        self.loan.amounts.credit_balance = credit;
        self.loan.next_payment.due_on = due_on;
        self.loan.next_payment.amount = due;
        // The application was changed last at another time than this was seen.
        self.loan.as_of = AsOf(at);
        self.loan.as_of_basis = AsOfBasis::Fetched;
        self.row.is(Field::AsOf, Origin::Derived, "(fetch)");
        self.row.keep("updated_at");
        self.active = Some(Active {
            row,
            account,
            status_key,
        });
        rejected.map_or(Ok(()), Err)
    }

    /// Ends the reading: where the loan is in its life is decided by all that was joined.
    pub(super) fn finish(mut self) -> (Loan, Vec<Drift>) {
        self.record_type();
        self.absences();
        // An unknown word does not take away what the application itself says.
        if self.account.known().is_some()
            && let Some(active) = &mut self.active
            && matches!(active.account, Choice::Unknown(_))
        {
            active.account = Choice::Missing;
            active.row.keep(active.status_key);
            active.row.yields(Field::Status);
        }
        match self
            .active
            .as_mut()
            .filter(|active| active.account.word().is_some())
        {
            Some(active) => {
                // The application's own words have no other home now.
                self.row.keep("status");
                if self.account.word() != active.account.word() {
                    self.row.keep("loan_status");
                }
                account(
                    &mut self.loan,
                    &mut active.row,
                    &active.account,
                    active.status_key,
                );
            }
            None if self.account.word().is_some() => {
                self.row.keep("status");
                account(&mut self.loan, &mut self.row, &self.account, "loan_status");
            }
            None => application(&mut self.loan, &mut self.row, &self.status),
        }
        let mut drift = self.row.finish(DOCUMENTED, &mut self.loan);
        if let Some(offer) = self.offer {
            drift.extend(offer.finish(OFFER, &mut self.loan));
        }
        if let Some(active) = self.active {
            drift.extend(active.row.finish(ACTIVE_LOAN, &mut self.loan));
        }
        (self.loan, drift)
    }

    /// Once money has moved it is more than an application.
    fn record_type(&mut self) {
        let decides = if self.reference("loan_id").is_some() {
            "loan_id"
        } else if self.account.word().is_some() {
            "loan_status"
        } else if self.status.known() == Some(Status::Active) {
            "status"
        } else {
            self.row.is(Field::RecordType, Origin::Derived, "status");
            return;
        };
        self.loan.record_type = RecordType::LoanAccount;
        self.row.is(Field::RecordType, Origin::Derived, decides);
    }

    /// Why there is nothing of what the other two records say. If they are joined, they have the last word.
    fn absences(&mut self) {
        let never_offered = matches!(self.status.known(), Some(Status::Pending | Status::Declined));
        let never_paid_out =
            self.loan.record_type == RecordType::LoanApplication && self.status.known().is_some();
        let groups = [
            (ON_THE_OFFER.as_slice(), never_offered),
            (ON_THE_ACTIVE_LOAN.as_slice(), never_paid_out),
        ];
        for (fields, senseless) in groups {
            let (why, source) = if senseless {
                (Missing::NotApplicable, "status")
            } else {
                (Missing::AbsentInResponse, "(request)")
            };
            for field in fields {
                self.row.lacks(*field, why, source);
            }
        }
        if never_paid_out {
            self.row
                .lacks(Field::DelinquencyOverdue, Missing::NotApplicable, "status");
        }
    }
}

/// A joined record that is no object, and the fields that it would have given.
fn unreadable<'a>(
    name: &'static str,
    record: &'a RawValue,
    fields: &[Field],
    keys: &[&'static str],
) -> Reader<'a> {
    let mut row = Reader::unreadable(name, record);
    for (field, key) in fields.iter().zip(keys) {
        row.lacks(*field, Missing::Unparseable, key);
    }
    row
}

/// What was read of an amount. One that cannot be read costs no other field, and the first one is reported.
fn readable<T: Default>(
    row: &mut Reader<'_>,
    field: Field,
    key: &'static str,
    read: Result<T, Rejected>,
    rejected: &mut Option<Rejected>,
) -> T {
    read.unwrap_or_else(|error| {
        row.malformed::<T>(field, key);
        rejected.get_or_insert(error);
        T::default()
    })
}

/// What the application's status says.
fn application(loan: &mut Loan, row: &mut Reader<'_>, status: &Choice<Status>) {
    loan.native_status = status.word().map(str::to_owned);
    let Some(status) = status.known() else { return };
    loan.set_status(status);
    if status == Status::Active {
        row.flag(FlagCode::StatusInferred, Field::Status);
        row.lacks(Field::PaymentStatus, Missing::NullInResponse, "loan_status");
        row.lacks(Field::DelinquencyOverdue, Missing::NullInResponse, "loan_status");
    } else {
        loan.payment_status = PaymentStatus::NotApplicable;
        row.is(Field::PaymentStatus, Origin::Derived, "status");
    }
}

/// What the status of the loan itself says.
fn account(loan: &mut Loan, row: &mut Reader<'_>, account: &Choice<Account>, key: &'static str) {
    loan.native_status = account.word().map(str::to_owned);
    let Some((status, payment, overdue)) = account.known() else {
        row.lacks(Field::PaymentStatus, Missing::Unparseable, key);
        row.lacks(Field::DelinquencyOverdue, Missing::Unparseable, key);
        return;
    };
    loan.set_status(status);
    loan.payment_status = payment;
    loan.delinquency.overdue = overdue;
    row.is(Field::PaymentStatus, Origin::Derived, key);
    match overdue {
        Some(_) => row.is(Field::DelinquencyOverdue, Origin::Derived, key),
        None => row.lacks(Field::DelinquencyOverdue, Missing::NotApplicable, key),
    }
}
