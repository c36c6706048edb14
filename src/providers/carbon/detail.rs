//! What Carbon knows of one loan beside its application: the offer, the customer's active loan, the plan.

use async_trait::async_trait;
use futures_util::future::join;
use serde_json::value::RawValue;

use super::map::Application;
use super::{Carbon, map, schedule, succeeded, wire};
use crate::loan::{Instalment, Loan, Status};
use crate::providers::detail::day;
use crate::providers::page::{Records, string};
use crate::providers::{Detail, Mapping, Page, Rows, Standing};
use crate::upstream::{Answers, Call, Error, Kind, Reply};

impl Carbon {
    /// One application with all that is known of it. A part that fails is reported, and the rest stands.
    pub(super) async fn one(&self, call: &Call, application: &str) -> Result<Page, Error> {
        let path = ["v1", "loans", application];
        let reply = self
            .upstream
            .get(call, "get_loan", Answers::NameTheirSubject, &path, &[])
            .await?;
        let row = data(&reply)?.ok_or_else(|| reply.failure(Kind::BadPayload, "It holds no application"))?;
        let at = Mapping::of(&self.id, &reply);
        let nothing: [&RawValue; 0] = [];
        let mut page = Page::collect(&reply, nothing, |row| {
            map::loan(row, self.currency, self.unit, &at)
        });
        let mut loan = match Application::read(row, self.currency, self.unit, &at) {
            Ok(loan) => loan,
            Err(rejected) => {
                page.rejected.push(rejected);
                return Ok(page);
            }
        };
        if loan.id() != Some(application) {
            return Err(reply.disown("It holds records that were not asked for"));
        }

        let (offer, active) = join(self.offer(call, &loan), self.active(call, &loan)).await;
        match part(&offer) {
            Ok(Some((_, record))) => page.rejected.extend(loan.join_offer(record).err()),
            Ok(None) => {}
            Err(error) => lacks(&mut page, error),
        }
        match part(&active) {
            Ok(Some((reply, record))) => {
                page.fetched_at = page.fetched_at.max(reply.at);
                page.rejected.extend(loan.join_active(record, reply.at).err());
            }
            Ok(None) => {}
            Err(error) => lacks(&mut page, error),
        }
        page.add(Ok(loan.finish()));
        Ok(page)
    }

    /// The offer, where there should be one. It does not say whose it is.
    async fn offer(&self, call: &Call, loan: &Application<'_>) -> Result<Option<Reply>, Error> {
        let Some(application) = loan.id().filter(|_| loan.has_offer()) else {
            return Ok(None);
        };
        let path = ["v1", "loans", application, "offer"];
        self.maybe(call, "get_offer", Answers::AreAnonymous, &path, &[])
            .await
    }

    /// The customer's active loan, if it is this one. It names the loan; any other answer, and none, could be an
    /// earlier question's, and is asked for again where that can be.
    async fn active(&self, call: &Call, loan: &Application<'_>) -> Result<Option<Reply>, Error> {
        let Some((loan_id, customer)) = loan.active() else {
            return Ok(None);
        };
        for answers in [Answers::NameTheirSubject, Answers::AreAnonymous] {
            let path = ["v1", "loans", "active"];
            let query = [("customer_id", customer)];
            let reply = match self.maybe(call, "get_active_loan", answers, &path, &query).await {
                Ok(Some(reply)) => reply,
                // What is said of a customer without one is not documented.
                Err(error) if error.kind == Kind::NotFound => return Ok(None),
                other => return other,
            };
            if names(&reply, loan_id)? {
                return Ok(Some(reply));
            }
            if !reply.on_kept_connection() {
                break;
            }
        }
        Ok(None)
    }

    /// What may not be there yet, which is HTTP 422.
    async fn maybe(
        &self,
        call: &Call,
        operation: &'static str,
        answers: Answers,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Option<Reply>, Error> {
        match self.upstream.get(call, operation, answers, path, query).await {
            Ok(reply) => Ok(Some(reply)),
            Err(error) if error.status == Some(422) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What a 200 holds; `None` where that is null.
fn data(reply: &Reply) -> Result<Option<&RawValue>, Error> {
    let one: wire::One<'_> = reply.json()?;
    succeeded(reply, one.status.as_deref())?;
    Ok(one.data)
}

/// The record of a part, if there is one.
fn part(asked: &Result<Option<Reply>, Error>) -> Result<Option<(&Reply, &RawValue)>, Error> {
    match asked {
        Ok(Some(reply)) => Ok(data(reply)?.map(|record| (reply, record))),
        Ok(None) => Ok(None),
        Err(error) => Err(error.clone()),
    }
}

/// Whether an active loan is the one with this id.
fn names(reply: &Reply, loan_id: &str) -> Result<bool, Error> {
    let Some(record) = data(reply)? else {
        return Ok(false);
    };
    let names: wire::Names<'_> = serde_json::from_str(record.get())
        .map_err(|_| reply.failure(Kind::BadPayload, "It holds no loan"))?;
    Ok(names.loan_id.is_some_and(|id| {
        let text = string(id);
        text.as_deref().unwrap_or(id.get()) == loan_id
    }))
}

/// Notes that a part is missing; of two failures the worse one.
fn lacks(page: &mut Page, error: Error) {
    let worse = match &page.standing {
        Standing::Complete => true,
        Standing::Incomplete(known) | Standing::Partial(known) => {
            known.kind.severity() < error.kind.severity()
        }
    };
    if worse {
        page.standing = Standing::Partial(error);
    }
}

#[async_trait]
impl Detail<Instalment> for Carbon {
    fn held(&self, _: &Loan) -> Option<Rows<Instalment>> {
        None
    }

    /// By the id of the loan, which an application has once money was paid out. The rows do not say whose they are.
    async fn ask(&self, call: &Call, loan: &Loan, _: u32) -> Result<Option<Rows<Instalment>>, Error> {
        const OPERATION: &str = "get_schedule";
        let pending = || Error::new(Kind::Pending, OPERATION, "The loan has no schedule yet");
        let Some(loan_id) = loan.provider_refs.get("loan_id") else {
            if matches!(
                loan.status,
                Status::Declined | Status::Withdrawn | Status::Expired
            ) {
                // It never becomes a loan.
                return Ok(Some(Rows::none()));
            }
            return Ok(Some(Rows::incomplete(pending())));
        };
        let path = ["v1", "loans", loan_id, "repayments"];
        let Some(reply) = self
            .maybe(call, OPERATION, Answers::AreAnonymous, &path, &[])
            .await?
        else {
            return Ok(Some(Rows::incomplete(pending().with_status(422, 1))));
        };
        let no_schedule = || reply.failure(Kind::BadPayload, "It holds no schedule");
        let record = data(&reply)?.ok_or_else(no_schedule)?;
        let plan: wire::Schedule<'_> = serde_json::from_str(record.get()).map_err(|_| no_schedule())?;
        let Records(rows) = plan.schedule.ok_or_else(no_schedule)?;
        let today = day(reply.at, schedule::AHEAD);
        Ok(Some(Rows::collect(rows, |row| {
            schedule::instalment(row, self.currency, self.unit, today)
        })))
    }
}
