//! What is deleted is gone: from the file, and from the log beside it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use sqlx::{ConnectOptions as _, Executor as _};
use tokio::time::timeout;

use super::{Place, delete, put};

/// Where in the directory these bytes stand.
fn found(directory: &Path, mark: &str) -> Vec<String> {
    let files = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .filter(|path| {
            let bytes = fs::read(path).unwrap();
            bytes.windows(mark.len()).any(|part| part == mark.as_bytes())
        })
        .map(|path| path.display().to_string())
        .collect()
}

#[tokio::test]
async fn a_deleted_customer_is_in_no_file() {
    let place = Place::file();
    let gateway = place.setup().start().await;
    let references = |mark: &str| {
        let list: Vec<String> = (0..40)
            .map(|number| format!("carbon:customer:{mark}-{number}"))
            .collect();
        json!(list)
    };
    // Enough of them that pages are split, moved and merged.
    for number in 0..60 {
        put(
            &gateway,
            &format!("kept-{number}"),
            &references(&format!("KEPT-{number}")),
        )
        .await;
        put(
            &gateway,
            &format!("PERSON-mark-{number}"),
            &references(&format!("GONE-mark-{number}")),
        )
        .await;
        put(
            &gateway,
            &format!("changed-{number}"),
            &references(&format!("UNLINKED-mark-{number}")),
        )
        .await;
    }
    for mark in ["PERSON-mark", "GONE-mark", "UNLINKED-mark"] {
        assert!(!found(&place.directory(), mark).is_empty(), "{mark}");
    }
    for number in 0..60 {
        assert_eq!(
            delete(&gateway, &format!("PERSON-mark-{number}")).await.status,
            204
        );
        put(&gateway, &format!("changed-{number}"), &json!(["bsa:customer:1"])).await;
    }
    for mark in ["PERSON-mark", "GONE-mark", "UNLINKED-mark"] {
        assert_eq!(found(&place.directory(), mark), [""; 0], "{mark}");
    }
    assert!(!found(&place.directory(), "KEPT-59").is_empty());
}

/// What somebody reads from the log cannot be taken out of it; that is no reason for anybody who writes to wait.
#[tokio::test]
async fn somebody_who_reads_for_long_keeps_nobody_from_writing() {
    let place = Place::file();
    let gateway = place.setup().start().await;
    put(&gateway, "GONE-mark", &json!(["bsa:customer:1"])).await;
    let path = place.directory().join("loangate.db");
    let mut reader = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    reader
        .execute("BEGIN; SELECT count(*) FROM loangate_customers")
        .await
        .unwrap();
    for number in 0..5 {
        let id = format!("kept-{number}");
        assert_eq!(put(&gateway, &id, &json!(["bsa:customer:1"])).await.status, 201);
        assert_eq!(put(&gateway, &id, &json!(["bsa:customer:2"])).await.status, 200);
    }
    assert_eq!(delete(&gateway, "GONE-mark").await.status, 204);
    assert!(!found(&place.directory(), "GONE-mark").is_empty());
    // And when the reader is done, it goes by itself.
    reader.execute("COMMIT").await.unwrap();
    let gone = async {
        while !found(&place.directory(), "GONE-mark").is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), gone).await.unwrap();
}
