//! Names of load balancers, target groups and trust stores.

use crate::world::ApiError;

/// At most 32 letters, digits or hyphens, no hyphen at either end; `noun` is what it is the name of.
pub fn check(noun: &str, name: &str) -> Result<(), ApiError> {
    let refuse = |why: &str| Err(ApiError::validation(format!("The {noun} name '{name}' {why}")));
    if name.is_empty() || name.chars().count() > 32 {
        return refuse("cannot be empty or longer than '32' characters");
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return refuse("can only contain characters that are alphanumeric characters and hyphens(-)");
    }
    if name.starts_with('-') || name.ends_with('-') {
        return refuse("cannot begin or end with a hyphen(-)");
    }
    if noun == "load balancer" && name.starts_with("internal-") {
        return refuse("cannot begin with 'internal-'");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_letters_digits_and_inner_hyphens_up_to_32_make_a_name() {
        assert!(check("target group", "k8s-default-web-0123456789").is_ok());
        for wrong in ["", "-a", "a-", "a_b", "a.b", &"x".repeat(33)] {
            assert!(check("target group", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_load_balancer_names_may_not_begin_with_internal() {
        assert!(check("load balancer", "internal-a").is_err());
        assert!(check("target group", "internal-a").is_ok());
    }
}
