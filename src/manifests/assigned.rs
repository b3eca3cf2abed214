//! What the API server will assign to objects: UIDs and node ports. Placeholders stand for them, and every name or
//! port that depends on one is told apart from those that do not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use elbow_core::view::{Meta, Service};
use serde_json::Value;

/// What is printed for a name or port that depends on a value nobody knows yet.
pub const UNKNOWN: &str = "(known after apply)";

/// The node ports of a cluster (kube-apiserver, `--service-node-port-range`), the last one first: those that
/// people write themselves are rather small.
const NODE_PORTS: (i32, i32) = (30000, 32767);
/// How UIDs begin that nobody assigned.
const UNASSIGNED: &str = "unassigned";

/// The placeholders handed out.
#[derive(Clone, Debug, Default)]
pub struct Assigned {
    /// Numbers that stand in manifests, and the cluster's node ports: none of them is a placeholder.
    taken: BTreeSet<i32>,
    /// Placeholders of ports, and the placeholders that take their place in a second look.
    ports: BTreeMap<i32, i32>,
    /// Names that depend on placeholders.
    names: BTreeSet<String>,
}

impl Assigned {
    /// Nothing yet; `objects` name ports themselves, and `services` have theirs in the cluster.
    pub fn new<'a>(
        objects: impl IntoIterator<Item = &'a Value>,
        services: impl IntoIterator<Item = Arc<Service>>,
    ) -> Self {
        let mut taken = BTreeSet::new();
        for service in services {
            taken.extend(service.ports.iter().map(|port| port.node_port));
            taken.insert(service.health_check_node_port);
        }
        for object in objects {
            numbers(object, &mut taken);
        }
        Self {
            taken,
            ..Self::default()
        }
    }

    /// Gives an object what the one of its name in the cluster has, or a placeholder.
    pub fn meta(meta: &mut Meta, kind: &str, present: Option<&Meta>) {
        match present {
            Some(present) => {
                meta.uid.clone_from(&present.uid);
                meta.resource_version.clone_from(&present.resource_version);
                meta.generation = present.generation;
                meta.finalizers.extend(present.finalizers.iter().cloned());
                meta.created = present.created;
                meta.deleting = present.deleting;
            }
            None => meta.uid = format!("{UNASSIGNED} {kind} {}/{}", meta.namespace, meta.name),
        }
    }

    /// The same for the ports of a Service, its address families and its status.
    pub fn service(&mut self, service: &mut Service, present: Option<&Service>) {
        if let Some(present) = present {
            service.ingress.clone_from(&present.ingress);
        }
        if service.ip_families.is_empty() {
            let families = present.map(|present| present.ip_families.clone());
            // A cluster of one family has IPv4, as ours have where nobody says otherwise.
            service.ip_families = families.unwrap_or_else(|| vec!["IPv4".to_owned()]);
        }
        let balanced = service.type_ == "LoadBalancer";
        let allocated = balanced && service.allocate_node_ports != Some(false) || service.type_ == "NodePort";
        for port in service
            .ports
            .iter_mut()
            .filter(|port| allocated && port.node_port == 0)
        {
            let same = present.and_then(|present| {
                let mut ports = present.ports.iter();
                ports.find(|other| (other.port, &other.protocol) == (port.port, &port.protocol))
            });
            let known = same.map(|same| same.node_port).filter(|number| *number != 0);
            port.node_port = known.unwrap_or_else(|| self.port());
        }
        if balanced && service.local_traffic && service.health_check_node_port == 0 {
            let known = present.map(|present| present.health_check_node_port);
            let known = known.filter(|number| *number != 0);
            service.health_check_node_port = known.unwrap_or_else(|| self.port());
        }
    }

    /// A port that nobody has written; 0 when all are taken, as where none is allocated.
    fn port(&mut self) -> i32 {
        let mut free = (NODE_PORTS.0..=NODE_PORTS.1)
            .rev()
            .filter(|port| !self.taken.contains(port));
        let (Some(first), Some(second)) = (free.next(), free.next()) else {
            return 0;
        };
        self.taken.extend([first, second]);
        self.ports.insert(first, second);
        first
    }

    /// The Service with other placeholders; `None` if it has none.
    pub fn another(&self, service: &Service) -> Option<Service> {
        let mut other = service.clone();
        if other.meta.uid.starts_with(UNASSIGNED) {
            other.meta.uid.push('2');
        }
        let ports = other.ports.iter_mut().map(|port| &mut port.node_port);
        for port in ports.chain([&mut other.health_check_node_port]) {
            if let Some(second) = self.ports.get(port) {
                *port = *second;
            }
        }
        (other != *service).then_some(other)
    }

    /// Enters the names that differ between a model and the same with other placeholders.
    pub fn compare(&mut self, first: &Value, second: &Value) {
        match (first, second) {
            (Value::Object(first), Value::Object(second)) => {
                for (key, value) in first {
                    self.compare(value, second.get(key).unwrap_or(&Value::Null));
                }
            }
            (Value::Array(first), Value::Array(second)) => {
                for (position, value) in first.iter().enumerate() {
                    self.compare(value, second.get(position).unwrap_or(&Value::Null));
                }
            }
            (Value::String(name), second) if second.as_str() != Some(name) => {
                self.names.insert(name.clone());
            }
            _ => {}
        }
    }

    /// The text with [`UNKNOWN`] in place of all that depends on placeholders.
    pub fn mask(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        // A name that begins like another comes before it. Names of what will be created stand in parentheses.
        for name in self.names.iter().rev() {
            masked = masked.replace(&format!("({name})"), UNKNOWN);
            masked = masked.replace(name, UNKNOWN);
        }
        for port in self.ports.keys() {
            masked = replace_word(&masked, &port.to_string());
        }
        masked
    }

    /// The same for JSON text, whose order is kept; a port becomes a string.
    pub fn mask_model(&self, text: &str) -> String {
        let masked: Vec<String> = pieces(text)
            .into_iter()
            .map(|(inside, piece)| {
                let masked = self.mask(piece);
                if inside {
                    return masked;
                }
                masked.replace(UNKNOWN, &format!("\"{UNKNOWN}\""))
            })
            .collect();
        masked.join("\"")
    }

    /// The same for JSON; a port becomes a string.
    pub fn mask_json(&self, value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let masked = fields
                    .iter()
                    .map(|(key, value)| (key.clone(), self.mask_json(value)));
                Value::Object(masked.collect())
            }
            Value::Array(items) => items.iter().map(|item| self.mask_json(item)).collect(),
            Value::String(text) => Value::String(self.mask(text)),
            Value::Number(number) => {
                let port = number.as_i64().and_then(|number| i32::try_from(number).ok());
                if port.is_some_and(|port| self.ports.contains_key(&port)) {
                    return UNKNOWN.into();
                }
                value.clone()
            }
            _ => value.clone(),
        }
    }
}

