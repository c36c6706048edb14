"""FastAPI and httpx, a dozen fields per record mapped by hand."""

import asyncio
import json
import os
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from fastapi.responses import JSONResponse

CALLS = json.load(open(os.environ["CALLS"]))
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=100)


def loan(provider, currency, row_id, status, **rest):
    record = {
        "id": row_id,
        "provider": provider,
        "product": None,
        "status": status,
        "currency": currency,
        "principal": None,
        "outstanding": None,
        "interest": None,
        "fees": None,
        "rate": None,
        "opened_on": None,
        "due_on": None,
        "overdue": None,
    }
    record.update(rest)
    return record


def number(text):
    return None if text is None else float(text)


def joined(parts):
    return None if parts is None else "-".join(f"{part:02}" for part in parts)


def goscore(body):
    rows = [
        loan(
            "goscore",
            "NOK",
            row.get("account") or row.get("kid") or str(row["creditor_org_number"]),
            "active",
            product=row["type"],
            principal=row.get("loan_amount") or row.get("credit_limit"),
            outstanding=row.get("current_balance"),
            interest=row.get("balance_with_interest"),
            fees=row.get("charges"),
            rate=row.get("nominal_rate"),
        )
        for row in body["loans"]
    ]
    student = body.get("student_loan")
    if student:
        rows.append(
            loan(
                "goscore",
                "NOK",
                "student",
                student["status"],
                product="student_loan",
                outstanding=student["balance"],
                interest=student["interest"],
                fees=student["fees"],
            )
        )
    return rows


def carbon(body):
    return [
        loan(
            "carbon",
            "NGN",
            row["application_id"],
            row.get("loan_status") or row["status"],
            product=row.get("loan_purpose"),
            principal=row["amount"] / 100,
            opened_on=row["created_at"][:10],
        )
        for row in body["data"]
    ]


def bsa(body):
    return [
        loan(
            "bsa",
            row["currencyCode"],
            row["id"],
            row["status"],
            product=row["loanProductName"],
            principal=row["principal"],
            outstanding=row["totalOutstanding"],
            interest=row.get("interestOutstanding"),
            fees=row.get("feeChargesOutstanding"),
            rate=row["interestRatePerPeriod"],
            opened_on=next((part["fromDate"] for part in row.get("repaymentSchedule", ())), None),
            due_on=row.get("nextDueDate"),
            overdue=row["overdue"],
        )
        for row in body["items"]
    ]


def belvo(body):
    return [
        loan(
            "belvo",
            "MXN",
            row.get("loanId") or row["paymentMethodId"],
            row["status"],
            principal=number(row.get("loanAmount") or row.get("principalAmount")),
            outstanding=number(row["totalBalance"]),
            interest=number(row.get("interestAmount")),
            fees=number(row.get("feesAmount")),
            rate=number(row.get("yearlyOrdinalInterestRate")),
            opened_on=row.get("issueDate"),
            due_on=row.get("targetCollectionDate"),
            overdue=row.get("daysOverdue", 0) > 0,
        )
        for row in body["items"]
    ]


def fineract(body):
    rows = []
    for row in body["pageItems"]:
        summary, timeline = row.get("summary") or {}, row.get("timeline") or {}
        rows.append(
            loan(
                "fineract",
                row["currency"]["code"],
                str(row["id"]),
                row["status"]["value"],
                product=row["loanProductName"],
                principal=row["principal"],
                outstanding=summary.get("totalOutstanding"),
                interest=summary.get("interestOutstanding"),
                fees=summary.get("feeChargesOutstanding"),
                rate=row["annualInterestRate"],
                opened_on=joined(timeline.get("actualDisbursementDate")),
                due_on=joined(timeline.get("expectedMaturityDate")),
                overdue=row.get("inArrears"),
            )
        )
    return rows


READ = {"goscore": goscore, "carbon": carbon, "bsa": bsa, "belvo": belvo, "fineract": fineract}


@asynccontextmanager
async def lifespan(app):
    async with httpx.AsyncClient(base_url=os.environ["UPSTREAMS"], limits=LIMITS, timeout=30) as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)


async def fetch(call):
    answer = await app.state.client.get(call["path"], headers=call["headers"])
    answer.raise_for_status()
    return READ[call["name"]](answer.json())


@app.get("/loans")
async def loans():
    lists = await asyncio.gather(*map(fetch, CALLS))
    # The response itself, not the dictionary: FastAPI then neither checks nor copies it.
    return JSONResponse({"loans": [row for rows in lists for row in rows]})
