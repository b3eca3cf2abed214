//! Names of load balancers and target groups.
//!
//! In: text. Out: the name, or the rule it breaks as one sentence
//! (<https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html>).

use crate::limits;

/// Whether AWS accepts `name` for a new load balancer; `Err` is the rule it breaks.
pub fn check_load_balancer_name(name: &str) -> Result<(), String> {
    if !limits::value::NAME.allows(name.len()) {
        return Err(format!(
            "it has {} characters, allowed are {}; shorten it",
            name.len(),
            limits::value::NAME.value
        ));
    }
    if name.is_empty() {
        return Err("it is empty; give a name or remove the annotation".to_owned());
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err("allowed are letters, digits and hyphens".to_owned());
    }
    if name.starts_with('-') || name.ends_with('-') {
        return Err("it must not begin or end with a hyphen".to_owned());
    }
    if name.starts_with("internal-") {
        return Err("it must not begin with 'internal-'".to_owned());
    }
    Ok(())
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

    #[test]
    fn names_follow_the_rules_of_create_load_balancer() {
        assert!(check_load_balancer_name("k8s-default-web-4d15bfd304").is_ok());
        assert!(check_load_balancer_name(&"a".repeat(32)).is_ok());
        for name in ["", "-a", "a-", "internal-a", "a_b", "ä"] {
            assert!(check_load_balancer_name(name).is_err(), "{name}");
        }
        assert!(check_load_balancer_name(&"a".repeat(33)).is_err());
    }
}
