//! Errors as callers see them: RFC 9457 problem documents, each code explained at `/problems/{code}`.

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::gather::Source;

/// Declares the problem codes: word, status, title, and what it means and what to do.
macro_rules! codes {
    ($($variant:ident = $word:literal, $status:ident, $title:literal, $meaning:literal;)+) => {
        /// What a problem is. Callers decide on it, never on texts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each one is explained by its own meaning below")]
        pub enum Code { $($variant,)+ }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word in `code` and at the end of `type`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// HTTP status.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            /// A few words that never change.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// What it means and what to do about it.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)+ }
            }
        }

        impl PartialSchema for Code {
            fn schema() -> RefOr<Schema> {
                let description = concat!("What a problem is.\n\n", $("- `", $word, "`: ", $meaning, "\n",)+);
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .enum_values(Some(Self::ALL.iter().map(|code| code.as_str())))
                    .description(Some(description.trim_end()))
                    .into()
            }
        }

        impl ToSchema for Code {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed("ProblemCode")
            }
        }

        impl Serialize for Code {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

codes! {
    InvalidRequest = "invalid_request", BAD_REQUEST, "Invalid request",
        "One or more parameters are unknown, malformed, or given twice. `errors` names every one of them and what would be right.";
    InvalidCursor = "invalid_cursor", BAD_REQUEST, "Invalid cursor",
        "The cursor was changed, is too long, or was given for another query or client. Repeat the query with each cursor; only `limit`, `max_age` and `include` may change.";
    CursorExpired = "cursor_expired", GONE, "Cursor expired",
        "The cursor is older than this gateway keeps them, or names something it does not hold any more. Start again without a cursor.";
    Unauthorized = "unauthorized", UNAUTHORIZED, "Unauthorized",
        "There is no key or token with the request, or none that this gateway takes. A key goes into `Authorization: Bearer` or `X-Api-Key`, a token into `Authorization: Bearer`. If it was right before, it has been replaced or has expired.";
    Forbidden = "forbidden", FORBIDDEN, "Forbidden",
        "The credentials are right and do not allow this: a scope is missing, or a connection is named that is not theirs.";
    NotFound = "not_found", NOT_FOUND, "No such route",
        "There is nothing at this address. The routes are listed in the documentation.";
    LoanNotFound = "loan_not_found", NOT_FOUND, "No such loan",
        "No connection has a loan with this id. Ids come from the list; they begin with the connection's name.";
    ConnectionNotFound = "connection_not_found", NOT_FOUND, "No such connection",
        "This gateway has no connection of this name. To a client that may not see all of them, any other name is `forbidden`.";
    CustomerNotFound = "customer_not_found", NOT_FOUND, "No such customer",
        "This client knows no customer of this id. `PUT /customers/{id}` makes one.";
    CapabilityNotSupported = "capability_not_supported", NOT_FOUND, "Not supported here",
        "The address is right, and this connection, this configuration or this version cannot answer it. `detail` says what can.";
    ReferenceNotFound = "reference_not_found", NOT_FOUND, "No such reference",
        "Every upstream that was asked says that it knows no such reference. `sources` has one report for each.";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "Method not allowed",
        "The address exists and does not take this method. `Allow` says which ones it takes.";
    NotAcceptable = "not_acceptable", NOT_ACCEPTABLE, "Not acceptable",
        "The address cannot answer in any media type that `Accept` asks for.";
    PayloadTooLarge = "payload_too_large", PAYLOAD_TOO_LARGE, "Body too large",
        "The request's body is larger than this address accepts.";
    UriTooLong = "uri_too_long", URI_TOO_LONG, "Address too long",
        "The request's address is longer than 8 KiB. `POST /loans/search` takes the same parameters as a body.";
    HeadersTooLarge = "headers_too_large", REQUEST_HEADER_FIELDS_TOO_LARGE, "Headers too large",
        "The request's headers are larger than 32 KiB, or more than 100.";
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED, "Precondition failed",
        "`If-Match` or `If-None-Match` asks for another version than the current one. Read it again.";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "Unsupported body type",
        "The request's body must be `application/json`.";
    SelectionTooLarge = "selection_too_large", UNPROCESSABLE_ENTITY, "Too much selected",
        "The references bring more loans than this gateway gathers for one answer. Ask for fewer.";
    UpstreamTimeout = "upstream_timeout", GATEWAY_TIMEOUT, "No upstream answered in time",
        "Every upstream that was asked ran out of time. `sources` has one report for each. Asking again may help.";
    UpstreamUnavailable = "upstream_unavailable", SERVICE_UNAVAILABLE, "No upstream can answer now",
        "Every upstream that was asked limits our rate, failed so often that it is left alone for a while, or is still collecting; or, without any in `sources`, the keys that tokens are checked with cannot be fetched. `Retry-After` says when to ask again.";
    UpstreamFailed = "upstream_failed", BAD_GATEWAY, "No upstream could answer",
        "Every upstream that was asked failed. `sources` says how each of them did, and whether asking again may help.";
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "Too many requests",
        "This client asks more often, or has more requests in hand, than its limits allow. Ask again after `Retry-After`; `RateLimit-Policy` and `RateLimit` say what is allowed and what is left.";
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, "Overloaded",
        "This gateway has as many requests in hand as it takes. Ask again after `Retry-After`.";
    StoreUnavailable = "store_unavailable", SERVICE_UNAVAILABLE, "The store gives no answer",
        "Customers are kept in a store, and it does not answer now. What needs no customers still works. Ask again after `Retry-After`.";
    Internal = "internal", INTERNAL_SERVER_ERROR, "Internal error",
        "A defect of this gateway; other requests are not affected. Report it with the request id.";
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ParameterError {
    /// The parameter, as the caller wrote it.
    pub parameter: String,
    /// What is wrong and what would be right.
    pub detail: String,
}

/// What `WWW-Authenticate` says beside the realm: RFC 6750 section 3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// There is a token, and it is not taken.
    InvalidToken,
    /// The credentials lack this scope.
    InsufficientScope(&'static str),
}

/// A problem on its way to the caller. Rendered in one place, where the request id is known.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What it is.
    pub code: Code,
    /// This occurrence, in our words.
    pub detail: String,
    /// Everything that is wrong with the request.
    pub errors: Vec<ParameterError>,
    /// The report of every source, where upstreams were asked.
    pub sources: Option<Vec<Source>>,
    /// When to ask again.
    pub retry_after: Option<Duration>,
    /// What the credentials lack.
    pub challenge: Option<Challenge>,
}

/// A problem as callers see it (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Document<'a> {
    /// Where the code is explained, from the root of the API.
    r#type: String,
    /// A few words that never change.
    title: &'static str,
    /// The status of the response.
    status: u16,
    /// This occurrence, for people.
    detail: &'a str,
    /// What it is, for programs.
    code: Code,
    /// The same as in `X-Request-Id`.
    request_id: &'a str,
    /// Everything that is wrong with the request.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ParameterError],
    /// How every source did, where upstreams were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sources: Option<&'a [Source]>,
}

