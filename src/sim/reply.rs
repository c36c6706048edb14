//! An answer before it is put on the wire, and each provider's way of saying that something failed.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::json;

use super::provider::Provider;
use super::record::quoted;

pub(super) const JSON: &str = "application/json";
pub(super) const HTML: &str = "text/html; charset=utf-8";

/// A whole answer.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// Empty: no `Content-Type`.
    pub(super) content_type: &'static str,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Bytes,
}

impl Reply {
    pub(super) fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub(super) fn json(body: impl Into<Bytes>) -> Self {
        Self::new(200, JSON, body)
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The answer with another body, which may say less than the head promises.
    pub(super) fn into_response_with(self, body: Body) -> Response {
        let mut response = Response::builder().status(self.status);
        if !self.content_type.is_empty() {
            response = response.header("content-type", self.content_type);
        }
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        // Only a scripted status or location can be one that HTTP does not have.
        response
            .body(body)
            .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let body = Body::from(self.body.clone());
        self.into_response_with(body)
    }
}

/// A failure as this provider words it.
pub(super) fn failure(provider: Provider, status: u16, message: &str) -> Reply {
    match provider {
        // The wrapper's bearer check answers before its error handler, without a body.
        Provider::Fineract if status == 401 => {
            Reply::new(401, "", "").header("www-authenticate", "Bearer error=\"invalid_token\"")
        }
        Provider::Fineract if status == 403 => Reply::new(403, "", ""),
        _ => Reply::new(status, JSON, failure_body(provider, status, message)),
    }
}

/// The body of a failure, in the shape of the provider's documents.
pub(super) fn failure_body(provider: Provider, status: u16, message: &str) -> String {
    let message = quoted(message);
    match provider {
        Provider::Goscore => {
            let word = match status {
                500 => "INTERNAL_ERROR",
                429 | 501.. => "TEMPORARY_ERROR",
                _ => "BAD_REQUEST",
            };
            format!(r#"{{"type":"error","error":{{"status":"{word}","message":{message}}}}}"#)
        }
        Provider::Carbon => {
            let (code, details) = carbon_words(status);
            format!(
                r#"{{"status":"error","message":{message},"data":{{"error_code":"{code}","details":"{details}"}}}}"#
            )
        }
        Provider::Bsa => format!(r#"{{"code":"{}","message":{message}}}"#, bsa_code(status)),
        Provider::Belvo => belvo_body(status, &message),
        Provider::Fineract => {
            format!(r#"{{"Succeeded":false,"Message":{message},"Errors":null,"Data":null}}"#)
        }
    }
}

fn carbon_words(status: u16) -> (&'static str, &'static str) {
    match status {
        400 => ("BAD_REQUEST", "The request could not be processed"),
        401 => ("INVALID_API_KEY", "The provided API key is invalid or expired"),
        403 => ("FORBIDDEN", "The API key has no permission for this resource"),
        404 => ("NOT_FOUND", "The requested resource does not exist"),
        405 => (
            "METHOD_NOT_ALLOWED",
            "The method is not supported by this resource",
        ),
        422 => ("UNPROCESSABLE", "The request is not possible in this state"),
        429 => ("TOO_MANY_REQUESTS", "Too many requests hit the API too quickly"),
        _ => ("SERVER_ERROR", "Something went wrong on our end"),
    }
}

fn bsa_code(status: u16) -> &'static str {
    match status {
        400 => "invalid_argument",
        401 => "unauthenticated",
        403 => "permission_denied",
        404 => "not_found",
        405 | 501 => "unimplemented",
        409 => "aborted",
        429 => "too_many_requests",
        503 => "unavailable",
        504 => "deadline_exceeded",
        _ => "internal",
    }
}

/// BSA packs the fields it complains about into a JSON text inside the message.
pub(super) fn bsa_bad_field(field: &str, error: &str) -> Reply {
    failure(
        Provider::Bsa,
        400,
        &json!([{"field": field, "error": error}]).to_string(),
    )
}

/// `message` is JSON: Belvo answers with a string or with an array of them.
pub(super) fn belvo_body(status: u16, message: &str) -> String {
    let reason = StatusCode::from_u16(status)
        .ok()
        .and_then(|code| code.canonical_reason())
        .unwrap_or("Error");
    format!(r#"{{"statusCode":{status},"error":"{reason}","message":{message}}}"#)
}

/// The answer to a path that the provider does not have.
pub(super) fn no_such_route(provider: Provider) -> Reply {
    failure(provider, 404, "No route matches the request")
}

/// The answer to a method that the path does not take.
pub(super) fn wrong_method(provider: Provider, allowed: &'static str) -> Reply {
    failure(provider, 405, "Method not allowed").header("allow", allowed)
}

/// The answer to a request whose credentials are missing or wrong.
pub(super) fn unauthorized(provider: Provider) -> Reply {
    let message = match provider {
        Provider::Goscore => "Token is invalid or expired",
        Provider::Carbon => "Unauthorized access",
        Provider::Bsa => "expected authorization header format: Bearer <token>",
        Provider::Belvo => "Unauthorized credentials",
        Provider::Fineract => "",
    };
    failure(provider, 401, message)
}
