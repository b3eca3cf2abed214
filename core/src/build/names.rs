//! Names with hashes, exactly upstream's: a cluster moves over only if they are equal.
//!
//! In: names, UIDs and settings. Out: names of at most 32 characters (security groups: 255).

use sha2::{Digest, Sha256};

use crate::key::{StackKey, StackKind};
use crate::model::{Protocol, Scheme, TargetType};

/// Hex digits of a hash in a name.
const HASH_DIGITS: usize = 10;
/// Characters of a namespace or name in a name.
const PART: usize = 8;
/// Characters of a group name in a name.
const GROUP_PART: usize = 17;
/// Characters of a cluster name in the name of the backend security group.
const CLUSTER_PART: usize = 232;

/// Name of a load balancer (upstream `buildLoadBalancerName` of `pkg/service` and `pkg/ingress`). `uid` is that
/// of the Service; Ingresses have none in the hash.
pub fn load_balancer(cluster: &str, key: &StackKey, uid: &str, scheme: Scheme) -> String {
    match key.kind {
        StackKind::Service => composed(&key.namespace, &key.name, &[cluster, uid, scheme.as_str()]),
        StackKind::Ingress => of_group(key, &[cluster, &key.stack_id(), scheme.as_str()]),
    }
}

/// Name of a managed security group (upstream `buildManagedSecurityGroupName`): in the hash of a Service the
/// name stands before the namespace.
pub fn managed_security_group(cluster: &str, key: &StackKey, uid: &str) -> String {
    match key.kind {
        StackKind::Service => composed(
            &key.namespace,
            &key.name,
            &[cluster, &key.name, &key.namespace, uid],
        ),
        StackKind::Ingress => of_group(key, &[cluster, &key.stack_id()]),
    }
}

/// An explicit group has one long part, an Ingress by itself two short ones.
fn of_group(key: &StackKey, hashed: &[&str]) -> String {
    if key.namespace.is_empty() {
        format!("k8s-{}-{}", sanitized(&key.name, GROUP_PART), hash(hashed))
    } else {
        composed(&key.namespace, &key.name, hashed)
    }
}

/// Name of the shared backend security group (upstream `pkg/networking/backend_sg_provider.go`).
pub fn backend_security_group(cluster: &str) -> String {
    format!(
        "k8s-traffic-{}-{}",
        sanitized(cluster, CLUSTER_PART),
        hash(&[cluster])
    )
}

/// What the name of a target group is made from.
#[derive(Clone, Copy, Debug)]
pub struct TargetGroupName<'a> {
    /// Cluster name.
    pub cluster: &'a str,
    /// UID of the base Service, only for the group of a weighted backend.
    pub base_uid: Option<&'a str>,
    /// Namespace of the Service behind the group.
    pub namespace: &'a str,
    /// Name of that Service.
    pub name: &'a str,
    /// UID of that Service.
    pub uid: &'a str,
    /// Port of the group.
    pub port: i32,
    /// Port of the Service.
    pub service_port: &'a str,
    /// Target type.
    pub target_type: TargetType,
    /// Protocol of the group.
    pub protocol: Protocol,
    /// Protocol of the health check.
    pub health_check_protocol: Protocol,
    /// Interval of the health check in seconds.
    pub health_check_interval: i32,
}

/// Name of a Service's target group (upstream `buildTargetGroupName`).
pub fn target_group(from: &TargetGroupName<'_>) -> String {
    composed(
        from.namespace,
        from.name,
        &[
            from.cluster,
            from.base_uid.unwrap_or_default(),
            from.uid,
            &from.port.to_string(),
            from.service_port,
            from.target_type.as_str(),
            from.protocol.as_str(),
            from.health_check_protocol.as_str(),
            &from.health_check_interval.to_string(),
        ],
    )
}

/// What the name of an Ingress's target group is made from.
#[derive(Clone, Copy, Debug)]
pub struct IngressTargetGroupName<'a> {
    /// Cluster name.
    pub cluster: &'a str,
    /// Stack id of the group of Ingresses.
    pub stack: &'a str,
    /// Namespace and name of the Ingress.
    pub ingress: (&'a str, &'a str),
    /// Namespace of the Service behind the group.
    pub namespace: &'a str,
    /// Name of that Service.
    pub name: &'a str,
    /// UID of that Service.
    pub uid: &'a str,
    /// Port of the Service as the Ingress refers to it.
    pub service_port: &'a str,
    /// Port of the group.
    pub port: i32,
    /// Target type.
    pub target_type: TargetType,
    /// Protocol of the group.
    pub protocol: Protocol,
    /// `HTTP1`, `HTTP2` or `GRPC`.
    pub protocol_version: &'a str,
    /// Port of the target control agent.
    pub control_port: Option<i32>,
}

/// Name of an Ingress's target group (upstream `pkg/ingress/model_build_target_group.go`).
pub fn ingress_target_group(from: &IngressTargetGroupName<'_>) -> String {
    let control_port = from.control_port.map(|port| port.to_string());
    composed(
        from.namespace,
        from.name,
        &[
            from.cluster,
            from.stack,
            from.ingress.0,
            from.ingress.1,
            from.uid,
            from.service_port,
            &from.port.to_string(),
            from.target_type.as_str(),
            from.protocol.as_str(),
            from.protocol_version,
            control_port.as_deref().unwrap_or_default(),
        ],
    )
}

