//! `[store]`: where customers are kept.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use super::section::Section;

/// `[store]`
#[derive(Debug, Clone)]
pub struct Store {
    /// Which store.
    pub place: StorePlace,
    /// Connections to it at once; of a file, readers beside the one writer.
    pub max_connections: u32,
    /// How long a question to it may take, waiting for a connection included.
    pub timeout: Duration,
}

impl PartialEq for Store {
    fn eq(&self, other: &Self) -> bool {
        let same_place = match (&self.place, &other.place) {
            (StorePlace::File(one), StorePlace::File(other)) => one == other,
            (StorePlace::Server(one), StorePlace::Server(other)) => {
                one.expose_secret() == other.expose_secret()
            }
            _ => false,
        };
        same_place && self.max_connections == other.max_connections && self.timeout == other.timeout
    }
}

impl Eq for Store {}

/// Which store.
#[derive(Debug, Clone)]
pub enum StorePlace {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL server, by an address that may hold a password.
    Server(SecretString),
}

/// Without an address.
const FILE: &str = "loangate.db";

/// Reads `[store]`, which is there.
pub(super) fn store(section: &mut Section<'_>) -> Store {
    let given = section.secret("url");
    let place = given.map_or(Ok(StorePlace::File(PathBuf::from(FILE))), |url| place(&url));
    Store {
        place: place.unwrap_or_else(|what| {
            let form = ["url", "url_file", "url_env"]
                .into_iter()
                .find(|form| section.ask(form).is_some());
            section.problem(form.unwrap_or("url"), what);
            StorePlace::File(PathBuf::from(FILE))
        }),
        max_connections: section.count_or("max_connections", 16, 1..=1000),
        timeout: section.duration_or(
            "timeout",
            Duration::from_secs(3),
            Duration::from_millis(100)..=Duration::from_mins(1),
        ),
    }
}

/// The text is not repeated: it may hold a password.
fn place(url: &SecretString) -> Result<StorePlace, &'static str> {
    let text = url.expose_secret();
    if let Some(path) = text.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        let nothing_more = !path.contains(['?', '#', '\0']) && !path.contains(":memory:");
        return if nothing_more && !path.is_empty() && !path.ends_with('/') {
            Ok(StorePlace::File(PathBuf::from(path)))
        } else {
            Err(
                "must name a file and nothing more: sqlite://loangate.db in the working directory, \
                 sqlite:///var/lib/loangate/loangate.db anywhere",
            )
        };
    }
    let server = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "postgres" | "postgresql")
            && url.has_host()
            && !url.path().trim_start_matches('/').is_empty()
            && url.fragment().is_none()
    });
    match server {
        Some(_) => Ok(StorePlace::Server(url.clone())),
        None => Err(
            "must be sqlite:// and the path of a file, or a PostgreSQL address such as \
             postgres://user:password@host:5432/database",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Result<StorePlace, &'static str> {
        place(&SecretString::from(url))
    }

    #[test]
    fn a_file_is_a_path_and_nothing_more() {
        for (url, path) in [
            ("sqlite://loangate.db", "loangate.db"),
            ("sqlite:loangate.db", "loangate.db"),
            ("sqlite:///var/lib/a b/x.db", "/var/lib/a b/x.db"),
            ("sqlite://./data/x", "./data/x"),
        ] {
            assert!(
                matches!(of(url), Ok(StorePlace::File(file)) if file.to_str() == Some(path)),
                "{url}"
            );
        }
        for url in [
            "sqlite:",
            "sqlite://",
            "sqlite://:memory:",
            "sqlite://x.db?mode=ro",
            "sqlite:///var/lib/",
            "sqlite://x#y",
        ] {
            assert!(of(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_server_has_a_host_and_a_database() {
        for url in [
            "postgres://loangate:word@db.example.com:5432/loangate",
            "postgresql://db/loangate?sslmode=verify-full",
            "postgres://u@%2Fvar%2Frun%2Fpostgresql/loangate",
        ] {
            assert!(matches!(of(url), Ok(StorePlace::Server(_))), "{url}");
        }
        for url in [
            "",
            "loangate.db",
            "postgres://",
            "postgres://host",
            "postgres://host/",
            "postgres:///loangate",
            "mysql://host/loangate",
            "https://host/loangate",
            "postgres://host:word/x",
        ] {
            let what = of(url).map(|_| ()).unwrap_err();
            assert!(what.starts_with("must be sqlite://"), "{url}: {what}");
        }
    }
}
