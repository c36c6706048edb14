//! What every route below `/loans/{id}` is asked: which loan, by whom.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use tokio::time::Instant;

use super::access::Caller;
use super::failures::absent;
use super::problem::{Code, Problem};
use super::{Api, RequestId, media, parameter};
use crate::gather::{Asker, Source};
use crate::loan::Loan;

/// One loan is asked about, in JSON, by somebody who may name its connection.
#[derive(Debug)]
pub(super) struct OneLoan {
    pub(super) api: Arc<Api>,
    pub(super) id: RequestId,
    pub(super) caller: Caller,
    pub(super) headers: HeaderMap,
    /// The connection in the loan's id.
    pub(super) connection: String,
    /// The native key in the loan's id.
    pub(super) key: String,
}

impl FromRequestParts<Arc<Api>> for OneLoan {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        media::json(&parts.headers)?;
        let caller = Caller::from_request_parts(parts, api).await?;
        let path = RawPathParams::from_request_parts(parts, api).await;
        let (connection, key) = parameter(&path)
            .and_then(|loan| loan.split_once(':'))
            .ok_or(Problem::new(Code::LoanNotFound))?;
        caller.may_name(connection)?;
        let asked = api.gateway.connection(connection);
        caller.audit().asks(asked.map(|connection| &connection.id));
        let Ok(id) = RequestId::from_request_parts(parts, api).await;
        Ok(Self {
            api: Arc::clone(api),
            id,
            caller,
            headers: parts.headers.clone(),
            connection: connection.to_owned(),
            key: key.to_owned(),
        })
    }
}

impl OneLoan {
    /// The loan, and how its connection did.
    pub(super) async fn find(
        &self,
        asker: &Asker,
        deadline: Instant,
    ) -> Result<(Arc<Loan>, Source), Problem> {
        let found = self
            .api
            .gateway
            .find(&self.connection, &self.key, asker, deadline);
        match found.await.ok_or(Problem::new(Code::LoanNotFound))? {
            (Some(loan), source) => Ok((loan, source)),
            (None, source) => Err(absent(&[source])),
        }
    }

    /// What its connection cannot do, said with what it can.
    pub(super) fn not_supported(&self) -> Problem {
        let can = self
            .api
            .gateway
            .connection(&self.connection)
            .map(|connection| connection.capabilities().join(", "))
            .unwrap_or_default();
        Problem::because(
            Code::CapabilityNotSupported,
            format!("`{}` can {can}.", self.connection),
        )
    }
}
