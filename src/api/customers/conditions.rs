//! What must be true before something is done: `If-Match` and `If-None-Match`, RFC 9110 section 13.

use axum::http::{HeaderMap, HeaderName, header};

use crate::store::{Precondition, Tags, Version};

/// What the headers ask for.
pub(super) fn of(headers: &HeaderMap) -> Precondition {
    Precondition {
        // Weak tags are not compared strongly, and ours are strong.
        matches: tags(headers, &header::IF_MATCH, |tag| tag),
        none_matches: tags(headers, &header::IF_NONE_MATCH, |tag| {
            tag.trim_start_matches("W/")
        }),
    }
}

/// The tags of a header that is there. One that is none of ours names nothing.
fn tags(headers: &HeaderMap, name: &HeaderName, comparable: fn(&str) -> &str) -> Option<Tags> {
    let values = headers.get_all(name);
    values.iter().next()?;
    let listed = values.iter().filter_map(|value| value.to_str().ok());
    let listed: Vec<&str> = listed.flat_map(|value| value.split(',')).map(str::trim).collect();
    if listed.contains(&"*") {
        return Some(Tags::Any);
    }
    let version = |tag: &&str| Version::parse(comparable(tag).strip_prefix('"')?.strip_suffix('"')?);
    Some(Tags::These(listed.iter().filter_map(version).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "\"0123456789abcdef0123456789abcdef\"";

    fn read(name: &HeaderName, values: &[&str]) -> Precondition {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, value.parse().unwrap());
        }
        of(&headers)
    }

    #[test]
    fn what_is_not_asked_for_holds() {
        assert_eq!(of(&HeaderMap::new()), Precondition::default());
    }

    #[test]
    fn tags_are_read_from_lists_and_repeated_headers() {
        let one = Version::parse(ONE.trim_matches('"')).unwrap();
        let these = Some(Tags::These(vec![one]));
        for values in [
            &[ONE][..],
            &["\"x\", ", ONE],
            &["\"x\" , \"0123456789abcdef0123456789abcdef\""],
        ] {
            assert_eq!(read(&header::IF_MATCH, values).matches, these, "{values:?}");
            assert_eq!(
                read(&header::IF_NONE_MATCH, values).none_matches,
                these,
                "{values:?}"
            );
        }
        assert_eq!(read(&header::IF_MATCH, &["*"]).matches, Some(Tags::Any));
    }

    #[test]
    fn a_weak_tag_is_good_for_not_reading_again_and_not_for_changing() {
        let weak = format!("W/{ONE}");
        assert_eq!(
            read(&header::IF_MATCH, &[&weak]).matches,
            Some(Tags::These(Vec::new()))
        );
        let none = read(&header::IF_NONE_MATCH, &[&weak]).none_matches;
        assert!(matches!(none, Some(Tags::These(versions)) if versions.len() == 1));
    }
}