/// The pieces of JSON text, and whether each lies in a string.
fn pieces(text: &str) -> Vec<(bool, &str)> {
    let (mut found, mut start, mut inside, mut escaped) = (Vec::new(), 0, false, false);
    for (at, character) in text.char_indices() {
        if character == '"' && !escaped {
            found.push((inside, text.get(start..at).unwrap_or_default()));
            (start, inside) = (at + 1, !inside);
        }
        escaped = character == '\\' && !escaped;
    }
    found.push((inside, text.get(start..).unwrap_or_default()));
    found
}

/// All numbers of an object, those in texts included.
fn numbers(value: &Value, found: &mut BTreeSet<i32>) {
    match value {
        Value::Object(fields) => fields.values().for_each(|value| numbers(value, found)),
        Value::Array(items) => items.iter().for_each(|value| numbers(value, found)),
        Value::Number(number) => found.extend(number.as_i64().and_then(|number| i32::try_from(number).ok())),
        Value::String(text) => {
            let words = text.split(|c: char| !c.is_ascii_digit());
            found.extend(words.filter_map(|word| word.parse::<i32>().ok()));
        }
        _ => {}
    }
}

/// Replaces a number where it stands by itself.
fn replace_word(text: &str, number: &str) -> String {
    let (mut masked, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(number) {
        let (before, from) = rest.split_at(at);
        let after = from.get(number.len()..).unwrap_or_default();
        let is_part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let alone = !is_part(before.chars().next_back()) && !is_part(after.chars().next());
        masked.push_str(before);
        masked.push_str(if alone { UNKNOWN } else { number });
        rest = after;
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use elbow_core::view::ServicePort;
    use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
    use serde_json::json;

    use super::*;

    fn service(name: &str) -> Service {
        let port = |port| ServicePort {
            name: String::new(),
            protocol: "TCP".to_owned(),
            port,
            target_port: IntOrString::Int(8080),
            node_port: 0,
        };
        Service {
            meta: Meta {
                namespace: "demo".to_owned(),
                name: name.to_owned(),
                ..Meta::default()
            },
            type_: "LoadBalancer".to_owned(),
            local_traffic: true,
            ports: vec![port(80), port(443)],
            ..Service::default()
        }
    }

    #[test]
    fn what_is_not_in_the_cluster_gets_placeholders_that_stand_nowhere_else() {
        let written = [json!({"a": 32767, "b": "see 32766"})];
        let mut there = service("there");
        there.ports[0].node_port = 32765;
        there.health_check_node_port = 32764;
        let mut assigned = Assigned::new(&written, [Arc::new(there)]);
        let mut new = service("new");
        Assigned::meta(&mut new.meta, "Service", None);
        assigned.service(&mut new, None);
        let ports = [
            new.ports[0].node_port,
            new.ports[1].node_port,
            new.health_check_node_port,
        ];
        assert_eq!(ports, [32763, 32761, 32759]);
        assert_eq!(new.ip_families, ["IPv4"]);
        let other = assigned.another(&new);
        let other = other.as_ref();
        assert_ne!(other.map(|other| &other.meta.uid), Some(&new.meta.uid));
        assert_eq!(other.map(|other| other.ports[0].node_port), Some(32762));
    }

    #[test]
    fn what_is_in_the_cluster_is_kept() {
        let mut present = service("web");
        present.meta.uid = "u1".to_owned();
        present.meta.finalizers.insert("f".to_owned());
        present.ports[0].node_port = 30080;
        present.health_check_node_port = 31999;
        let mut assigned = Assigned::default();
        let mut web = service("web");
        Assigned::meta(&mut web.meta, "Service", Some(&present.meta));
        assigned.service(&mut web, Some(&present));
        assert_eq!((web.meta.uid.as_str(), web.meta.finalizers.len()), ("u1", 1));
        assert_eq!(
            (web.ports[0].node_port, web.health_check_node_port),
            (30080, 31999)
        );
        // The second port is new.
        assert_eq!(web.ports[1].node_port, 32767);
        let mut internal = service("internal");
        internal.type_ = "ClusterIP".to_owned();
        assigned.service(&mut internal, None);
        assert!(internal.ports.iter().all(|port| port.node_port == 0));
    }

    #[test]
    fn names_and_ports_that_depend_on_placeholders_are_masked() {
        let mut assigned = Assigned::default();
        assigned.ports.insert(32767, 32766);
        let (first, second) = (
            json!({"name": "k8s-a-1", "id": "a:80", "deep": [{"name": "k8s-b-1"}]}),
            json!({"name": "k8s-a-2", "id": "a:80", "deep": [{"name": "k8s-b-2"}]}),
        );
        assigned.compare(&first, &second);
        assert_eq!(
            assigned.mask("a:80 (k8s-a-1) k8s-b-1 tcp 32767-32767 sg-132767 id/k8s-a-1"),
            format!("a:80 {UNKNOWN} {UNKNOWN} tcp {UNKNOWN}-{UNKNOWN} sg-132767 id/{UNKNOWN}")
        );
        assert_eq!(
            assigned.mask_json(&json!({"port": 32767, "other": 80, "name": "k8s-b-1"})),
            json!({"port": UNKNOWN, "other": 80, "name": UNKNOWN})
        );
        assert_eq!(
            assigned.mask_model(r#"{"port":32767,"a":"\"32767\"","name":"k8s-b-1"}"#),
            format!(r#"{{"port":"{UNKNOWN}","a":"\"{UNKNOWN}\"","name":"{UNKNOWN}"}}"#)
        );
    }
}