impl Problem {
    /// A problem of this code with its general meaning.
    pub fn new(code: Code) -> Self {
        Self {
            code,
            detail: code.meaning().to_owned(),
            errors: Vec::new(),
            sources: None,
            retry_after: None,
            challenge: None,
        }
    }

    /// A problem with a sentence about this occurrence.
    pub fn because(code: Code, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..Self::new(code)
        }
    }

    /// Everything that is wrong with a request.
    pub fn invalid(errors: Vec<ParameterError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("`{}` {}.", one.parameter, one.detail),
            many => format!("{} parameters cannot be used; `errors` names them.", many.len()),
        };
        Self {
            errors,
            ..Self::because(Code::InvalidRequest, detail)
        }
    }

    /// The document and its headers.
    pub(super) fn render(&self, request_id: &str) -> Response<Body> {
        let document = Document {
            r#type: format!("/problems/{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: &self.detail,
            code: self.code,
            request_id,
            errors: &self.errors,
            sources: self.sources.as_deref(),
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.code.status();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let challenge = match self.challenge {
            Some(Challenge::InvalidToken) => {
                Some(r#"Bearer realm="loangate", error="invalid_token""#.to_owned())
            }
            Some(Challenge::InsufficientScope(scope)) => Some(format!(
                r#"Bearer realm="loangate", error="insufficient_scope", scope="{scope}""#
            )),
            None => (self.code == Code::Unauthorized).then(|| r#"Bearer realm="loangate""#.to_owned()),
        };
        let challenge = challenge.and_then(|text| HeaderValue::try_from(text).ok());
        headers.extend(challenge.map(|value| (header::WWW_AUTHENTICATE, value)));
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            headers.extend(
                HeaderValue::from_str(&seconds.to_string())
                    .ok()
                    .map(|value| (header::RETRY_AFTER, value)),
            );
        }
        response
    }
}

impl IntoResponse for Problem {
    /// Carries the problem to the middleware that knows the request id.
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.code.status();
        response.extensions_mut().insert(self);
        response
    }
}
