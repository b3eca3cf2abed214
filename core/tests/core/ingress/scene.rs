//! One Ingress with its Services, read for one listener, and what came of it as short texts.

use std::collections::BTreeMap;

use elbow_core::build::names::{IngressTargetGroupName, ingress_target_group};
use elbow_core::intent::Shelf;
use elbow_core::intent::ingress::wish::{IngressTargetGroupWish, RuleWish};
use elbow_core::intent::ingress::{Member, Membership, TargetGroups, rules};
use elbow_core::intent::wish::{ActionWish, ForwardWish, GroupWish};
use elbow_core::key::StackKey;
use elbow_core::model::{Condition, IpAddressType, Patterns, Protocol};
use elbow_core::settings::Settings;
use elbow_core::view::{
    Ingress, IngressBackend, IngressPath, IngressRule, IngressServiceBackend, Meta, Service,
};
use elbow_crds::ingress_class_params::IngressClassParamsSpec;
use elbow_crds::problem::Problem;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

pub const UID: &str = "11111111-2222-3333-4444-555555555555";
const PREFIX: &str = "alb.ingress.kubernetes.io/";

/// The baseline of the vectors and what is changed about it.
pub struct Scene {
    pub settings: Settings,
    pub group: StackKey,
    pub ingress: Ingress,
    pub services: Vec<Service>,
    pub params: Option<IngressClassParamsSpec>,
    pub port: i32,
    pub protocol: Protocol,
    pub ip_address_type: IpAddressType,
}

/// What a scene came to.
pub struct Outcome {
    pub rules: Vec<RuleWish>,
    pub groups: BTreeMap<String, IngressTargetGroupWish>,
    pub problems: Vec<Problem>,
    names: BTreeMap<String, String>,
}

pub fn backend(service: &str, port: &str) -> IngressBackend {
    let number = port.parse();
    IngressBackend {
        service: Some(IngressServiceBackend {
            name: service.to_owned(),
            port_name: if number.is_ok() {
                String::new()
            } else {
                port.to_owned()
            },
            port_number: number.unwrap_or_default(),
        }),
    }
}

/// A path written as `type path service:port`; `-` is an empty path or type.
pub fn path(text: &str) -> IngressPath {
    let words: Vec<&str> = text.split(' ').collect();
    let word = |index: usize| if words[index] == "-" { "" } else { words[index] }.to_owned();
    let (service, port) = words[2].split_once(':').unwrap();
    IngressPath {
        path_type: match words[0] {
            "IS" => "ImplementationSpecific".to_owned(),
            _ => word(0),
        },
        path: word(1),
        backend: backend(service, port),
    }
}

pub fn service(name: &str) -> Service {
    Service {
        meta: Meta {
            namespace: "default".to_owned(),
            name: name.to_owned(),
            uid: UID.to_owned(),
            ..Meta::default()
        },
        type_: "NodePort".to_owned(),
        ip_families: vec!["IPv4".to_owned()],
        ports: vec![elbow_core::view::ServicePort {
            name: "http".to_owned(),
            protocol: "TCP".to_owned(),
            port: 80,
            target_port: IntOrString::Int(8080),
            node_port: 30080,
        }],
        ..Service::default()
    }
}

impl Scene {
    /// Ingress `default/echo-server` with one rule for a host, Service `echo-svc`.
    pub fn new(host: &str, paths: &[&str]) -> Self {
        let meta = Meta {
            namespace: "default".to_owned(),
            name: "echo-server".to_owned(),
            ..Meta::default()
        };
        Self {
            settings: Settings::new("my-cluster", "us-west-2", "vpc-xxx"),
            group: StackKey::ingress("default", "echo-server"),
            ingress: Ingress {
                meta,
                rules: vec![IngressRule {
                    index: 0,
                    host: host.to_owned(),
                    paths: paths.iter().map(|text| path(text)).collect(),
                }],
                ..Ingress::default()
            },
            services: vec![service("echo-svc")],
            params: None,
            port: 80,
            protocol: Protocol::Http,
            ip_address_type: IpAddressType::Ipv4,
        }
    }

    /// The scene of most vectors about target groups.
    pub fn plain() -> Self {
        Self::new("a.com", &["Prefix / echo-svc:80"])
    }

    pub fn annotate(mut self, suffix: &str, value: &str) -> Self {
        let annotations = &mut self.ingress.meta.annotations;
        annotations.insert(format!("{PREFIX}{suffix}"), value.to_owned());
        self
    }