/// The second name of a load balancer or target group: the first with another hash, which covers the scheme too. For
/// one that stands beside another one which has the first name; upstream, which finds what is its by tags, takes it
/// over all the same.
pub fn second(name: &str, scheme: Scheme) -> String {
    let stem = name.rsplit_once('-').map_or(name, |(stem, _)| stem);
    format!("{stem}-{}", hash(&[name, scheme.as_str()]))
}

fn composed(namespace: &str, name: &str, hashed: &[&str]) -> String {
    format!(
        "k8s-{}-{}-{}",
        sanitized(namespace, PART),
        sanitized(name, PART),
        hash(hashed)
    )
}

/// ASCII letters and digits of `text`, at most `length`.
fn sanitized(text: &str, length: usize) -> String {
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .take(length)
        .collect()
}

/// First hex digits of the SHA-256 over the parts without separators.
fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
    }
    let mut digits = hex::encode(hasher.finalize());
    digits.truncate(HASH_DIGITS);
    digits
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

    const UID: &str = "bdca2bd0-bfc6-449a-88a3-03451f05f18c";
    const APP_UID: &str = "2dc098f0-ae33-4378-af7b-83e2a0424495";

    #[test]
    fn load_balancer_names_hash_the_scheme() {
        for (scheme, expected) in [
            (Scheme::Internal, "k8s-default-nlbipsvc-6b0ba8ff70"),
            (Scheme::InternetFacing, "k8s-default-nlbipsvc-4d831c6ca6"),
        ] {
            let key = StackKey::service("default", "nlb-ip-svc-tls");
            let name = load_balancer("my-cluster", &key, UID, scheme);
            assert_eq!(name, expected);
        }
    }

    #[test]
    fn second_names_are_as_long_as_the_first_and_hash_the_scheme() {
        let first = "k8s-myteamawesomegrou-6511dc74c3";
        let names = [
            second(first, Scheme::Internal),
            second(first, Scheme::InternetFacing),
        ];
        assert_ne!(names[0], names[1]);
        for name in names {
            assert!(name.starts_with("k8s-myteamawesomegrou-") && name.len() == first.len() && name != first);
        }
    }

    #[test]
    fn managed_group_names_hash_the_name_before_the_namespace() {
        let key = StackKey::service("default", "nlb-ip-svc-tls");
        let name = managed_security_group("my-cluster", &key, UID);
        assert_eq!(name, "k8s-default-nlbipsvc-1da4b78715");
    }

    // ingress-alb 7.1, 7.4
    #[test]
    fn names_of_ingress_groups_hash_the_group_id() {
        let cases = [
            (
                "my-cluster",
                StackKey::ingress("default", "echo-server"),
                "k8s-default-echoserv-775293031b",
                "k8s-default-echoserv-0cec380b25",
                "k8s-default-echoserv-dab668ddb1",
            ),
            (
                "my-cluster",
                StackKey::ingress_group("my-team.awesome-group"),
                "k8s-myteamawesomegrou-6511dc74c3",
                "k8s-myteamawesomegrou-f57e6caa2a",
                "k8s-myteamawesomegrou-7afe5732b6",
            ),
            (
                "cluster-dummy",
                StackKey::ingress("ns-1", "ing-1"),
                "k8s-ns1-ing1-b7e914000d",
                "k8s-ns1-ing1-159dd7a143",
                "k8s-ns1-ing1-bd83176788",
            ),
        ];
        for (cluster, key, internal, public, group) in cases {
            assert_eq!(load_balancer(cluster, &key, "", Scheme::Internal), internal);
            assert_eq!(load_balancer(cluster, &key, "", Scheme::InternetFacing), public);
            assert_eq!(managed_security_group(cluster, &key, ""), group);
        }
    }

    #[test]
    fn backend_group_names_keep_letters_and_digits_of_the_cluster() {
        for (cluster, expected) in [
            ("my-cluster", "k8s-traffic-mycluster-4cbfcec96c"),
            ("prod_cluster.1", "k8s-traffic-prodcluster1-27a7606b20"),
            ("test", "k8s-traffic-test-9f86d08188"),
        ] {
            assert_eq!(backend_security_group(cluster), expected);
        }
    }

    #[test]
    fn target_group_names_hash_ports_protocols_and_the_interval() {
        let tls = TargetGroupName {
            cluster: "my-cluster",
            base_uid: None,
            namespace: "default",
            name: "nlb-ip-svc-tls",
            uid: UID,
            port: 80,
            service_port: "80",
            target_type: TargetType::Ip,
            protocol: Protocol::Tcp,
            health_check_protocol: Protocol::Tcp,
            health_check_interval: 10,
        };
        let merged = TargetGroupName {
            namespace: "app",
            name: "tcpudp-protocol",
            uid: APP_UID,
            port: 31223,
            target_type: TargetType::Instance,
            protocol: Protocol::TcpUdp,
            ..tls
        };
        let local = TargetGroupName {
            name: "traffic-local",
            protocol: Protocol::Udp,
            health_check_protocol: Protocol::Http,
            ..merged
        };
        assert_eq!(target_group(&tls), "k8s-default-nlbipsvc-d4818dcd51");
        assert_eq!(target_group(&merged), "k8s-app-tcpudppr-2213a0d759");
        assert_eq!(target_group(&local), "k8s-app-trafficl-5f852f95c2");
    }
}
