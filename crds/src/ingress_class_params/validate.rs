//! Checks of an IngressClassParams that its schema cannot make.
//!
//! In: the spec. Out: everything wrong with it, in the form of Kubernetes' field errors (upstream
//! `webhooks/elbv2/ingressclassparams_validator.go`).

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use super::{IngressClassParamsSpec, SubnetSelector};
use crate::cidr::Cidr;

/// A wrong field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Path from the root of the object, such as `spec.inboundCIDRs[0]`.
    pub path: String,
    /// What is wrong, with the value where there is one.
    pub fault: FieldFault,
    /// What is allowed and how to fix it; may be empty for a duplicate.
    pub detail: String,
}

/// Kinds of faults, with the value they are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldFault {
    /// The value is not allowed.
    Invalid(String),
    /// The field is missing.
    Required,
    /// The field must not be there.
    Forbidden,
    /// The value is there twice.
    Duplicate(String),
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path)?;
        match &self.fault {
            FieldFault::Invalid(value) => write!(f, "Invalid value: {value:?}")?,
            FieldFault::Required => f.write_str("Required value")?,
            FieldFault::Forbidden => f.write_str("Forbidden")?,
            FieldFault::Duplicate(value) => write!(f, "Duplicate value: {value:?}")?,
        }
        if self.detail.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", self.detail)
    }
}

/// Everything wrong with a spec: client CIDRs first, subnets after.
pub fn check(spec: &IngressClassParamsSpec) -> Vec<FieldError> {
    let mut errors = check_inbound_cidrs(&spec.inbound_cidrs);
    errors.extend(spec.subnets.as_ref().map(check_subnets).unwrap_or_default());
    errors
}

/// `inboundCIDRs`: CIDR blocks without host bits.
pub fn check_inbound_cidrs(cidrs: &[String]) -> Vec<FieldError> {
    let fault = |(index, cidr): (usize, &String)| {
        cidr_fault(cidr).map(|detail| FieldError {
            path: format!("spec.inboundCIDRs[{index}]"),
            fault: FieldFault::Invalid(cidr.clone()),
            detail,
        })
    };
    cidrs.iter().enumerate().filter_map(fault).collect()
}

/// What is wrong with a CIDR block. A bare IPv6 address is answered with `/64`, as upstream does.
fn cidr_fault(text: &str) -> Option<String> {
    let Some((block, has_host_bits)) = Cidr::read(text) else {
        let length = if text.contains(':') { 64 } else { 32 };
        return Some(if text.parse::<IpAddr>().is_ok() {
            format!("must be a CIDR block; write {text}/{length}")
        } else {
            "must be a CIDR block such as 192.0.2.0/24".to_owned()
        });
    };
    has_host_bits.then(|| format!("has bits set behind its prefix; write {block}"))
}

/// `subnets`: ids or tags, not both, without duplicates.
pub fn check_subnets(subnets: &SubnetSelector) -> Vec<FieldError> {
    let error = |path: &str, fault, detail: &str| FieldError {
        path: path.to_owned(),
        fault,
        detail: detail.to_owned(),
    };
    match (&subnets.ids, &subnets.tags) {
        (None, None) => vec![error("spec.subnets", FieldFault::Required, "give ids or tags")],
        (Some(_), Some(_)) => vec![error(
            "spec.subnets.tags",
            FieldFault::Forbidden,
            "ids are given; keep one of the two",
        )],
        (Some(ids), None) => duplicates("spec.subnets.ids", ids),
        (None, Some(tags)) if tags.is_empty() => {
            vec![error(
                "spec.subnets.tags",
                FieldFault::Required,
                "give at least one tag key",
            )]
        }
        (None, Some(tags)) => tags
            .iter()
            .flat_map(|(key, values)| duplicates(&format!("spec.subnets.tags[{key}]"), values))
            .collect(),
    }
}

