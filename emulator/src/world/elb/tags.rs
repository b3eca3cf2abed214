//! Tags of load balancers, target groups, listeners, rules and trust stores.
//!
//! Limits: tags per resource by quota, keys 1 to 128 and values up to 256 characters out of letters, digits, space
//! and `_.:/=+-@`, no key prefix `aws:` (ELBv2 API reference, `Tag`).

use std::collections::BTreeMap;

use super::{Elb, arn::Kind, limits::within, listener::Listener};
use crate::world::{ApiError, Quotas, World};

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

const MAX_RESOURCES: usize = 20;

/// Reads a request's tag list: `DuplicateTagKeys`, `TooManyTags` or `ValidationError` if it cannot stand.
pub fn checked(quotas: &Quotas, list: &[(String, String)]) -> Result<Tags, ApiError> {
    let mut tags = Tags::new();
    for (key, value) in list {
        check_text("key", key, 1, 128)?;
        check_text("value", value, 0, 256)?;
        if key.starts_with("aws:") {
            return Err(ApiError::validation(format!(
                "The tag key '{key}' starts with the reserved prefix 'aws:'"
            )));
        }
        if tags.insert(key.clone(), value.clone()).is_some() {
            return Err(ApiError::new(
                "DuplicateTagKeys",
                format!("The tag key '{key}' was specified more than once"),
            ));
        }
    }
    check_count(quotas, &tags)?;
    Ok(tags)
}

fn check_text(field: &str, text: &str, min: usize, max: usize) -> Result<(), ApiError> {
    let length = text.chars().count();
    let allowed = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
    if !(min..=max).contains(&length) || !text.chars().all(allowed) {
        return Err(ApiError::validation(format!(
            "1 validation error detected: Value '{text}' at 'tags.{field}' failed to satisfy constraint: {min} to {max} \
             letters, digits, spaces or any of _.:/=+-@"
        )));
    }
    Ok(())
}

/// `TooManyTags` for more tags than the quota allows.
pub fn check_count(quotas: &Quotas, tags: &Tags) -> Result<(), ApiError> {
    let limit = quotas.tags_per_resource;
    if !within(limit, tags.len()) {
        return Err(ApiError::new(
            "TooManyTags",
            format!("A resource can have up to {limit} tags"),
        ));
    }
    Ok(())
}

/// AddTags: the same tags on every resource, all or nothing.
pub fn add(world: &mut World, arns: &[String], list: &[(String, String)]) -> Result<(), ApiError> {
    let added = checked(&world.quotas, list)?;
    let mut merged = Vec::new();
    for arn in arns {
        let mut tags = of(&world.elb, arn)?.clone();
        tags.extend(added.clone());
        check_count(&world.quotas, &tags)?;
        merged.push((arn, tags));
    }
    for (arn, tags) in merged {
        if let Some(place) = place_of(&mut world.elb, arn) {
            *place = tags;
        }
    }
    Ok(())
}

/// RemoveTags: keys that are not there are ignored.
pub fn remove(world: &mut World, arns: &[String], keys: &[String]) -> Result<(), ApiError> {
    for arn in arns {
        of(&world.elb, arn)?;
    }
    for arn in arns {
        if let Some(tags) = place_of(&mut world.elb, arn) {
            tags.retain(|key, _| !keys.contains(key));
        }
    }
    Ok(())
}

/// DescribeTags: at most 20 ARNs, each of which must exist.
pub fn describe(world: &World, arns: &[String]) -> Result<Vec<(String, Tags)>, ApiError> {
    if arns.is_empty() {
        return Err(ApiError::validation(
            "At least one resource ARN must be specified",
        ));
    }
    if arns.len() > MAX_RESOURCES {
        return Err(ApiError::validation(format!(
            "The number of resources specified ({}) exceeds the limit of {MAX_RESOURCES}",
            arns.len()
        )));
    }
    arns.iter()
        .map(|arn| Ok((arn.clone(), of(&world.elb, arn)?.clone())))
        .collect()
}

