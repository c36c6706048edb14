// The words of the API, said for people. A word that is not here is shown as it is: more may come within 1.x.

const SAID = {
  bnpl: "buy now, pay later",
  apr: "APR",
  ok: "whole",
  docs_only: "documents only",
  half_open: "on trial",
  "5xx": "5xx",
};

export const said = (word) => (word === null || word === undefined ? "" : (SAID[word] ?? String(word).replaceAll("_", " ")));

export const FLAGS = {
  currency_assumed: "The provider names no currency; the configured one is used.",
  amount_ambiguous: "The provider does not say which amount this is.",
  rate_basis_unconfirmed: "It is not said what the rate is a percentage of, or whether it is in percent.",
  rate_period_unknown: "A rate per period, and the period is not in the record.",
  term_unit_unknown: "A term in units the record does not name.",
  suspect_scale: "The number looks scaled; where it cannot be right it is only among the other fields.",
  components_mismatch: "The parts do not add up to the whole.",
  status_inferred: "The status follows from other facts; the provider gives none.",
  balance_derived: "The balance follows from other rows or from a sign; the provider gives none.",
  unknown_native_value: "The provider used a word that no document of it names.",
  malformed_field: "Something unreadable came here.",
  schedule_mismatch: "What is left of the instalments is not what is owed.",
  split_mismatch: "The parts of the entry do not make up its amount.",
  implausible_rate: "The rate is negative, or above a thousand percent.",
  implausible_term: "The term cannot be: no length, over a hundred years, or more left or paid than agreed.",
  dates_out_of_order: "This date is before one that must have come first.",
};

export const ORIGINS = {
  reported: "The provider sent it.",
  derived: "It follows from what the provider sent, by arithmetic or by definition.",
  inferred: "It follows from other facts; the provider does not say it.",
  assumed: "The provider says nothing: it is in the config, or the same for all its loans.",
};

export const MISSING = {
  not_in_provider_schema: "the provider has no such field",
  absent_in_response: "the provider has it, and this record does not",
  null_in_response: "the provider sent null or nothing",
  not_applicable: "it makes no sense for this loan",
  unparseable: "something unreadable came",
  redacted: "you may not see it",
};

export const PLACES = {
  "(config)": "the gateway's config",
  "(request)": "the reference that was asked for",
  "(envelope)": "what stands around the records",
  "(fetch)": "the moment it was fetched",
  "(fingerprint)": "a fingerprint of identifying fields",
  "(provider)": "what holds for all loans of the provider",
};

// What kept a source from giving all it has.
export const FAULTS = {
  upstream_unauthorized: "it refuses the gateway's credentials",
  upstream_forbidden: "it does not let the gateway see this",
  upstream_not_found: "it knows no such person or loan",
  upstream_rate_limited: "it asks the gateway to call less often",
  upstream_timeout: "it did not answer in time",
  upstream_unavailable: "it cannot be reached, or is failing",
  upstream_pending: "it is still collecting the data",
  upstream_bad_payload: "it sent what its documents do not allow",
  upstream_rejected: "it refuses the question",
  upstream_too_large: "it sent more than the gateway takes",
  circuit_open: "it failed so often that it is left alone for a while",
  deadline_exceeded: "the time of the request was over",
  internal: "the gateway has a defect",
};

export const SKIPPED = {
  no_reference: "nobody was named to it, and it cannot list",
  consent_expired: "the consent has expired",
  purpose_mismatch: "the consent is for another purpose",
  not_allowed: "your key may not see it",
  not_configured: "the customer is linked to it, and it is not there any more",
};

export const SOURCES = {
  ok: "gave all it has",
  partial: "gave a part",
  stale: "gave older data, because it fails now",
  pending: "has nothing yet",
  failed: "gave nothing",
  skipped: "was not asked",
};

export const CIRCUITS = {
  closed: "asked normally",
  half_open: "one request at a time, to see",
  open: "left alone for a while",
};

export const VERIFICATIONS = {
  docs_only: "Built from public documents and held against their samples, never against the live API.",
};

export const STABILITY = {
  native: "the provider's own id",
  composite: "built from the provider's ids",
  fingerprint: "a hash of identifying fields",
  positional: "a hash that is shared; the order of rows decides",
};

// The vocabularies that a list can be filtered by, in the order of the API's document.
export const VOCABULARIES = {
  record_type: ["loan_account", "loan_application", "collection_snapshot", "ledger_view"],
  kind: [
    "mortgage", "home_equity", "vehicle_loan", "student_loan", "personal_loan", "business_loan", "micro_loan", "line_of_credit",
    "credit_card", "charge_card", "overdraft", "bnpl", "invoice_financing", "other", "unknown",
  ],
  status: [
    "pending", "offered", "approved", "declined", "withdrawn", "expired", "active", "overpaid", "closed", "written_off",
    "transferred", "cancelled", "unknown",
  ],
  phase: ["origination", "servicing", "ended", "unknown"],
  payment_status: ["current", "overdue", "in_arrears", "defaulted", "not_applicable", "unknown"],
};

// How a word is coloured: good, watch, bad, or plain. Colour never says it alone.
const TONES = {
  active: "good", current: "good", ok: "good", closed: "plain", approved: "good", paid: "good",
  overdue: "watch", pending: "watch", offered: "watch", partial: "watch", stale: "watch", due: "watch", overpaid: "watch",
  in_arrears: "bad", defaulted: "bad", written_off: "bad", failed: "bad", declined: "plain", expired: "plain",
};

export const tone = (word) => TONES[word] ?? "plain";
