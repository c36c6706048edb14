//! What is deleted is gone: from the file, and from the log beside it.

use std::fs;
use std::path::Path;

use serde_json::json;

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
