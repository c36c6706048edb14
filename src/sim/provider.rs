//! Which providers there are, where each is mounted and what it lets in.

use std::fmt;
use std::str::FromStr;

/// A provider that is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Provider {
    /// `GoScore`, Norway: one person's debts by consent.
    Goscore,
    /// Carbon, Nigeria: loan applications of a merchant.
    Carbon,
    /// BSA LMS, Tanzania: loans with balances and schedules.
    Bsa,
    /// Belvo Direct Debit, Mexico: snapshots of defaulted loans.
    Belvo,
    /// Apache Fineract behind a .NET wrapper, Nigeria: the transactions of one loan.
    Fineract,
}

/// The credentials of one provider: configuration key and value.
pub type Credentials = &'static [(&'static str, &'static str)];

impl Provider {
    /// Every provider, in the order of the documents.
    pub const ALL: [Self; 5] = [
        Self::Goscore,
        Self::Carbon,
        Self::Bsa,
        Self::Belvo,
        Self::Fineract,
    ];

    /// The name used in paths, flags and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Goscore => "goscore",
            Self::Carbon => "carbon",
            Self::Bsa => "bsa",
            Self::Belvo => "belvo",
            Self::Fineract => "fineract",
        }
    }

    /// What follows `http://host:port` in a `base_url` that points at this simulator.
    pub fn base_path(self) -> &'static str {
        match self {
            Self::Goscore => "/goscore/api/1.0",
            Self::Carbon => "/carbon/baas/api",
            Self::Bsa => "/bsa",
            Self::Belvo => "/belvo",
            Self::Fineract => "/fineract",
        }
    }

    /// The same for an `auth_url`, where tokens come from another host.
    pub fn auth_path(self) -> Option<&'static str> {
        (self == Self::Bsa).then_some("/bsa-auth")
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Provider {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|provider| provider.as_str() == word)
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::as_str).join(", ");
                format!("unknown provider {word:?}, expected one of {names}")
            })
    }
}

/// What a simulator lets in, under the keys of a `[connections.…]` table.
pub fn credentials(provider: Provider) -> Credentials {
    match provider {
        Provider::Goscore => &[("client_id", "demo-client"), ("secret_key", "demo-secret")],
        Provider::Carbon => &[("api_key", "demo-apikey"), ("carbon_key", "demo-carbon-key")],
        Provider::Bsa => &[("email", "demo@example.com"), ("password", "demo-password")],
        Provider::Belvo => &[("key_id", "demo-key-id"), ("key_secret", "demo-key-secret")],
        Provider::Fineract => &[("token", "demo-token")],
    }
}

/// Where the simulator of Apache Fineract itself is: what follows `http://host:port` in its `base_url`.
pub const NATIVE_FINERACT_PATH: &str = "/fineract/fineract-provider/api/v1";

/// What that one lets in.
pub const NATIVE_FINERACT: Credentials = &[
    ("username", "demo-user"),
    ("password", "demo-password"),
    ("tenant", "demo"),
];

/// A bearer token that works without being minted, for connections configured with `token`.
/// `None` where the provider has no bearer tokens.
pub fn fixed_token(provider: Provider) -> Option<&'static str> {
    match provider {
        Provider::Goscore => Some("sim-goscore-token"),
        Provider::Bsa => Some("sim-bsa-token"),
        Provider::Fineract => Some("demo-token"),
        Provider::Carbon | Provider::Belvo => None,
    }
}

/// The value of one credential; empty when there is none of that name, which no request can match.
pub(super) fn credential(provider: Provider, key: &str) -> &'static str {
    credentials(provider)
        .iter()
        .find(|(name, _)| *name == key)
        .map_or("", |(_, value)| value)
}
