//! How a store comes about: on first use, step by step, by however many at once.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use loangate::app::App;
use loangate::store::{Change, Fault, Keeper, Namespace, Place as At, Precondition, Settings, Store as _};
use secrecy::SecretString;
use sqlx::{Connection as _, Executor as _};

use super::{Place, on_both};

pub fn keeper(place: &Place) -> Keeper {
    let at = match place.url.strip_prefix("sqlite://") {
        Some(path) => At::File(path.into()),
        None => At::Server(SecretString::from(place.url.clone())),
    };
    Keeper::new(Settings {
        place: at,
        max_connections: 4,
        timeout: Duration::from_secs(30),
    })
}

on_both! {
    many_that_start_at_once_make_the_tables_once(place) {
        let keepers: Vec<Arc<Keeper>> = (0..12).map(|_| Arc::new(keeper(&place))).collect();
        let started = keepers.iter().map(|keeper| {
            let keeper = Arc::clone(keeper);
            tokio::spawn(async move { keeper.open().await })
        });
        for started in futures_util::future::join_all(started).await {
            assert_eq!(started.unwrap(), Ok(()));
        }
        let of = Namespace::everyone();
        for (number, keeper) in keepers.iter().enumerate() {
            let change = Change {
                links: Vec::new(),
                may_only_stay: Vec::new(),
                only: Precondition::default(),
                at: chrono::DateTime::UNIX_EPOCH,
            };
            keeper.put(&of, &format!("{number}"), change).await.unwrap();
        }
        assert_eq!(keepers[0].page(&of, 0, 100).await.unwrap().customers.len(), 12);
    }

    a_store_of_a_later_version_is_left_alone(place) {
        keeper(&place).open().await.unwrap();
        sqlx::any::install_default_drivers();
        let mut connection = sqlx::AnyConnection::connect(&place.url).await.unwrap();
        connection.execute("INSERT INTO loangate_schema (version) VALUES (1000)").await.unwrap();
        assert_eq!(keeper(&place).open().await, Err(Fault::Newer));
    }
}

#[tokio::test]
async fn who_may_use_the_tables_need_not_be_able_to_make_them() {
    let Some(place) = Place::server().await else {
        return;
    };
    keeper(&place).open().await.unwrap();
    let (_, schema) = place.url.rsplit_once('=').unwrap();
    let role = format!("user_of_{schema}");
    let mut owner = sqlx::PgConnection::connect(&place.url).await.unwrap();
    let grants = format!(
        "CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA {schema} TO {role}; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}"
    );
    owner
        .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(grants)))
        .await
        .unwrap();
    let separator = if place.url.contains('?') { '&' } else { '?' };
    let user = Place {
        url: format!("{}{separator}user={role}", place.url),
        ..place.clone()
    };
    let store = keeper(&user);
    store.open().await.unwrap();
    assert_eq!(store.get(&Namespace::everyone(), "one").await, Ok(None));
    let nothing = Place {
        url: format!("{}&user={role}&options[search_path]=nowhere", place.url),
        ..place
    };
    assert!(keeper(&nothing).open().await.is_err());
}

#[tokio::test]
async fn the_file_is_made_for_its_owner_alone() {
    let place = Place::file();
    let keeper = keeper(&place);
    assert!(std::fs::read_dir(place.directory()).unwrap().next().is_none());
    keeper.open().await.unwrap();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(place.directory()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{entry:?}");
        names.push(entry.file_name().into_string().unwrap());
    }
    assert!(names.contains(&"loangate.db".to_owned()), "{names:?}");
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_is_named() {
    let place = Place::file();
    let directory = place.directory();
    std::fs::write(
        directory.join("text"),
        "this is no database, and long enough to be taken for one".repeat(40),
    )
    .unwrap();
    for (url, detail) in [
        (
            format!("sqlite://{}/missing/x.db", directory.display()),
            "the store cannot be opened: its directory must exist, and both must be writable",
        ),
        (
            format!("sqlite://{}/text", directory.display()),
            "the store is no SQLite database, or is damaged",
        ),
        (
            "postgres://user:SECRET-mark@127.0.0.1:1/loangate".to_owned(),
            "the store cannot be reached",
        ),
    ] {
        let document = place
            .setup()
            .set("store.url", &url)
            .document("127.0.0.1:1".parse().unwrap());
        let problems = App::build(&document).unwrap().open_store().await.unwrap_err();
        assert_eq!(problems.to_string().trim(), format!("store.url: {detail}"));
    }
}
