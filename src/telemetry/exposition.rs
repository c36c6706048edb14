//! The text that Prometheus spoke before OpenMetrics.

use std::fmt::Write as _;

/// Our OpenMetrics text as Prometheus text 0.0.4: there a counter is announced by the name it is shown with, and nothing
/// marks the end.
pub fn classic(openmetrics: &str) -> String {
    let mut text = String::with_capacity(openmetrics.len().saturating_add(1024));
    let mut help = None;
    for line in openmetrics.lines() {
        // Writing to a String cannot fail.
        let _ = match line.strip_prefix("# ").map(|rest| rest.split_once(' ')) {
            // The announcement of a name comes as HELP and TYPE, and only the second says what it is.
            Some(Some(("HELP", rest))) => {
                help = Some(rest);
                Ok(())
            }
            Some(Some(("TYPE", rest))) => {
                let suffix = if rest.ends_with(" counter") { "_total" } else { "" };
                let (name, kind) = rest.split_once(' ').unwrap_or((rest, "untyped"));
                let meaning = help.take().and_then(|help| help.split_once(' '));
                let meaning = meaning.map_or("", |(_, meaning)| meaning);
                writeln!(
                    text,
                    "# HELP {name}{suffix} {meaning}\n# TYPE {name}{suffix} {kind}"
                )
            }
            Some(_) => Ok(()),
            None => writeln!(text, "{line}"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_announced_by_the_name_it_is_shown_with() {
        let openmetrics = "# HELP a_b Things.\n# TYPE a_b counter\na_b_total{c=\"# x\"} 1\n\
                           # HELP d Level.\n# TYPE d gauge\n# UNIT d seconds\nd 2\n# EOF\n";
        let expected = "# HELP a_b_total Things.\n# TYPE a_b_total counter\na_b_total{c=\"# x\"} 1\n\
                        # HELP d Level.\n# TYPE d gauge\nd 2\n";
        assert_eq!(classic(openmetrics), expected);
    }
}
