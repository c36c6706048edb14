//! Opening a connection: the settings every provider shares, read once.

use std::sync::Arc;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::config::{ConnectionSettings, Section};
use crate::loan::Currency;
use crate::record::Unit;
use crate::upstream::{
    self, Auth, Dialler, NotAHeader, Refusal, Settings, Shared, TokenSource, Upstream, circuit, retry,
};

/// A connection being opened: its id, its table in the config, and its own HTTP client.
#[derive(Debug)]
pub struct Connecting<'a, 's> {
    /// The operator's name for it.
    pub id: Arc<str>,
    /// Its table, of which the provider reads its own keys.
    pub section: &'a mut Section<'s>,
    /// Records to ask for per page, if the operator said so.
    pub page_size: Option<u64>,
    dialler: Dialler,
}

impl<'a, 's> Connecting<'a, 's> {
    /// Starts opening connection `id` with the settings that all connections have.
    pub fn new(
        id: &str,
        section: &'a mut Section<'s>,
        settings: &ConnectionSettings,
        max_body: u64,
        shared: &Shared,
    ) -> Option<Self> {
        let id: Arc<str> = Arc::from(id);
        let page_size = settings.page_size;
        let settings = Settings {
            timeout: settings.timeout,
            connect_timeout: settings.connect_timeout,
            max_concurrency: settings.max_concurrency,
            per_second: settings.requests_per_second,
            retry: retry::Policy {
                attempts: settings.retry.attempts,
                base: settings.retry.base,
                max: settings.retry.max,
            },
            circuit: circuit::Policy {
                failures: settings.circuit.failures,
                open_for: settings.circuit.open_for,
                attempt: settings.timeout,
            },
            max_body,
        };
        match Dialler::new(Arc::clone(&id), settings, shared) {
            Ok(dialler) => Some(Self {
                id,
                section,
                page_size,
                dialler,
            }),
            Err(_) => {
                section.problem("base_url", "no HTTP client could be built on this machine");
                None
            }
        }
    }

    /// The address of the API; `default` is the one in the provider's own documents.
    pub fn base_url(&mut self, default: Option<&str>) -> Option<Url> {
        self.section.base_url("base_url", default)
    }

    /// The handle on `base`. `headers` go along with every call; `refusal` says what error bodies mean.
    pub fn upstream(&self, base: Url, auth: Auth, headers: HeaderMap, refusal: Refusal) -> Upstream {
        self.dialler.upstream(base, auth, headers, refusal)
    }

    /// Credentials that are the same headers on every call: header name and the config key of its secret.
    pub fn secret_headers(&mut self, headers: &[(&'static str, &str)]) -> Option<Auth> {
        let mut list = Vec::with_capacity(headers.len());
        let mut complete = true;
        for (name, key) in headers {
            let value = self.secret_header(key);
            complete &= value.is_some();
            list.extend(value.map(|value| (HeaderName::from_static(name), value)));
        }
        complete.then_some(Auth::Headers(list))
    }

    /// A required secret as a header value.
    pub fn secret_header(&mut self, key: &str) -> Option<HeaderValue> {
        let secret = self.section.require_secret(key);
        let header = upstream::secret_header(&secret);
        self.header_or_problem(key, header)
    }

    /// A fixed bearer token, where the config has one.
    pub fn fixed_token(&mut self) -> Option<Option<Auth>> {
        let token = self.section.secret("token")?;
        let auth = Auth::bearer(&token);
        Some(self.header_or_problem("token", auth))
    }

    /// Credentials that a token call mints.
    pub fn minted_token(&self, source: TokenSource) -> Auth {
        self.dialler.tokens(source)
    }

    /// Records a problem where a secret cannot be a header.
    pub fn header_or_problem<T>(&mut self, key: &str, value: Result<T, NotAHeader>) -> Option<T> {
        value
            .map_err(|problem| self.section.problem(key, problem.to_string()))
            .ok()
    }

    /// The currency of amounts that carry none.
    pub fn currency(&mut self, default: &str) -> Option<Currency> {
        let code = self.section.string_or("currency", default);
        let currency = Currency::parse(&code);
        if currency.is_none() {
            self.section
                .problem("currency", "must be a three-letter ISO 4217 code");
        }
        currency
    }

    /// The unit of amounts that do not say theirs.
    pub fn unit(&mut self, default: Unit) -> Unit {
        self.section.choice(
            "amount_unit",
            default,
            &[("major", Unit::Major), ("minor", Unit::Minor)],
        )
    }
}
