//! `group.name` and `group.order`.
//!
//! In: the raw values. Out: checked ones (upstream `pkg/ingress/group_loader.go`).

use crate::annotation::parse_int32;
use crate::limits::ingress::{GROUP_NAME, GROUP_ORDER};

/// Whether a name may name a group; `Err` is the rule it breaks.
pub fn check_group_name(name: &str) -> Result<(), String> {
    let edge = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let inner = |byte: u8| edge(byte) || byte == b'-' || byte == b'.';
    let bytes = name.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    if !ends.into_iter().all(|end| end.copied().is_some_and(edge)) || !bytes.iter().copied().all(inner) {
        return Err(
            "a group name has lower-case letters, digits, hyphens and dots, and begins and ends with a letter or \
             digit; rename the group"
                .to_owned(),
        );
    }
    if !GROUP_NAME.allows(name.len()) {
        return Err(format!(
            "a group name has at most {} characters, not {}; shorten it",
            GROUP_NAME.value,
            name.len()
        ));
    }
    Ok(())
}

/// Reads the order of an Ingress in its group.
pub fn parse_group_order(text: &str) -> Result<i32, String> {
    let allowed = format!(
        "allowed is a whole number between {} and {}, without blanks",
        GROUP_ORDER.min, GROUP_ORDER.max
    );
    match parse_int32(text) {
        Ok(order) if GROUP_ORDER.allows(order) => Ok(order),
        _ => Err(allowed),
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use super::*;

    // ingress-alb vector 39, among others
    #[test]
    fn group_names_are_short_and_in_lower_case() {
        for name in ["a", "0", "my-team.awesome-group", "a..b", &"a".repeat(63)] {
            assert_eq!(check_group_name(name), Ok(()), "{name}");
        }
        for name in [
            "",
            "My_Group",
            "-a",
            "a-",
            ".a",
            "a.",
            "a b",
            "ä",
            "a\n",
            &"a".repeat(64),
        ] {
            assert!(check_group_name(name).is_err(), "{name}");
        }
    }

    // ingress-alb vector 38, among others
    #[test]
    fn orders_are_between_minus_and_plus_a_thousand() {
        assert_eq!(parse_group_order("-1000"), Ok(-1000));
        assert_eq!(parse_group_order("+1000"), Ok(1000));
        for text in ["1001", "-1001", "", " 1", "1.0", "first"] {
            assert!(
                parse_group_order(text).unwrap_err().contains("-1000 and 1000"),
                "{text}"
            );
        }
    }
}
