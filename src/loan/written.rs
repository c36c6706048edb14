//! The binary form of a loan, for gateways that share what they fetched.

use serde_json::value::RawValue;

use super::{
    Amounts, Arrangement, AsOf, AsOfBasis, Borrower, BorrowerRole, Dates, Delinquency, Field, Finding, Flag,
    FlagCode, IdStability, Json, Kind, LastPayment, Lender, Loan, Missing, NextPayment, Note, Notes, Origin,
    PaymentStatus, Percent, Period, Phase, Rate, RateBasis, RecordType, Status, Term,
};
use crate::binary::Binary;

binary_words!(
    Arrangement,
    AsOfBasis,
    BorrowerRole,
    Field,
    FlagCode,
    IdStability,
    Kind,
    Missing,
    Origin,
    PaymentStatus,
    Period,
    Phase,
    RateBasis,
    RecordType,
    Status,
);

binary! {
    Loan {
        id, record_type, connection, provider, kind, native_kind, status, phase, native_status, status_reason,
        payment_status, arrangement, lender, borrower, currency, amounts, rate, term, dates, next_payment,
        last_payment, delinquency, provider_refs, id_stability, as_of, as_of_basis, stale, flags, extensions,
        received, personal, raw, provenance, schedule, transactions,
    }
    Lender { name, registration_number, product_id, product_name }
    Borrower { role, has_co_borrower, customer_id, customer_external_id }
    Amounts {
        requested, approved, original_principal, principal_outstanding, interest_outstanding, fees_outstanding,
        penalties_outstanding, total_outstanding, total_paid, past_due, credit_limit, credit_balance,
    }
    Rate { percent, basis, period }
    Term { count, unit, remaining_count, instalments, instalments_paid }
    Dates { applied_on, opened_on, disbursed_on, matures_on, closed_on, defaulted_on }
    NextPayment { due_on, amount }
    LastPayment { paid_on, amount }
    Delinquency { overdue, days_past_due, since }
    Flag { code, field }
    Notes { fields, references }
    Note { field, finding, source }
}

impl Binary for Finding {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Is(origin) => (true, *origin).write(out),
            Self::Missing(why) => (false, *why).write(out),
        }
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Some(if bool::read(from)? {
            Self::Is(Binary::read(from)?)
        } else {
            Self::Missing(Binary::read(from)?)
        })
    }
}

impl Binary for AsOf {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Binary::read(from).map(Self)
    }
}

impl Binary for Percent {
    fn write(&self, out: &mut Vec<u8>) {
        self.value().write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Binary::read(from).map(Self::new)
    }
}

impl Binary for Json {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.get().to_owned().write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        RawValue::from_string(Binary::read(from)?).ok().map(Self)
    }
}

/// Fails where a loan does not survive being written and read: nothing that a caller can see of it, in any way there is,
/// may be another.
#[cfg(test)]
pub(crate) fn survives(loan: &Loan) {
    let seen = |loan: &Loan| {
        let records = loan.received.records().iter();
        let records: Vec<_> = records
            .map(|record| {
                let personal: Vec<_> = record.personal().collect();
                format!("{} {} {personal:?}", record.name(), record.text())
            })
            .collect();
        let noted = |field: &Field| [true, false].map(|has_value| loan.received.noted(*field, has_value));
        let noted: Vec<_> = Field::ALL.iter().map(noted).collect();
        let names = loan.provider_refs.names();
        let referred: Vec<_> = names.map(|name| loan.received.referred(name)).collect();
        let json = serde_json::to_string(loan).unwrap();
        format!("{json} {records:?} {noted:?} {referred:?}")
    };
    let mut written = Vec::new();
    loan.write(&mut written);
    let mut from = &*written;
    let read = Loan::read(&mut from).unwrap();
    assert!(from.is_empty());
    assert_eq!(seen(&read), seen(loan));
    // Anything else is no loan, and no panic.
    for cut in (0..written.len()).step_by(7) {
        assert!(Loan::read(&mut &written[..cut]).is_none());
    }
}
