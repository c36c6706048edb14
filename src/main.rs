//! The `loangate` binary.

fn main() {}
