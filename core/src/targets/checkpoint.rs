//! The checkpoint of a binding: a fingerprint of its endpoints and spec, computed byte for byte as upstream
//! does, so that a binding that upstream left at rest is at rest here as well (upstream
//! `pkg/targetgroupbinding/utils.go`).

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use elbow_crds::target_group_binding::{
    Networking, ServiceReference, TargetGroupBindingSpec, TargetGroupIpAddressType, TargetGroupProtocol,
    TargetType,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

use super::endpoints::Endpoint;

pub use crate::binding::{CHECKPOINT, CHECKPOINT_TIMESTAMP};

/// The fingerprint of endpoints and spec; never empty, always with one `/` between its two halves.
pub fn fingerprint(endpoints: &[Endpoint], spec: &TargetGroupBindingSpec) -> String {
    let mut ids: Vec<_> = endpoints.iter().map(Endpoint::checkpoint_id).collect();
    ids.sort();
    format!("{}/{}", hash(&ids.join(",")), hash(&spec_json(spec)))
}

fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

/// The spec as Go's `encoding/json` writes upstream's type: its field order, unset and empty optional fields
/// omitted, `<`, `>`, `&` and the two Unicode line separators escaped.
fn spec_json(spec: &TargetGroupBindingSpec) -> String {
    let json = serde_json::to_string(&SpecJson::new(spec)).unwrap_or_default();
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Only strings can hold these characters. Writing to a String does not fail.
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            _ => text.push(c),
        }
    }
    text
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpecJson<'a> {
    #[serde(rename = "targetGroupARN", skip_serializing_if = "str::is_empty")]
    target_group_arn: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    target_group_name: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    multi_cluster_target_group: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_type: Option<TargetType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_group_protocol: Option<TargetGroupProtocol>,
    service_ref: &'a ServiceReference,
    #[serde(skip_serializing_if = "Option::is_none")]
    networking: Option<&'a Networking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_selector: Option<SelectorJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_address_type: Option<TargetGroupIpAddressType>,
    #[serde(rename = "vpcID", skip_serializing_if = "str::is_empty")]
    vpc_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    iam_role_arn_to_assume: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    assume_role_external_id: &'a str,
}

/// Go writes `matchLabels` first; the API types of this workspace write fields by name.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SelectorJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    match_labels: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    match_expressions: Vec<RequirementJson<'a>>,
}

#[derive(Serialize)]
struct RequirementJson<'a> {
    key: &'a str,
    operator: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    values: &'a [String],
}

impl<'a> SpecJson<'a> {
    fn new(spec: &'a TargetGroupBindingSpec) -> Self {
        Self {
            target_group_arn: &spec.target_group_arn,
            target_group_name: &spec.target_group_name,
            multi_cluster_target_group: spec.multi_cluster_target_group,
            target_type: spec.target_type,
            target_group_protocol: spec.target_group_protocol,
            service_ref: &spec.service_ref,
            networking: spec.networking.as_ref(),
            node_selector: spec.node_selector.as_ref().map(SelectorJson::new),
            ip_address_type: spec.ip_address_type,
            vpc_id: &spec.vpc_id,
            iam_role_arn_to_assume: &spec.iam_role_arn_to_assume,
            assume_role_external_id: &spec.assume_role_external_id,
        }
    }
}

impl<'a> SelectorJson<'a> {
    fn new(selector: &'a LabelSelector) -> Self {
        let expressions = selector.match_expressions.iter().flatten();
        Self {
            match_labels: selector.match_labels.as_ref().filter(|labels| !labels.is_empty()),
            match_expressions: expressions.map(RequirementJson::new).collect(),
        }
    }
}

