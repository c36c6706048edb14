//! What every adapter owes, whatever its provider: one suite, each case over each provider.

mod access;
mod faults;
mod paging;
mod reading;
mod records;
mod statuses;

use crate::support::{Answer, Running};

macro_rules! suite {
    ($cases:tt over $($module:ident = $provider:ident),+ $(,)?) => {
        $(suite! { @one $module $provider $cases })+
    };
    (@one $module:ident $provider:ident [$($file:ident :: $case:ident),+ $(,)?]) => {
        mod $module {
            $(
                #[tokio::test]
                async fn $case() {
                    Box::pin(super::$file::$case(loangate::sim::Provider::$provider)).await;
                }
            )+
        }
    };
}

suite! {
    [
        access::honours_retry_after,
        access::gives_up_when_asked_to_wait_too_long,
        access::refreshes_a_token_once,
        access::redirects_are_never_followed,
        access::only_reads_upstream,
        faults::html_502,
        faults::html_200,
        faults::truncated,
        faults::empty_body,
        faults::wrong_content_type_with_valid_json_is_accepted,
        faults::oversized,
        faults::stalled,
        faults::no_answer,
        faults::error_envelope_with_200_is_never_no_loans,
        paging::follows_every_page_once,
        paging::follows_pages_that_the_upstream_makes_smaller,
        paging::stops_on_a_repeating_page,
        reading::encodes_hostile_ids,
        reading::same_bytes_same_ids,
        reading::every_listed_loan_can_be_got,
        records::unknown_enum_survives,
        records::missing_fields_are_null,
        records::null_fields_are_null,
        records::exact_decimals,
        records::inexact_amounts_reject_the_record,
        records::duplicate_key_rejects_the_record,
        statuses::maps_every_status,
    ] over
    belvo = Belvo,
    bsa = Bsa,
    carbon = Carbon,
    fineract = Fineract,
    goscore = Goscore,
}

/// Asks for the list, whose only source must have failed with this code.
async fn only_source_fails(gateway: &Running, code: &str, status: u16, problem: &str) -> Answer {
    let answer = gateway.get("/loans").await;
    answer.assert_problem(status, problem);
    let json = answer.json();
    let sources = json["sources"].as_array().unwrap();
    assert_eq!(sources.len(), 1);
    assert_eq!(sources[0]["status"], "failed");
    assert_eq!(sources[0]["error"]["code"], code, "{answer:?}");
    assert_eq!(sources[0]["count"], 0);
    assert_eq!(sources[0]["exhausted"], false);
    answer
}
