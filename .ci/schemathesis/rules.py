"""What the API's document cannot say: rules between parameters.

OpenAPI describes each parameter by itself. A request in which every parameter is right by itself may still break a rule
between two of them, and is refused with 400, as it should be. Requests that are meant to be right are mended here so that
they keep those rules; requests that are meant to be wrong are left alone.
"""

from decimal import Decimal

import schemathesis

RANGES = [
    ("opened_from", "opened_to", str),
    ("due_from", "due_to", str),
    ("defaulted_from", "defaulted_to", str),
    ("from", "to", str),
    ("outstanding_min", "outstanding_max", lambda amount: Decimal(str(amount))),
]


def items(value):
    return value.split(",") if isinstance(value, str) else list(value)


def mended(given, of_list):
    kept = dict(given)
    # Only an answer of this gateway makes a cursor; nobody can make one up.
    kept.pop("cursor", None)
    for low, high, value in RANGES:
        if low in kept and high in kept and value(kept[low]) > value(kept[high]):
            kept[low], kept[high] = kept[high], kept[low]
    # Amounts of two currencies cannot be compared.
    if kept.keys() & {"outstanding_min", "outstanding_max"} or str(kept.get("sort", "")).endswith("outstanding"):
        kept["currency"] = items(kept.get("currency", ["NOK"]))[:1]
    # What is named must be among what is selected.
    if kept.keys() & {"ref", "require"}:
        kept.pop("connection", None)
        kept.pop("provider", None)
    if "all" in items(kept.get("require", [])):
        kept["require"] = ["all"]
    # A list shows rows only where its upstream pages hold them.
    if of_list and "include" in kept:
        shown = [name for name in items(kept["include"]) if name not in ("schedule", "transactions")]
        kept["include"] = shown or ["raw"]
    return kept


def linked(references):
    # What is linked must be at a connection there is, and nothing may be linked twice.
    names = [f"bsa:customer:{at}" for at in range(len(references))]
    return [
        {**given, "ref": name} if isinstance(given, dict) else name for given, name in zip(references, names)
    ]


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    of_list = case.operation.path in ("/loans", "/loans/search", "/loans/summary")
    if case.query:
        case.query = mended(case.query, of_list)
    if case.operation.path == "/loans/search" and isinstance(case.body, dict):
        case.body = mended(case.body, of_list)
    if case.operation.path == "/customers/{id}":
        # Only an answer of this gateway makes a version; nobody can make one up.
        for name in ("If-Match", "If-None-Match"):
            if case.headers:
                case.headers.pop(name, None)
            (kwargs.get("headers") or {}).pop(name, None)
        if isinstance(case.body, dict) and isinstance(case.body.get("references"), list):
            case.body = {**case.body, "references": linked(case.body["references"])}
