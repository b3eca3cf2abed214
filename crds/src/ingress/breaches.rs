//! Limits of AWS for actions.
//!
//! In: an action. Out: the limits it breaks, one sentence each
//! (<https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Action.html>). The front end warns of
//! them, and the linter of plans stops the step, because AWS would refuse it.

use super::action::{Action, FixedResponseAction, Forward, RedirectAction};
use crate::limits::rule::{CONDITION_STRING, FIXED_RESPONSE_BODY, STICKINESS};
use crate::limits::target_group::PER_ACTION;
use crate::limits::value::{PORT, WEIGHT};

const CONTENT_TYPES: [&str; 5] = [
    "text/plain",
    "text/css",
    "text/html",
    "application/javascript",
    "application/json",
];

impl Action {
    /// The fixed limits of AWS that this action breaks, one sentence each.
    pub fn breaches(&self) -> Vec<String> {
        match self {
            Self::FixedResponse(response) => response.breaches(),
            Self::Redirect(redirect) => redirect.breaches(),
            Self::Forward(forward) => self::forward(forward),
        }
    }
}

impl FixedResponseAction {
    /// The fixed limits of AWS that it breaks, one sentence each.
    pub fn breaches(&self) -> Vec<String> {
        let mut found = Vec::new();
        let code = self.status.as_bytes();
        let good = matches!(code, [b'2' | b'4' | b'5', rest @ ..] if rest.len() == 2 && rest.iter().all(u8::is_ascii_digit));
        if !good {
            found.push(format!(
                "the statusCode '{}' is not allowed; write 2xx, 4xx or 5xx",
                self.status
            ));
        }
        if let Some(kind) = &self.content_type
            && !CONTENT_TYPES.contains(&kind.as_str())
        {
            let allowed = CONTENT_TYPES.join(", ");
            found.push(format!(
                "the contentType '{kind}' is not allowed; allowed are {allowed}"
            ));
        }
        let length = self.body.as_ref().map_or(0, String::len);
        if !FIXED_RESPONSE_BODY.allows(length) {
            found.push(format!(
                "the messageBody has {length} bytes, allowed are {}; shorten it",
                FIXED_RESPONSE_BODY.value
            ));
        }
        found
    }
}

impl RedirectAction {
    /// The fixed limits of AWS that it breaks, one sentence each.
    pub fn breaches(&self) -> Vec<String> {
        let mut found = Vec::new();
        if !["HTTP_301", "HTTP_302"].contains(&self.status.as_str()) {
            found.push(format!(
                "the statusCode '{}' is not allowed; write HTTP_301 or HTTP_302",
                self.status
            ));
        }
        if let Some(protocol) = &self.protocol
            && !["HTTP", "HTTPS", "#{protocol}"].contains(&protocol.as_str())
        {
            found.push(format!(
                "the protocol '{protocol}' is not allowed; write HTTP, HTTPS or #{{protocol}}"
            ));
        }
        if let Some(port) = &self.port
            && port != "#{port}"
            && !port.parse().is_ok_and(|number| PORT.allows(number))
        {
            found.push(format!(
                "the port '{port}' is not allowed; write 1-65535 or #{{port}}"
            ));
        }
        for (part, text) in [("host", &self.host), ("path", &self.path), ("query", &self.query)] {
            let length = text.as_ref().map_or(0, |text| text.chars().count());
            if !CONDITION_STRING.allows(length) {
                found.push(format!(
                    "the {part} has {length} characters, allowed are {}; shorten it",
                    CONDITION_STRING.value
                ));
            }
        }
        found
    }
}

fn forward(forward: &Forward) -> Vec<String> {
    let mut found = Vec::new();
    let count = forward.target_groups.len();
    if count == 0 || !PER_ACTION.allows(count) {
        found.push(format!(
            "it has {count} target groups; allowed are 1 to {}",
            PER_ACTION.value
        ));
    }
    for weight in forward.target_groups.iter().filter_map(|group| group.weight) {
        if !WEIGHT.allows(weight) {
            found.push(format!(
                "the weight {weight} is outside {}-{}",
                WEIGHT.min, WEIGHT.max
            ));
        }
    }
    let seconds = forward.stickiness.and_then(|stickiness| stickiness.seconds);
    if let Some(seconds) = seconds
        && !STICKINESS.allows(seconds)
    {
        found.push(format!(
            "durationSeconds {seconds} is outside {}-{}",
            STICKINESS.min, STICKINESS.max
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use super::super::action::parse_action;

    fn breaches(text: &str) -> usize {
        parse_action(text).unwrap().breaches().len()
    }

    #[test]
    fn fixed_responses_have_a_code_a_media_type_and_a_short_body() {
        let response = |config: &str| {
            breaches(&format!(
                r#"{{"type":"fixed-response","fixedResponseConfig":{{{config}}}}}"#
            ))
        };
        assert_eq!(response(r#""statusCode":"503","contentType":"text/plain""#), 0);
        for code in ["200", "404", "599"] {
            assert_eq!(response(&format!(r#""statusCode":"{code}""#)), 0, "{code}");
        }
        for code in ["301", "2xx", "50", "5000"] {
            assert_eq!(response(&format!(r#""statusCode":"{code}""#)), 1, "{code}");
        }
        assert_eq!(response(r#""statusCode":"200","contentType":"image/png""#), 1);
        let body = |length| format!(r#""statusCode":"200","messageBody":"{}""#, "a".repeat(length));
        assert_eq!((response(&body(1024)), response(&body(1025))), (0, 1));
    }

    #[test]
    fn redirects_have_one_of_two_codes_and_parts_in_range() {
        let redirect = |config: &str| {
            breaches(&format!(
                r#"{{"type":"redirect","redirectConfig":{{"statusCode":"HTTP_302"{config}}}}}"#
            ))
        };
        assert_eq!(redirect(""), 0);
        assert_eq!(redirect(r##","protocol":"#{protocol}","port":"#{port}""##), 0);
        assert_eq!(redirect(r#","protocol":"https""#), 1);
        assert_eq!(redirect(r#","port":"0""#), 1);
        assert_eq!(redirect(&format!(r#","path":"/{}""#, "a".repeat(128))), 1);
        let code = r#"{"type":"redirect","redirectConfig":{"statusCode":"301"}}"#;
        assert_eq!(breaches(code), 1);
    }

    #[test]
    fn forwards_have_one_to_five_groups_weights_and_a_duration_in_range() {
        let forward = |groups: &str, rest: &str| {
            breaches(&format!(
                r#"{{"type":"forward","forwardConfig":{{"targetGroups":[{groups}]{rest}}}}}"#
            ))
        };
        let group = |weight: i32| format!(r#"{{"targetGroupName":"a","weight":{weight}}}"#);
        assert_eq!(forward(&group(999), ""), 0);
        assert_eq!(forward("", ""), 1);
        assert_eq!(forward(&group(1000), ""), 1);
        assert_eq!(forward(&vec![group(1); 5].join(","), ""), 0);
        assert_eq!(forward(&vec![group(1); 6].join(","), ""), 1);
        let sticky = |n: i32| format!(r#","targetGroupStickinessConfig":{{"durationSeconds":{n}}}"#);
        assert_eq!(forward(&group(1), &sticky(604_800)), 0);
        assert_eq!(forward(&group(1), &sticky(0)), 1);
    }
}
