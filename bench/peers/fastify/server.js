// Fastify and undici, a dozen fields per record mapped by hand.
import { readFileSync } from 'node:fs';
import fastify from 'fastify';
import { Pool } from 'undici';

const { PORT, UPSTREAMS, CALLS } = process.env;
const upstreams = new Pool(UPSTREAMS, { connections: 320 });
const calls = JSON.parse(readFileSync(CALLS, 'utf8'));

const day = (at) => at?.slice(0, 10) ?? null;
const joined = (at) => at?.map((part) => String(part).padStart(2, '0')).join('-') ?? null;
const number = (text) => (text == null ? null : Number(text));

const read = {
  goscore({ loans, student_loan: student }) {
    const rows = loans.map((row) => ({
      id: row.account || row.kid || String(row.creditor_org_number),
      provider: 'goscore',
      product: row.type,
      status: 'active',
      currency: 'NOK',
      principal: row.loan_amount ?? row.credit_limit,
      outstanding: row.current_balance,
      interest: row.balance_with_interest,
      fees: row.charges,
      rate: row.nominal_rate,
      opened_on: null,
      due_on: null,
      overdue: null,
    }));
    if (student?.balance !== undefined) {
      rows.push({
        id: 'student',
        provider: 'goscore',
        product: 'student_loan',
        status: student.status,
        currency: 'NOK',
        principal: null,
        outstanding: student.balance,
        interest: student.interest,
        fees: student.fees,
        rate: null,
        opened_on: null,
        due_on: null,
        overdue: null,
      });
    }
    return rows;
  },
  carbon: ({ data }) =>
    data.map((row) => ({
      id: row.application_id,
      provider: 'carbon',
      product: row.loan_purpose,
      status: row.loan_status ?? row.status,
      currency: 'NGN',
      principal: row.amount / 100,
      outstanding: null,
      interest: null,
      fees: null,
      rate: null,
      opened_on: day(row.created_at),
      due_on: null,
      overdue: null,
    })),
  bsa: ({ items }) =>
    items.map((row) => ({
      id: row.id,
      provider: 'bsa',
      product: row.loanProductName,
      status: row.status,
      currency: row.currencyCode,
      principal: row.principal,
      outstanding: row.totalOutstanding,
      interest: row.interestOutstanding ?? null,
      fees: row.feeChargesOutstanding ?? null,
      rate: row.interestRatePerPeriod,
      opened_on: row.repaymentSchedule?.[0]?.fromDate ?? null,
      due_on: row.nextDueDate ?? null,
      overdue: row.overdue,
    })),
  belvo: ({ items }) =>
    items.map((row) => ({
      id: row.loanId ?? row.paymentMethodId,
      provider: 'belvo',
      product: null,
      status: row.status,
      currency: 'MXN',
      principal: number(row.loanAmount ?? row.principalAmount),
      outstanding: number(row.totalBalance),
      interest: number(row.interestAmount),
      fees: number(row.feesAmount),
      rate: number(row.yearlyOrdinalInterestRate),
      opened_on: row.issueDate ?? null,
      due_on: row.targetCollectionDate ?? null,
      overdue: row.daysOverdue > 0,
    })),
  fineract: ({ pageItems }) =>
    pageItems.map((row) => ({
      id: String(row.id),
      provider: 'fineract',
      product: row.loanProductName,
      status: row.status.value,
      currency: row.currency.code,
      principal: row.principal,
      outstanding: row.summary?.totalOutstanding ?? null,
      interest: row.summary?.interestOutstanding ?? null,
      fees: row.summary?.feeChargesOutstanding ?? null,
      rate: row.annualInterestRate,
      opened_on: joined(row.timeline?.actualDisbursementDate),
      due_on: joined(row.timeline?.expectedMaturityDate),
      overdue: row.inArrears ?? null,
    })),
};

const text = { type: 'string', nullable: true };
const amount = { type: 'number', nullable: true };
const loan = {
  type: 'object',
  properties: {
    id: text,
    provider: text,
    product: text,
    status: text,
    currency: text,
    principal: amount,
    outstanding: amount,
    interest: amount,
    fees: amount,
    rate: amount,
    opened_on: text,
    due_on: text,
    overdue: { type: 'boolean', nullable: true },
  },
};
const schema = {
  response: { 200: { type: 'object', properties: { loans: { type: 'array', items: loan } } } },
};

async function fetchList({ name, path, headers }) {
  const { statusCode, body } = await upstreams.request({ method: 'GET', path, headers });
  if (statusCode !== 200) {
    await body.dump();
    throw new Error(`${name} answered ${statusCode}`);
  }
  return read[name](await body.json());
}

const app = fastify({ logger: false });
app.get('/loans', { schema }, async () => ({
  loans: (await Promise.all(calls.map(fetchList))).flat(),
}));
await app.listen({ host: '127.0.0.1', port: Number(PORT) });
