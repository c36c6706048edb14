//! Why a store gives no answer, in our own words: a driver's may hold addresses and values.

use std::io;

use sqlx::error::DatabaseError;

/// Why a store gives no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nobody answers at its address.
    #[error("cannot be reached")]
    Unreachable,
    /// It took longer than it may.
    #[error("does not answer in time")]
    Late,
    /// The user or the password is wrong.
    #[error("refuses the user or the password")]
    Credentials,
    /// The server has no such database.
    #[error("has no database of this name")]
    NoDatabase,
    /// The user may not do this there.
    #[error("does not let this user make or change its tables")]
    NotAllowed,
    /// It takes no more connections.
    #[error("takes no more connections")]
    Full,
    /// TLS could not be agreed upon.
    #[error("cannot be spoken to over TLS")]
    Tls,
    /// The file cannot be opened or made.
    #[error("cannot be opened: its directory must exist, and both must be writable")]
    NotOpened,
    /// The file is something else.
    #[error("is no SQLite database, or is damaged")]
    NotADatabase,
    /// Another process keeps it to itself.
    #[error("is kept locked by another process")]
    Locked,
    /// No room for it.
    #[error("has no room left, or cannot be written to")]
    NoRoom,
    /// A later version of this program has changed its tables.
    #[error("was written by a later version of this program")]
    Newer,
    /// It was closed, or its writer is gone.
    #[error("is closed")]
    Closed,
    /// Anything else.
    #[error("failed")]
    Other,
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(error) => match error.kind() {
                io::ErrorKind::TimedOut => Self::Late,
                _ => Self::Unreachable,
            },
            sqlx::Error::PoolTimedOut => Self::Late,
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Closed,
            sqlx::Error::Tls(_) => Self::Tls,
            sqlx::Error::Database(error) => database(&*error),
            _ => Self::Other,
        }
    }
}

/// The codes of both engines: five characters of SQLSTATE, or the number of a SQLite result.
fn database(error: &dyn DatabaseError) -> Fault {
    let code = error.code().unwrap_or_default();
    match &*code {
        "28P01" | "28000" => Fault::Credentials,
        "3D000" => Fault::NoDatabase,
        "42501" => Fault::NotAllowed,
        "53300" | "53400" => Fault::Full,
        "57014" | "55P03" | "25P03" => Fault::Late,
        "57P01" | "57P02" | "57P03" => Fault::Unreachable,
        "53100" | "53200" | "25006" => Fault::NoRoom,
        code => sqlite(code),
    }
}

fn sqlite(code: &str) -> Fault {
    // What is more exact than a primary code is in the bits above eight.
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(5 | 6) => Fault::Locked,
        Ok(3 | 14) => Fault::NotOpened,
        Ok(8 | 13) => Fault::NoRoom,
        Ok(11 | 26) => Fault::NotADatabase,
        _ => Fault::Other,
    }
}
