//! Security groups in the stack JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use super::tags;
use crate::model::{IngressPermission, PermissionSource, SecurityGroup, Tags};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupSpec<'a> {
    group_name: &'a str,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a Tags>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ingress: Vec<PermissionSpec<'a>>,
}

impl<'a> From<&'a SecurityGroup> for GroupSpec<'a> {
    fn from(group: &'a SecurityGroup) -> Self {
        Self {
            group_name: &group.name,
            description: &group.description,
            tags: tags(&group.tags),
            ingress: group.ingress.iter().map(PermissionSpec::from).collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PermissionSpec<'a> {
    ip_protocol: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_port: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_port: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_ranges: Option<[BTreeMap<&'static str, &'a str>; 1]>,
    #[serde(rename = "ipv6Ranges", skip_serializing_if = "Option::is_none")]
    ipv6_ranges: Option<[BTreeMap<&'static str, &'a str>; 1]>,
    #[serde(rename = "userIDGroupPairs", skip_serializing_if = "Option::is_none")]
    group_pairs: Option<[BTreeMap<&'static str, &'a str>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix_lists: Option<[BTreeMap<&'static str, &'a str>; 1]>,
}

impl<'a> From<&'a IngressPermission> for PermissionSpec<'a> {
    fn from(rule: &'a IngressPermission) -> Self {
        let only = |key, value: &'a str| Some([BTreeMap::from([(key, value)])]);
        let mut spec = Self {
            ip_protocol: &rule.protocol,
            from_port: rule.from_port,
            to_port: rule.to_port,
            ip_ranges: None,
            ipv6_ranges: None,
            group_pairs: None,
            prefix_lists: None,
        };
        match &rule.source {
            PermissionSource::Ipv4(cidr) => spec.ip_ranges = only("cidrIP", cidr),
            PermissionSource::Ipv6(cidr) => spec.ipv6_ranges = only("cidrIPv6", cidr),
            PermissionSource::Group(id) => spec.group_pairs = only("groupID", id),
            PermissionSource::PrefixList(id) => spec.prefix_lists = only("listID", id),
        }
        spec
    }
}