    pub fn annotate_service(mut self, suffix: &str, value: &str) -> Self {
        let annotations = &mut self.services[0].meta.annotations;
        annotations.insert(format!("{PREFIX}{suffix}"), value.to_owned());
        self
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub fn https(self) -> Self {
        self.with(|scene| (scene.port, scene.protocol) = (443, Protocol::Https))
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&mut Member<'_>, &mut TargetGroups) -> T,
    ) -> (T, BTreeMap<String, IngressTargetGroupWish>, Vec<Problem>) {
        let objects = Shelf::of_services(self.services.iter().cloned());
        let of = Membership {
            ingress: &self.ingress,
            params: self.params.as_ref(),
            group: &self.group,
        };
        let mut member = Member::new(of, &objects, &self.settings);
        let mut groups = TargetGroups::new(self.ip_address_type);
        let value = read(&mut member, &mut groups);
        let wishes = groups.into_wishes();
        let wishes = wishes.into_iter().map(|(id, wish)| (id.0, wish)).collect();
        (value, wishes, member.problems().to_vec())
    }

    /// Reads and optimises the rules.
    pub fn run(&self) -> Outcome {
        let (rules, groups, problems) =
            self.read(|member, groups| rules::read(member, self.port, self.protocol, groups));
        let names = groups
            .iter()
            .map(|(id, wish)| (id.clone(), self.name(wish)))
            .collect();
        Outcome {
            rules: rules::optimise(self.port, self.protocol, rules),
            groups,
            problems,
            names,
        }
    }

    /// The default actions as text.
    pub fn default_actions(&self) -> Option<String> {
        let (actions, _, _) =
            self.read(|member, groups| rules::default_actions(member, self.protocol, groups));
        Some(actions?.iter().map(action).collect::<Vec<_>>().join(" then "))
    }

    fn name(&self, wish: &IngressTargetGroupWish) -> String {
        let port = match &wish.service_port {
            IntOrString::Int(number) => number.to_string(),
            IntOrString::String(name) => name.clone(),
        };
        ingress_target_group(&IngressTargetGroupName {
            cluster: &self.settings.scope.cluster,
            stack: &self.group.stack_id(),
            ingress: (&wish.more.namespace, &wish.more.name),
            namespace: &wish.namespace,
            name: &wish.service,
            uid: &wish.uid,
            service_port: &port,
            port: wish.port,
            target_type: wish.target_type,
            protocol: wish.protocol,
            protocol_version: wish.protocol_version.get().map_or("", String::as_str),
            control_port: wish.control_port.get().copied(),
        })
    }

    /// Fields of the faults.
    pub fn faults(&self) -> Vec<String> {
        self.run().fields(true)
    }
}

impl Outcome {
    fn fields(&self, faults: bool) -> Vec<String> {
        let chosen = self
            .problems
            .iter()
            .filter(|problem| problem.is_fault() == faults);
        let mut fields: Vec<String> = chosen.map(|problem| problem.field.replace(PREFIX, "")).collect();
        fields.sort();
        fields
    }

    /// Rules as texts; the scene must be well.
    pub fn texts(&self) -> Vec<String> {
        assert_eq!(self.fields(true), Vec::<String>::new(), "{:?}", self.problems);
        self.rules.iter().map(text).collect()
    }

    pub fn warnings(&self) -> Vec<String> {
        self.fields(false)
    }

    /// The only target group and its name; the scene must be well.
    pub fn only_group(&self) -> (&IngressTargetGroupWish, &str) {
        assert_eq!(self.fields(true), Vec::<String>::new(), "{:?}", self.problems);
        assert_eq!(self.groups.len(), 1);
        let (id, wish) = self.groups.first_key_value().unwrap();
        (wish, &self.names[id])
    }
}

/// `condition AND condition -> action`.
pub fn text(rule: &RuleWish) -> String {
    let conditions: Vec<String> = rule.conditions.iter().map(condition).collect();
    let actions: Vec<String> = rule.actions.iter().map(action).collect();
    format!("{} -> {}", conditions.join(" AND "), actions.join(" then "))
}

fn condition(condition: &Condition) -> String {
    let patterns = |patterns: &Patterns| match patterns {
        Patterns::Values(values) => format!("[{}]", values.join(",")),
        Patterns::Regexes(regexes) => format!("~[{}]", regexes.join(",")),
    };
    let rest = match condition {
        Condition::HostHeader(p) | Condition::PathPattern(p) => patterns(p),
        Condition::HttpHeader { name, patterns: p } => format!(" {name}{}", patterns(p)),
        Condition::HttpRequestMethod(values) | Condition::SourceIp(values) => {
            format!("[{}]", values.join(","))
        }
        Condition::QueryString(pairs) => {
            let pair =
                |p: &elbow_core::model::QueryPair| format!("{}={}", p.key.as_deref().unwrap_or("*"), p.value);
            format!("[{}]", pairs.iter().map(pair).collect::<Vec<_>>().join(","))
        }
    };
    format!("{}{rest}", condition.field())
}

fn action(action: &ActionWish) -> String {
    match action {
        ActionWish::Forward { groups, stickiness } => {
            let groups: Vec<String> = groups.iter().map(forward).collect();
            let sticky = stickiness.get().map(|sticky| {
                format!(
                    " sticky {} {}",
                    sticky.enabled,
                    sticky.seconds.unwrap_or_default()
                )
            });
            format!("{}{}", groups.join(" + "), sticky.unwrap_or_default())
        }
        ActionWish::Redirect(redirect) => format!(
            "{} {}://{}:{}{}?{}",
            redirect.status,
            redirect.protocol.as_deref().unwrap_or("-"),
            redirect.host.as_deref().unwrap_or("-"),
            redirect.port.as_deref().unwrap_or("-"),
            redirect.path.as_deref().unwrap_or("-"),
            redirect.query.as_deref().unwrap_or("-")
        ),
        ActionWish::FixedResponse(response) => format!(
            "{} {} {}",
            response.status,
            response.content_type.as_deref().unwrap_or("-"),
            response.body.as_deref().unwrap_or("-")
        ),
    }
}

fn forward(wish: &ForwardWish) -> String {
    let group = match &wish.group {
        GroupWish::Own(id) => id.0.clone(),
        GroupWish::Arn(arn) => arn.clone(),
        GroupWish::Name { name, .. } => format!("named {name}"),
    };
    wish.weight
        .map_or(group.clone(), |weight| format!("{group}*{weight}"))
}
