//! Small descriptions of Services from which wanted stacks are made.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::key::StackKey;
use elbow_core::model::tracking::binding_labels;
use elbow_core::model::{
    Action, Binding, BindingNetworking, BindingPeer, BindingPort, BindingRule, BindingSpec, ForwardAction,
    HealthCheck, HealthCheckPort, IngressPermission, IpAddressType, IpFamily, Listener, LoadBalancer,
    LoadBalancerType, Matcher, OnOff, Origin, Origins, PermissionSource, Protocol, Ref, ResourceId,
    ResourceKind, Scheme, SecurityGroup, Setting, Stack, Stickiness, SubnetMapping, Tags, TargetGroup,
    TargetType, WeightedTargetGroup,
};
use elbow_crds::problem::ObjectRef;
use elbow_crds::target_group_binding::{NetworkingProtocol, TargetGroupProtocol};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// A Service's wish, as far as plans are concerned.
#[derive(Clone, Debug)]
pub struct Shape {
    pub scheme: Scheme,
    pub groups: Groups,
    pub sources: BTreeSet<u8>,
    pub subnets: BTreeSet<u8>,
    pub ipv6: Ipv6,
    pub private_link: Option<OnOff>,
    pub attributes: BTreeMap<String, String>,
    pub capacity: Option<i32>,
    pub tags: Tags,
    pub listener_tags: bool,
    pub ports: BTreeMap<i32, Port>,
}

/// Security groups of the load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Groups {
    None,
    Managed,
    Given(u8),
}

/// IPv6 of the load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ipv6 {
    Off,
    On,
    Addresses,
    SourceNat,
    Prefixes(u8),
    AutoPrefixes,
}

/// One port of the Service.
#[derive(Clone, Debug)]
pub struct Port {
    pub tls: Option<Tls>,
    pub udp: bool,
    pub target: TargetType,
    pub check: Check,
    pub attributes: BTreeMap<String, String>,
    pub listener_attributes: BTreeMap<String, String>,
    /// Weights of the port's own group and of a second one.
    pub weights: Option<(i32, i32)>,
    pub sticky: Option<bool>,
}

#[derive(Clone, Debug)]
pub struct Tls {
    pub certificates: Vec<u8>,
    pub policy: Option<u8>,
    pub alpn: Option<u8>,
}

#[derive(Clone, Debug)]
pub struct Check {
    pub http: bool,
    pub interval: i32,
    pub threshold: i32,
    pub timeout: Option<i32>,
    pub fixed_port: Option<i32>,
}

impl Default for Port {
    fn default() -> Self {
        Self {
            tls: None,
            udp: false,
            target: TargetType::Instance,
            check: Check {
                http: false,
                interval: 10,
                threshold: 3,
                timeout: Some(10),
                fixed_port: None,
            },
            attributes: BTreeMap::from([("proxy_protocol_v2.enabled".to_owned(), "false".to_owned())]),
            listener_attributes: BTreeMap::new(),
            weights: None,
            sticky: None,
        }
    }
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            scheme: Scheme::Internal,
            groups: Groups::Managed,
            sources: BTreeSet::from([0]),
            subnets: BTreeSet::from([1, 2]),
            ipv6: Ipv6::Off,
            private_link: None,
            attributes: BTreeMap::new(),
            capacity: None,
            tags: Tags::new(),
            listener_tags: true,
            ports: BTreeMap::from([(80, Port::default())]),
        }
    }
}

pub fn key() -> StackKey {
    StackKey::service("default", "web")
}

pub fn owner_ref() -> ObjectRef {
    ObjectRef::new("Service", "default", "web")
}

pub fn origins(field: &str) -> Origins {
    Origins::from([Origin {
        object: owner_ref(),
        field: field.to_owned(),
    }])
}

impl Shape {
    /// The wanted stack.
    pub fn stack(&self) -> Stack {
        let mut stack = Stack::empty(&key());
        if self.groups == Groups::Managed {
            stack.security_groups.push(self.managed_group());
        }
        stack.load_balancers.push(self.load_balancer());
        for (number, port) in &self.ports {
            stack.listeners.push(self.listener(*number, port));
            for suffix in ["", "-second"] {
                if suffix.is_empty() || port.weights.is_some() {
                    let group = self.target_group(*number, port, suffix);
                    stack.bindings.push(self.binding(*number, port, &group));
                    stack.target_groups.push(group);
                }
            }
        }
        stack
    }

