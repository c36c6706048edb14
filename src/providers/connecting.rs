//! Opening a connection: the settings every provider shares, read once.

use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Url};

use crate::config::{ConnectionSettings, Section};
use crate::loan::Currency;
use crate::record::Unit;
use crate::upstream::{self, Auth, NotAHeader, Refusal, Settings, TokenCache, TokenSource, Upstream, retry};

/// A connection being opened: its id, its table in the config, and its own HTTP client.
#[derive(Debug)]
pub struct Connecting<'a, 's> {
    /// The operator's name for it.
    pub id: Arc<str>,
    /// Its table, of which the provider reads its own keys.
    pub section: &'a mut Section<'s>,
    /// Records to ask for per page, if the operator said so.
    pub page_size: Option<u64>,
    client: Client,
    settings: Settings,
}

impl<'a, 's> Connecting<'a, 's> {
    /// Starts opening connection `id` with the settings that all connections have.
    pub fn new(
        id: &str,
        section: &'a mut Section<'s>,
        shared: &ConnectionSettings,
        max_body: u64,
    ) -> Option<Self> {
        let settings = Settings {
            timeout: shared.timeout,
            connect_timeout: shared.connect_timeout,
            max_concurrency: shared.max_concurrency,
            retry: retry::Policy {
                attempts: shared.retry.attempts,
                base: shared.retry.base,
                max: shared.retry.max,
            },
            max_body,
        };
        match upstream::client(&settings) {
            Ok(client) => Some(Self {
                id: Arc::from(id),
                section,
                page_size: shared.page_size,
                client,
                settings,
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
        Upstream::new(
            Arc::clone(&self.id),
            base,
            self.client.clone(),
            auth,
            headers,
            self.settings,
            refusal,
        )
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
        Auth::Token(TokenCache::new(
            source,
            self.client.clone(),
            self.settings.timeout,
        ))
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
