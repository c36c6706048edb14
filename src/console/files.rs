//! What a browser reads.

macro_rules! files {
    ($folder:literal: $($name:literal,)+) => { [$(($name, include_str!(concat!($folder, "/", $name)))),+] };
}

/// The program, and the part of it that is fetched when a picture is to be drawn: made of the modules in `page/` by
/// `.ci/bundle`.
pub(super) const PROGRAM: [(&str, &str); 2] = files!["built": "main.js", "uplot.js",];

/// In the order in which they count. A test compares with the folder.
pub(super) const STYLES: [(&str, &str); 6] = files![
    "page":
    "vendor/uplot.css",
    "styles/base.css",
    "styles/shell.css",
    "styles/loan.css",
    "styles/loans.css",
    "styles/operations.css",
];

/// As they are.
pub(super) const OTHERS: [(&str, &str); 4] = files![
    "page":
    "icon.svg",
    "vendor/htm.LICENSE",
    "vendor/preact.LICENSE",
    "vendor/uplot.LICENSE",
];