    fn managed_group(&self) -> SecurityGroup {
        let mut ingress = Vec::new();
        for (number, port) in &self.ports {
            for source in &self.sources {
                ingress.push(IngressPermission {
                    protocol: if port.udp { "udp" } else { "tcp" }.to_owned(),
                    from_port: Some(*number),
                    to_port: Some(*number),
                    source: PermissionSource::Ipv4(format!("10.{source}.0.7/16")),
                });
            }
        }
        SecurityGroup {
            id: "ManagedLBSecurityGroup".into(),
            group_id: None,
            name: "k8s-default-web-managed".to_owned(),
            description: "[k8s] Managed SecurityGroup for LoadBalancer".to_owned(),
            ingress,
            tags: self.tags.clone(),
            origins: origins(""),
        }
    }

    fn security_groups(&self) -> Vec<Ref> {
        let managed = Ref::pending(ResourceKind::SecurityGroup, &"ManagedLBSecurityGroup".into());
        let backend = Ref::Known("sg-backend".to_owned());
        match self.groups {
            Groups::None => vec![],
            Groups::Managed => vec![managed, backend],
            Groups::Given(n) => vec![Ref::Known(format!("sg-given{n}"))],
        }
    }

    fn load_balancer(&self) -> LoadBalancer {
        let source_nat = matches!(
            self.ipv6,
            Ipv6::SourceNat | Ipv6::Prefixes(_) | Ipv6::AutoPrefixes
        );
        let mapping = |subnet: &u8| SubnetMapping {
            subnet: format!("subnet-{subnet}"),
            ipv6: (self.ipv6 == Ipv6::Addresses).then(|| format!("2600:1f14:0:{subnet}::5")),
            source_nat_prefix: match self.ipv6 {
                Ipv6::Prefixes(n) => Some(format!("2600:1f14:0:{subnet}:{n}::/80")),
                Ipv6::AutoPrefixes => Some("auto_assigned".to_owned()),
                _ => None,
            },
            ..SubnetMapping::default()
        };
        LoadBalancer {
            id: "LoadBalancer".into(),
            arn: None,
            dns_name: None,
            state: None,
            name: format!("k8s-default-web-{}", self.scheme.as_str()),
            second_name: Some("k8s-default-web-second".to_owned()),
            delete_first: false,
            kind: LoadBalancerType::Network,
            scheme: self.scheme,
            ip_address_type: if self.ipv6 == Ipv6::Off {
                IpAddressType::Ipv4
            } else {
                IpAddressType::Dualstack
            },
            ipv6_source_nat: Setting::Set(if source_nat { OnOff::On } else { OnOff::Off }),
            subnets: self.subnets.iter().map(mapping).collect(),
            security_groups: self.security_groups(),
            private_link_inbound: self.private_link.filter(|_| self.groups != Groups::None).into(),
            attributes: self.attributes.clone(),
            capacity_units: self.capacity.into(),
            tags: self.tags.clone(),
            origins: origins(""),
        }
    }

    fn listener(&self, number: i32, port: &Port) -> Listener {
        let weight = |weight: i32| port.weights.is_some().then_some(weight);
        let (own, second) = port.weights.unwrap_or((0, 0));
        let mut target_groups = vec![WeightedTargetGroup {
            target_group: Ref::pending(ResourceKind::TargetGroup, &group_id(number, "")),
            weight: weight(own),
        }];
        if port.weights.is_some() {
            target_groups.push(WeightedTargetGroup {
                target_group: Ref::pending(ResourceKind::TargetGroup, &group_id(number, "-second")),
                weight: weight(second),
            });
        }
        let certificates: Vec<String> = port
            .tls
            .iter()
            .flat_map(|tls| &tls.certificates)
            .map(|n| format!("arn:aws:acm:us-west-2:123456789012:certificate/{n}"))
            .collect();
        let tls = port.tls.as_ref();
        Listener {
            id: ResourceId(number.to_string()),
            arn: None,
            load_balancer: Ref::pending(ResourceKind::LoadBalancer, &"LoadBalancer".into()),
            port: number,
            protocol: listener_protocol(port),
            default_actions: vec![Action::Forward(ForwardAction {
                target_groups,
                stickiness: port
                    .sticky
                    .map(|enabled| Stickiness {
                        enabled,
                        seconds: None,
                    })
                    .into(),
            })],
            extra_certificates: tls
                .map(|_| certificates.iter().cloned().collect::<BTreeSet<String>>())
                .into(),
            certificates,
            certificate_origins: BTreeMap::new(),
            ssl_policy: tls
                .and_then(|tls| tls.policy)
                .map(|n| format!("ELBSecurityPolicy-{n}"))
                .into(),
            alpn_policy: tls
                .and_then(|tls| tls.alpn)
                .map(|n| ["None", "HTTP2Only", "HTTP1Only"][usize::from(n) % 3].to_owned())
                .into(),
            attributes: port.listener_attributes.clone(),
            tags: self.listener_tags.then(|| self.tags.clone()).into(),
            origins: origins("spec.ports"),
        }
    }

