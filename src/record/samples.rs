//! JSON and what is nearly JSON, for tests.

use proptest::prelude::*;

/// Any JSON, with white space between its tokens.
pub(super) fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("-1.50e+3".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,9})?([eE][-+]?[0-9]{1,3})?",
        any_text(),
    ];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        let members = (any_text(), inner.clone()).prop_map(|(name, value)| format!("{name} : {value}"));
        prop_oneof![
            proptest::collection::vec(inner, 0..5).prop_map(|list| format!("[{}]", list.join(" , "))),
            proptest::collection::vec(members, 0..5).prop_map(|list| format!("{{{}}}", list.join(",\n"))),
        ]
    })
}

/// A string of JSON, lone halves of characters included.
pub(super) fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "\\PC{0,20}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        1 => "\"([ !#-\\[\\]-~]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fA-F]{4}){0,12}\"",
    ]
}

/// JSON in which something was left out, doubled or replaced, or that was cut off.
pub(super) fn mutated() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        "",
        "[\\[\\]{},:\"\\\\ 0-9.eE+\\-tfnu\\x00-\\x1f\u{7f}-\u{ff}]{1,3}"
    ];
    let places = (any::<prop::sample::Index>(), 0_usize..3, pieces);
    (any_json(), proptest::collection::vec(places, 1..4)).prop_map(|(text, places)| {
        let mut characters: Vec<char> = text.chars().collect();
        for (index, removed, piece) in places {
            let from = index.index(characters.len().saturating_add(1));
            let to = from.saturating_add(removed).min(characters.len());
            characters.splice(from..to, piece.chars());
        }
        characters.into_iter().collect()
    })
}
