//! Where a store is, and how patiently it is asked.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

/// Which store, and how patiently it is asked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which store.
    pub place: Place,
    /// Connections to it at once; of a file, readers beside the one writer.
    pub max_connections: u32,
    /// How long a question may take, waiting for a connection included.
    pub timeout: Duration,
}

/// Which store.
#[derive(Clone)]
pub enum Place {
    /// A SQLite file of this machine.
    File(PathBuf),
    /// A PostgreSQL server, by an address that may hold a password.
    Server(SecretString),
}

/// Leaves out the address.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File(_) => "File(..)",
            Self::Server(_) => "Server(..)",
        })
    }
}
