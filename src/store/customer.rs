//! A customer: somebody's own id for a person, and where that person's loans are to be found.

use std::fmt;

use chrono::{DateTime, Utc};
use xxhash_rust::xxh3::Xxh3;

vocabulary! {
    /// What a person consented to.
    Purpose {
        /// Showing them their own data.
        Presentation = "presentation",
        /// Working with it, such as deciding about a loan.
        Processing = "processing",
    }
}

impl Purpose {
    /// The purpose of this name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|purpose| purpose.as_str() == word)
    }
}

/// Whose customers are meant. What one namespace holds is invisible in every other.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Namespace(String);

impl Namespace {
    /// The one of a gateway that does not tell its callers apart.
    pub fn everyone() -> Self {
        Self("everyone:".to_owned())
    }

    /// The one of a single client.
    pub fn of_client(id: &str) -> Self {
        Self(format!("client:{id}"))
    }

    /// One that several clients share by its name, which is never that of a client.
    pub fn shared(name: &str) -> Self {
        Self(format!("shared:{name}"))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Namespace(..)")
    }
}

/// A reference that is linked to a customer.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Link {
    /// The connection it is for.
    pub connection: String,
    /// The type, in the connection's words.
    pub kind: String,
    /// What the provider knows the person or the loan by.
    pub value: String,
    /// What it may be used for; `None` for anything.
    pub purpose: Option<Purpose>,
    /// From when on it may not be used.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Link {
    /// Whether both are the same reference, whatever is said about it.
    pub fn is_same_reference(&self, other: &Self) -> bool {
        (&self.connection, &self.kind, &self.value) == (&other.connection, &other.kind, &other.value)
    }
}

/// Leaves out the value: it is about a person.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("connection", &self.connection)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A customer as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Customer {
    /// The caller's own id.
    pub id: String,
    /// In the order they were given in.
    pub links: Vec<Link>,
    /// When it was first put.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// Leaves out the id: it is a person's.
impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Customer")
            .field("links", &self.links.len())
            .finish_non_exhaustive()
    }
}

/// A state of a customer: no two have the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(u128);

impl Version {
    /// The version with this name.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let number = u128::from_str_radix(text, 16).ok()?;
        digits.then_some(Self(number))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Customer {
    /// Which state this is: of everything a caller sees of it, and the same in every process.
    pub fn version(&self) -> Version {
        let mut digest = Xxh3::new();
        // Each part with its length, so that no two lists of parts run together.
        let mut part = |bytes: &[u8]| {
            digest.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
            digest.update(bytes);
        };
        part(self.id.as_bytes());
        for at in [self.created_at, self.updated_at] {
            part(&at.timestamp_millis().to_le_bytes());
        }
        for link in &self.links {
            for text in [&link.connection, &link.kind, &link.value] {
                part(text.as_bytes());
            }
            part(link.purpose.map_or("", Purpose::as_str).as_bytes());
            match link.expires_at {
                Some(at) => part(&at.timestamp_millis().to_le_bytes()),
                None => part(&[]),
            }
        }
        Version(digest.digest128())
    }
}

/// Versions that somebody names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tags {
    /// Any there is.
    Any,
    /// One of these.
    These(Vec<Version>),
}

impl Tags {
    /// Whether the current version is among them. Nothing is not.
    pub fn name(&self, current: Option<&Customer>) -> bool {
        current.is_some_and(|current| match self {
            Self::Any => true,
            Self::These(versions) => versions.contains(&current.version()),
        })
    }
}

/// What must be true of a customer before it is changed (RFC 9110 section 13).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Precondition {
    /// The current version must be among these.
    pub matches: Option<Tags>,
    /// The current version must not be among these.
    pub none_matches: Option<Tags>,
}

impl Precondition {
    /// Whether it holds of what is there now.
    pub fn holds(&self, current: Option<&Customer>) -> bool {
        self.matches.as_ref().is_none_or(|tags| tags.name(current))
            && self.none_matches.as_ref().is_none_or(|tags| !tags.name(current))
    }
}