    fn target_group(&self, number: i32, port: &Port, suffix: &str) -> TargetGroup {
        let (check, kind) = (&port.check, port.target.as_str());
        let protocol = if port.udp { Protocol::Udp } else { Protocol::Tcp };
        let short = if suffix.is_empty() { "" } else { "b" };
        let checked = if check.http { Protocol::Http } else { Protocol::Tcp };
        let name = format!(
            "k8s-{number}{short}-{kind}-{protocol}-{checked}-{}",
            check.interval
        );
        TargetGroup {
            id: group_id(number, suffix),
            arn: None,
            // Names have 32 characters at most.
            second_name: Some(format!(
                "{name}-{}",
                if self.scheme == Scheme::Internal { "i" } else { "p" }
            )),
            name,
            target_type: port.target,
            port: 30000 + number,
            protocol,
            protocol_version: Setting::Unmanaged,
            control_port: Setting::Unmanaged,
            family: IpFamily::Ipv4,
            health_check: HealthCheck {
                protocol: checked,
                port: check
                    .fixed_port
                    .map_or(HealthCheckPort::TrafficPort, HealthCheckPort::Number),
                path: check.http.then(|| "/healthz".to_owned()).into(),
                matcher: check.http.then(|| Matcher::Http("200-299".to_owned())).into(),
                interval_seconds: check.interval,
                timeout_seconds: check.timeout.into(),
                healthy_threshold: check.threshold,
                unhealthy_threshold: check.threshold,
            },
            attributes: port.attributes.clone(),
            tags: self.tags.clone(),
            load_balancers: vec![],
            origins: origins("spec.ports"),
        }
    }

    fn binding(&self, number: i32, port: &Port, group: &TargetGroup) -> Binding {
        let peer = match self.groups {
            Groups::Managed => BindingPeer::SecurityGroup(Ref::pending(
                ResourceKind::SecurityGroup,
                &"ManagedLBSecurityGroup".into(),
            )),
            _ => BindingPeer::IpBlock("10.0.0.0/16".to_owned()),
        };
        let networking = BindingNetworking {
            ingress: vec![BindingRule {
                from: vec![peer],
                ports: vec![BindingPort {
                    protocol: NetworkingProtocol::Tcp,
                    port: Some(IntOrString::Int(30000 + number)),
                }],
            }],
        };
        Binding {
            id: group.id.clone(),
            namespace: "default".to_owned(),
            name: group.name.clone(),
            labels: binding_labels(&key()),
            annotations: BTreeMap::new(),
            spec: BindingSpec {
                target_group: Ref::pending(ResourceKind::TargetGroup, &group.id),
                target_type: Some(port.target),
                protocol: Some(if port.udp {
                    TargetGroupProtocol::Udp
                } else {
                    TargetGroupProtocol::Tcp
                }),
                service_name: "web".to_owned(),
                service_port: IntOrString::Int(number),
                networking: (!matches!(self.groups, Groups::Given(_))).then_some(networking),
                node_selector: None,
                family: Some(IpFamily::Ipv4),
                vpc: "vpc-1".to_owned(),
                multi_cluster: false,
                foreign_fields: false,
            },
            uid: None,
            deleting: false,
            origins: origins("spec.ports"),
        }
    }
}

fn listener_protocol(port: &Port) -> Protocol {
    match (&port.tls, port.udp) {
        (_, true) => Protocol::Udp,
        (Some(_), false) => Protocol::Tls,
        (None, false) => Protocol::Tcp,
    }
}

pub fn group_id(number: i32, suffix: &str) -> ResourceId {
    ResourceId(format!("default/web{suffix}:{number}"))
}