/// Every resource that can be tagged, with its tags.
pub fn all(elb: &Elb) -> impl Iterator<Item = (&str, &Tags)> {
    let load_balancers = elb
        .load_balancers
        .values()
        .map(|found| (found.arn.as_str(), &found.tags));
    let groups = elb
        .target_groups
        .values()
        .map(|found| (found.arn.as_str(), &found.tags));
    let listeners = elb
        .listeners
        .values()
        .map(|found| (found.arn.as_str(), &found.tags));
    let default_rules = elb.listeners.values().map(|found| &found.default_rule);
    let rules = elb
        .listeners
        .values()
        .flat_map(|listener| listener.rules.values());
    let stores = elb
        .trust_stores
        .values()
        .map(|found| (found.arn.as_str(), &found.tags));
    load_balancers
        .chain(groups)
        .chain(listeners)
        .chain(default_rules.map(|rule| (rule.arn.as_str(), &rule.tags)))
        .chain(rules.map(|rule| (rule.arn.as_str(), &rule.tags)))
        .chain(stores)
}

fn of<'a>(elb: &'a Elb, arn: &str) -> Result<&'a Tags, ApiError> {
    let kind = Kind::of(arn).ok_or_else(|| ApiError::validation(format!("'{arn}' is not a valid ARN")))?;
    let tags = match kind {
        Kind::LoadBalancer => elb.load_balancers.get(arn).map(|found| &found.tags),
        Kind::TargetGroup => elb.target_groups.get(arn).map(|found| &found.tags),
        Kind::Listener => elb.listeners.get(arn).map(|found| &found.tags),
        Kind::TrustStore => elb.trust_stores.get(arn).map(|found| &found.tags),
        Kind::Rule => elb
            .listeners
            .values()
            .find_map(|listener| tags_of_rule(listener, arn)),
    };
    tags.ok_or_else(|| kind.not_found())
}

fn place_of<'a>(elb: &'a mut Elb, arn: &str) -> Option<&'a mut Tags> {
    match Kind::of(arn)? {
        Kind::LoadBalancer => elb.load_balancers.get_mut(arn).map(|found| &mut found.tags),
        Kind::TargetGroup => elb.target_groups.get_mut(arn).map(|found| &mut found.tags),
        Kind::Listener => elb.listeners.get_mut(arn).map(|found| &mut found.tags),
        Kind::TrustStore => elb.trust_stores.get_mut(arn).map(|found| &mut found.tags),
        Kind::Rule => {
            let mut listeners = elb.listeners.values_mut();
            let listener = listeners.find(|listener| tags_of_rule(listener, arn).is_some())?;
            if listener.default_rule.arn == arn {
                return Some(&mut listener.default_rule.tags);
            }
            let mut rules = listener.rules.values_mut();
            rules.find(|rule| rule.arn == arn).map(|rule| &mut rule.tags)
        }
    }
}

fn tags_of_rule<'a>(listener: &'a Listener, arn: &str) -> Option<&'a Tags> {
    if listener.default_rule.arn == arn {
        return Some(&listener.default_rule.tags);
    }
    let mut rules = listener.rules.values();
    rules.find(|rule| rule.arn == arn).map(|rule| &rule.tags)
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

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn a_key_given_twice_is_refused() {
        assert_eq!(
            checked(&Quotas::default(), &[pair("a", "1"), pair("a", "2")])
                .unwrap_err()
                .code,
            "DuplicateTagKeys"
        );
    }

    #[test]
    fn fifty_tags_pass_and_fifty_one_do_not() {
        let list: Vec<_> = (0..51).map(|n| pair(&format!("key-{n}"), "")).collect();
        assert_eq!(checked(&Quotas::default(), &list[..50]).unwrap().len(), 50);
        assert_eq!(
            checked(&Quotas::default(), &list).unwrap_err().code,
            "TooManyTags"
        );
    }

    #[test]
    fn reserved_and_malformed_keys_are_validation_errors() {
        for key in ["aws:cloudformation:stack", "", "semi;colon", &"k".repeat(129)] {
            assert_eq!(
                checked(&Quotas::default(), &[pair(key, "v")]).unwrap_err().code,
                "ValidationError",
                "{key}"
            );
        }
    }
}