impl<'a> RequirementJson<'a> {
    fn new(requirement: &'a LabelSelectorRequirement) -> Self {
        Self {
            key: &requirement.key,
            operator: &requirement.operator,
            values: requirement.values.as_deref().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::targets::{Backing, Target};
    use serde_json::json;

    fn endpoint(id: &str, port: i32, quic: Option<&str>, created_ms: i64) -> Endpoint {
        Endpoint {
            target: Target {
                quic_server_id: quic.map(str::to_owned),
                ..Target::new(id, port)
            },
            created_ms,
            backing: Backing::Node("n".to_owned()),
        }
    }

    fn spec(value: serde_json::Value) -> TargetGroupBindingSpec {
        serde_json::from_value(value).unwrap()
    }

    fn first_half(endpoints: &[Endpoint]) -> String {
        let spec = spec(json!({"serviceRef": {"name": "web", "port": 80}}));
        fingerprint(endpoints, &spec)
            .split_once('/')
            .unwrap()
            .0
            .to_owned()
    }

    #[test]
    fn endpoints_hash_as_upstream_hashes_them() {
        let rows = [
            (vec![], "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"),
            (
                vec![endpoint("i-0abc", 31223, None, 1_700_000_000_000)],
                "-jTGIVmDxCfE2XWproIRl3JQO_iRo-FeCS0r6XT-ju4",
            ),
            (
                vec![endpoint(
                    "10.0.0.5",
                    8080,
                    Some("0x0123456789abcdef"),
                    1_700_000_000_000,
                )],
                "7wIxQmMic0nGDNAgCPOADFVPM7GNGUXrzUnHdbOtptw",
            ),
            (
                vec![
                    endpoint("10.0.1.9", 8080, None, 1_700_000_001_000),
                    endpoint("10.0.0.5", 8080, None, 1_700_000_000_000),
                ],
                "utTobw5KzT7mzg-LEWLMywHhR4qJ6XLnjnERejPqGTM",
            ),
        ];
        for (endpoints, wanted) in rows {
            assert_eq!(first_half(&endpoints), wanted);
        }
    }

    const ARN: &str = "arn:aws:elasticloadbalancing:us-west-2:111122223333:targetgroup/tg/6a4ecf7bfae473c1";

    #[test]
    fn a_spec_hashes_as_upstream_hashes_it() {
        let small =
            json!({"serviceRef": {"name": "web", "port": 80}, "targetType": "ip", "targetGroupARN": ARN});
        let large = json!({
            "vpcID": "vpc-0123456789abcdef0", "ipAddressType": "ipv4", "targetGroupProtocol": "HTTP",
            "networking": {"ingress": [{"from": [{"securityGroup": {"groupID": "sg-0aaa"}}],
                                        "ports": [{"port": 8080, "protocol": "TCP"}]}]},
            "serviceRef": {"name": "web", "port": 80}, "targetType": "ip", "targetGroupARN": ARN,
        });
        assert_eq!(
            hash(&spec_json(&spec(small))),
            "dqZqmQpAAEiCuOxk7eyRIpbM8k8bCkrHm7GvM8M5dOs"
        );
        assert_eq!(
            hash(&spec_json(&spec(large))),
            "kxYj6vewtl0WvP7grRNSwN5YDNq9EgSiMmqOm1tblvI"
        );
    }

    #[test]
    fn spec_json_is_what_go_writes() {
        let all = json!({
            "assumeRoleExternalId": "a<b>&c\u{2028}", "iamRoleArnToAssume": "r", "vpcID": "",
            "nodeSelector": {"matchExpressions": [{"key": "z", "operator": "Exists", "values": []},
                                                  {"key": "y", "operator": "In", "values": ["1"]}],
                             "matchLabels": {"b": "2", "a": "1"}},
            "networking": {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/16"}}], "ports": [{}]}]},
            "serviceRef": {"port": "http", "name": "web"}, "multiClusterTargetGroup": true,
            "targetGroupName": "tg",
        });
        assert_eq!(
            spec_json(&spec(all)),
            r#"{"targetGroupName":"tg","multiClusterTargetGroup":true,"serviceRef":{"name":"web","port":"http"},"#
                .to_owned()
                + r#""networking":{"ingress":[{"from":[{"ipBlock":{"cidr":"10.0.0.0/16"}}],"ports":[{}]}]},"#
                + r#""nodeSelector":{"matchLabels":{"a":"1","b":"2"},"matchExpressions":[{"key":"z","#
                + r#""operator":"Exists"},{"key":"y","operator":"In","values":["1"]}]},"#
                + r#""iamRoleArnToAssume":"r","assumeRoleExternalId":"a\u003cb\u003e\u0026c\u2028"}"#
        );
        let empty = json!({"serviceRef": {"name": "web", "port": 80}, "networking": {"ingress": []},
                           "nodeSelector": {"matchLabels": {}}});
        assert_eq!(
            spec_json(&spec(empty)),
            r#"{"serviceRef":{"name":"web","port":80},"networking":{},"nodeSelector":{}}"#
        );
    }

    #[test]
    fn an_endpoint_listed_twice_counts_twice() {
        let one = endpoint("10.0.0.5", 80, None, 1000);
        assert_ne!(
            first_half(std::slice::from_ref(&one)),
            first_half(&[one.clone(), one])
        );
    }
}