/// Each later occurrence of a value.
fn duplicates(path: &str, values: &[String]) -> Vec<FieldError> {
    let mut seen = BTreeSet::new();
    values
        .iter()
        .enumerate()
        .filter(|(_, value)| !seen.insert(*value))
        .map(|(index, value)| FieldError {
            path: format!("{path}[{index}]"),
            fault: FieldFault::Duplicate(value.clone()),
            detail: String::new(),
        })
        .collect()
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

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn client_cidrs_are_blocks_without_host_bits() {
        for (text, suggestion) in [
            ("10.0.0.0/8", None),
            ("2001:db8::/32", None),
            ("0.0.0.0/0", None),
            ("10.0.0.1/8", Some("write 10.0.0.0/8")),
            ("10.128.0.0/8", Some("write 10.0.0.0/8")),
            ("10.0.0.1", Some("write 10.0.0.1/32")),
            ("2001:db8::1", Some("write 2001:db8::1/64")),
            ("2001:DB8::", Some("write 2001:DB8::/64")),
            ("::ffff:10.0.0.1", Some("write ::ffff:10.0.0.1/64")),
            ("", Some("such as")),
            ("10.0.0.0/33", Some("such as")),
            ("foo", Some("such as")),
            ("010.0.0.0/8", Some("such as")),
            ("fe80::1%eth0/64", Some("such as")),
        ] {
            let found = check_inbound_cidrs(&owned(&["10.0.0.0/8", text]));
            let details: Vec<&str> = found.iter().map(|error| error.detail.as_str()).collect();
            assert_eq!(details.len(), usize::from(suggestion.is_some()), "{text}");
            if let (Some(suggestion), Some(detail)) = (suggestion, details.first()) {
                assert!(detail.contains(suggestion), "{text}: {detail}");
                assert_eq!(found[0].path, "spec.inboundCIDRs[1]");
            }
        }
    }

    fn selector(ids: Option<&[&str]>, tags: Option<&[(&str, &[&str])]>) -> SubnetSelector {
        SubnetSelector {
            ids: ids.map(owned),
            tags: tags.map(|tags| {
                tags.iter()
                    .map(|(key, values)| ((*key).to_owned(), owned(values)))
                    .collect()
            }),
        }
    }

    fn texts(subnets: &SubnetSelector) -> Vec<String> {
        check_subnets(subnets).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn subnets_are_found_by_ids_or_by_tags() {
        assert_eq!(
            texts(&selector(Some(&["subnet-1", "subnet-2"]), None)),
            Vec::<String>::new()
        );
        assert_eq!(
            texts(&selector(None, Some(&[("Name", &["a"]), ("Empty", &[])]))),
            Vec::<String>::new()
        );
        assert_eq!(
            texts(&selector(None, None)),
            ["spec.subnets: Required value: give ids or tags"]
        );
        assert_eq!(
            texts(&selector(Some(&[]), Some(&[]))),
            ["spec.subnets.tags: Forbidden: ids are given; keep one of the two"]
        );
        assert_eq!(
            texts(&selector(None, Some(&[]))),
            ["spec.subnets.tags: Required value: give at least one tag key"]
        );
    }

    #[test]
    fn each_later_duplicate_is_named() {
        assert_eq!(
            texts(&selector(Some(&["a", "b", "a", "a"]), None)),
            [
                "spec.subnets.ids[2]: Duplicate value: \"a\"",
                "spec.subnets.ids[3]: Duplicate value: \"a\""
            ]
        );
        assert_eq!(
            texts(&selector(
                None,
                Some(&[("Other", &["x", "y", "x"]), ("Name", &["z", "z"])])
            )),
            [
                "spec.subnets.tags[Name][1]: Duplicate value: \"z\"",
                "spec.subnets.tags[Other][2]: Duplicate value: \"x\""
            ]
        );
    }

    #[test]
    fn both_checks_are_made() {
        let spec = IngressClassParamsSpec {
            inbound_cidrs: owned(&["10.0.0.1"]),
            subnets: Some(SubnetSelector::default()),
            ..IngressClassParamsSpec::default()
        };
        assert_eq!(check(&spec).len(), 2);
        assert_eq!(check(&IngressClassParamsSpec::default()), []);
    }
}
