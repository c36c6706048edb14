//! What the Fineract-style wrapper sends, in its own names.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The envelope `{succeeded, message, errors, data}`. Its keys come in camel case, and in Pascal case from the
/// wrapper's error handler, so they are compared without regard to case. `message` and `errors` are never read:
/// they may quote the ledger's own exception.
#[derive(Debug, Default)]
pub(super) struct Envelope<'a> {
    pub(super) succeeded: Option<bool>,
    pub(super) data: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Envelope<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> serde::de::Visitor<'de> for Keys {
            type Value = Envelope<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut envelope = Envelope::default();
                while let Some(key) = map.next_key::<String>()? {
                    let value: &RawValue = map.next_value()?;
                    match key.to_ascii_lowercase().as_str() {
                        "succeeded" if value.get() != "null" => {
                            envelope.succeeded = Some(value.get() == "true");
                        }
                        "data" => envelope.data = Some(value),
                        _ => {}
                    }
                }
                Ok(envelope)
            }
        }

        deserializer.deserialize_map(Keys)
    }
}

/// What of a transaction is about people.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct About<'a> {
    #[serde(borrow)]
    pub(super) payment_detail_data: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) transfer: Option<&'a RawValue>,
}

/// `type` of a transaction. Only the id counts: codes are ambiguous and flags incomplete. From the page and, below its
/// flags, from `LoanTransactionEnumData` of Apache Fineract.
pub(super) const TYPE: &[&str] = &[
    "id",
    "code",
    "value",
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
    "creditBalanceRefund",
    "merchantIssuedRefund",
    "payoutRefund",
    "goodwillCredit",
    "chargeRefund",
    "chargeback",
    "chargeAdjustment",
    "chargeoff",
    "downPayment",
    "reAge",
    "reAmortize",
    "interestPaymentWaiver",
    "accrualActivity",
    "interestRefund",
    "accrualAdjustment",
    "capitalizedIncome",
    "capitalizedIncomeAmortization",
    "capitalizedIncomeAdjustment",
    "contractTermination",
    "capitalizedIncomeAmortizationAdjustment",
    "buyDownFee",
    "buyDownFeeAdjustment",
    "buyDownFeeAmortization",
    "buyDownFeeAmortizationAdjustment",
];

/// `currency`: the loan's, repeated on every row.
pub(super) const CURRENCY: &[&str] = &[
    "code",
    "name",
    "decimalPlaces",
    "displaySymbol",
    "nameCode",
    "displayLabel",
    "inMultiplesOf",
];

/// The fields of a transaction, from the page.
pub(super) const TRANSACTION: &[&str] = &[
    "id",
    "officeId",
    "officeName",
    "type",
    "date",
    "currency",
    "amount",
    "netDisbursalAmount",
    "principalPortion",
    "interestPortion",
    "feeChargesPortion",
    "penaltyChargesPortion",
    "overpaymentPortion",
    "unrecognizedIncomePortion",
    "outstandingLoanBalance",
    "submittedOnDate",
    "manuallyReversed",
    "numberOfRepayments",
];
