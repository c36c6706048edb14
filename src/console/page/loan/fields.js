// The canonical record in the order of a reader, and the names of its fields.

export const GROUPS = [
  {
    name: "Money",
    fields: [
      ["amounts.total_outstanding", "Owed in all", "money"],
      ["amounts.principal_outstanding", "Principal owed", "money"],
      ["amounts.interest_outstanding", "Interest owed", "money"],
      ["amounts.fees_outstanding", "Fees owed", "money"],
      ["amounts.penalties_outstanding", "Penalties owed", "money"],
      ["amounts.past_due", "Past due", "money"],
      ["amounts.total_paid", "Paid so far", "money"],
      ["amounts.requested", "Asked for", "money"],
      ["amounts.approved", "Granted", "money"],
      ["amounts.original_principal", "Paid out at the start", "money"],
      ["amounts.credit_limit", "Credit limit", "money"],
      ["amounts.credit_balance", "Owed to the borrower", "money"],
      ["currency", "Currency"],
    ],
  },
  {
    name: "Where it stands",
    fields: [
      ["status", "Status", "word"],
      ["phase", "Phase", "word"],
      ["native_status", "The provider's word"],
      ["status_reason", "Why"],
      ["payment_status", "Payment", "word"],
      ["arrangement", "Arrangement", "word"],
      ["delinquency.overdue", "Overdue", "yes"],
      ["delinquency.days_past_due", "Days past due"],
      ["delinquency.since", "Late since"],
    ],
  },
  {
    name: "Payments",
    fields: [
      ["next_payment.due_on", "Next due on"],
      ["next_payment.amount", "Next amount", "money"],
      ["last_payment.paid_on", "Last paid on"],
      ["last_payment.amount", "Last amount", "money"],
    ],
  },
  {
    name: "Rate and term",
    fields: [
      ["rate.percent", "Rate", "percent"],
      ["rate.basis", "Rate basis", "word"],
      ["rate.period", "Rate period", "word"],
      ["term.count", "Term length"],
      ["term.unit", "Term unit", "word"],
      ["term.remaining_count", "Term left"],
      ["term.instalments", "Instalments"],
      ["term.instalments_paid", "Instalments paid"],
    ],
  },
  {
    name: "Dates",
    fields: [
      ["dates.applied_on", "Applied"],
      ["dates.opened_on", "Opened"],
      ["dates.disbursed_on", "Paid out"],
      ["dates.matures_on", "Last instalment"],
      ["dates.defaulted_on", "Defaulted"],
      ["dates.closed_on", "Closed"],
    ],
  },
  {
    name: "Who",
    fields: [
      ["lender.name", "Creditor"],
      ["lender.registration_number", "Its company number"],
      ["lender.product_name", "Product"],
      ["lender.product_id", "Product id"],
      ["borrower.role", "Role of the borrower", "word"],
      ["borrower.has_co_borrower", "Somebody else owes it too", "yes"],
      ["borrower.customer_id", "Customer, to the provider"],
      ["borrower.customer_external_id", "Customer, to the caller"],
    ],
  },
  {
    name: "The record",
    fields: [
      ["id", "Id"],
      ["id_stability", "Id is", "word"],
      ["record_type", "Record", "word"],
      ["kind", "Kind", "word"],
      ["native_kind", "The provider's kind"],
      ["connection", "Connection"],
      ["provider", "Provider"],
      ["as_of", "Data of", "instant"],
      ["as_of_basis", "Which is", "word"],
      ["stale", "Older than asked for", "yes"],
    ],
  },
];

const KNOWN = new Map(GROUPS.flatMap(({ fields }) => fields.map(([path, name]) => [path, name])));

export const nameOf = (path) => KNOWN.get(path) ?? path.replace("provider_refs.", "").replaceAll("_", " ");

// What the explanation has beside these: the provider's own references, and whatever a later version adds.
export const others = (explained) => [...explained.keys()].filter((path) => !KNOWN.has(path)).map((path) => [path, nameOf(path)]);

export function at(loan, path) {
  return path.split(".").reduce((value, name) => value?.[name], loan);
}
