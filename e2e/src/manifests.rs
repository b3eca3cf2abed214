//! Kubernetes objects that tests and the demo make.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{PodReadinessGate, PodTemplateSpec};
use serde_json::json;

/// What a Deployment of pod servers looks like; [`Backend::deployment`] turns it into the object.
#[derive(Debug, Clone)]
pub struct Backend {
    /// Namespace of the Deployment.
    pub namespace: String,
    /// Its name, and the value of the label `app` on its pods.
    pub name: String,
    /// Number of pods.
    pub replicas: i32,
    /// Container ports: name, number, `TCP` or `UDP`.
    pub ports: Vec<(String, u16, String)>,
    /// Condition types that hold `Ready` back, for instance `target-health.elbv2.k8s.aws/NAME`.
    pub readiness_gates: Vec<String>,
    /// Seconds a pod goes on serving after its deletion.
    pub grace_seconds: i64,
}

impl Backend {
    /// One pod with the TCP port `http` 8080, no gates, one second of grace.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            replicas: 1,
            ports: vec![("http".to_owned(), 8080, "TCP".to_owned())],
            readiness_gates: Vec::new(),
            grace_seconds: 1,
        }
    }

    /// The Deployment; rolling updates surge by one and never go below the wanted number.
    pub fn deployment(&self) -> Deployment {
        let ports: Vec<_> = self
            .ports
            .iter()
            .map(|(name, number, protocol)| json!({"name": name, "containerPort": number, "protocol": protocol}))
            .collect();
        let object = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": { "namespace": self.namespace, "name": self.name },
            "spec": {
                "replicas": self.replicas,
                "selector": { "matchLabels": { "app": self.name } },
                "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 0, "maxSurge": 1 } },
                "template": {
                    "metadata": { "labels": { "app": self.name } },
                    "spec": {
                        "terminationGracePeriodSeconds": self.grace_seconds,
                        "containers": [{ "name": "server", "image": "elbow.dev/e2e/server", "ports": ports }],
                    },
                },
            },
        });
        // Only a mistake in the lines above could make this fail, and every test would see it.
        let mut deployment: Deployment = serde_json::from_value(object).unwrap_or_default();
        add_readiness_gates(&mut deployment.spec.template, &self.readiness_gates);
        deployment
    }
}

/// Adds the gates that the template does not name yet.
pub fn add_readiness_gates(template: &mut PodTemplateSpec, gates: &[String]) {
    let listed = template
        .spec
        .get_or_insert_default()
        .readiness_gates
        .get_or_insert_default();
    for gate in gates {
        if !listed.iter().any(|one| one.condition_type == *gate) {
            listed.push(PodReadinessGate {
                condition_type: gate.clone(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_gate_is_added_once() {
        let mut backend = Backend::new("ns", "web");
        backend.readiness_gates = vec!["a".into()];
        let mut template = backend.deployment().spec.template;
        add_readiness_gates(&mut template, &["a".into(), "b".into()]);
        let gates = template.spec.unwrap().readiness_gates.unwrap();
        let names: Vec<_> = gates.iter().map(|gate| gate.condition_type.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
    }
}
