//! Tokens of an identity provider: whether one is good, and what it says of who sends it.
//!
//! A room of its own because it is half inbound and half outbound: `api` asks it about a token, and it asks the provider
//! for its keys over `upstream`. Neither of the two could hold it without knowing of the other.

#![warn(missing_docs)]

mod claims;
mod key_set;
mod keys;

use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header};

pub use claims::{Holder, Names, Seen};
pub use keys::{Kept, Patience, Provider};

use claims::Claims;
use keys::{Absent, Keys};

/// Longest token that is looked at. Those that list a person's groups are the longest, at a few KiB.
pub const LONGEST: usize = 8 * 1024;

/// What a token must be to be taken.
#[derive(Debug, Clone)]
pub struct Expected {
    /// What `iss` must be.
    pub issuer: String,
    /// What `aud` must name one of.
    pub audiences: Vec<String>,
    /// How far the clocks of the provider and of this machine may be apart.
    pub leeway: Duration,
    /// Which claims are read.
    pub names: Names,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is no token, is of a kind or an algorithm that is not taken, or names a key that the provider does not have.
    Unknown(&'static str),
    /// The provider did not sign it. Everything below is said of tokens that it did sign.
    Forged,
    /// It has expired.
    Expired,
    /// It is not valid yet.
    Early,
    /// Somebody else issued it, or it is for somebody else.
    Foreign,
    /// It lacks a claim that every token must have, or has one in a form that cannot be read.
    Incomplete,
    /// It does not name its client.
    Nameless,
    /// The keys of the provider could not be had; they will be asked for again after this time.
    Unavailable(Duration),
}

impl Refusal {
    /// Why, for the operator's log. Our own words: nothing of the token.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Unknown(reason) => reason,
            Self::Forged => "signature",
            Self::Expired => "expired",
            Self::Early => "not valid yet",
            Self::Foreign => "issuer or audience",
            Self::Incomplete => "a claim that is required",
            Self::Nameless => "no claim that names the client",
            Self::Unavailable(_) => "no keys to check it with",
        }
    }
}

/// Checks tokens.
#[derive(Debug)]
pub struct Tokens {
    keys: Keys,
    /// One for each algorithm, so that a token is held to the algorithm of its key.
    validations: [Validation; 3],
    names: Names,
}

impl Tokens {
    /// Takes tokens that are as `expected` and signed by `provider`. What is known of its keys is in `kept`, where
    /// whoever asked the same provider before left it.
    pub fn new(expected: Expected, provider: Provider, patience: Patience, kept: &Kept) -> Self {
        let validations = key_set::ALGORITHMS.map(|algorithm| {
            let mut validation = Validation::new(algorithm);
            validation.set_required_spec_claims(&["exp", "iss", "aud"]);
            validation.set_issuer(&[&expected.issuer]);
            validation.set_audience(&expected.audiences);
            validation.validate_nbf = true;
            validation.leeway = seconds(expected.leeway);
            validation
        });
        Self {
            keys: Keys::new(provider, patience, kept),
            validations,
            names: expected.names,
        }
    }

    /// Has the keys fetched, so that the first token does not wait for them. Needs a runtime.
    pub fn warm(&self) {
        self.keys.warm();
    }

    /// Whose token this is. Waits for the provider's keys where they are missing, for as long as one fetch may take.
    pub async fn verify(&self, token: &str) -> Result<Holder, Refusal> {
        let (kid, algorithm) = signed_with(token)?;
        let validation = self
            .validations
            .iter()
            .find(|validation| validation.algorithms == [algorithm])
            .ok_or(Refusal::Unknown("algorithm"))?;
        let keys = self.keys.find(kid.as_deref(), algorithm).await?;
        for key in keys.matching(kid.as_deref(), algorithm) {
            match decode::<Claims>(token, key, validation) {
                // The library takes a list of issuers of which one is ours.
                Ok(data) if !data.claims.is_text("iss") => return Err(Refusal::Incomplete),
                Ok(data) => return self.names.holder(&data.claims),
                Err(error) => match refusal(error.kind()) {
                    // There may be several keys without a name.
                    Refusal::Forged => {}
                    refusal => return Err(refusal),
                },
            }
        }
        Err(Refusal::Forged)
    }
}

impl From<Absent> for Refusal {
    fn from(absent: Absent) -> Self {
        match absent {
            Absent::Unknown => Self::Unknown("key"),
            Absent::Unavailable(wait) => Self::Unavailable(wait),
        }
    }
}

/// The key that a token says it is signed with, and how. Nothing else in its header is believed: not `jwk`, `jku` or
/// `x5u`, by which it would bring a key of its own.
fn signed_with(token: &str) -> Result<(Option<String>, Algorithm), Refusal> {
    if token.len() > LONGEST {
        return Err(Refusal::Unknown("size"));
    }
    let header = decode_header(token).map_err(|_| Refusal::Unknown("form or algorithm"))?;
    if header.crit.is_some() {
        return Err(Refusal::Unknown("an extension that must be understood"));
    }
    if !is_access(&header) {
        return Err(Refusal::Unknown("type"));
    }
    Ok((header.kid, header.alg))
}

/// A provider signs other things with the same keys, such as logout tokens and security events; those say so in `typ`.
fn is_access(header: &Header) -> bool {
    let accepted = ["JWT", "at+jwt", "application/at+jwt"];
    let typ = header.typ.as_deref();
    typ.is_none_or(|typ| accepted.iter().any(|known| typ.eq_ignore_ascii_case(known)))
}

fn refusal(kind: &ErrorKind) -> Refusal {
    match kind {
        ErrorKind::ExpiredSignature => Refusal::Expired,
        ErrorKind::ImmatureSignature => Refusal::Early,
        ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => Refusal::Foreign,
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) | ErrorKind::Json(_) => {
            Refusal::Incomplete
        }
        _ => Refusal::Forged,
    }
}

/// Whole seconds, rounded up: a leeway is not less than was asked for.
fn seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}
