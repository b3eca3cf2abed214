//! Short forms of Ingresses, their classes and Services, as the tables write them.

use std::collections::BTreeMap;

use elbow_core::intent::Shelf;
use elbow_core::view::{
    ClassParameters, Ingress, IngressBackend, IngressClass, IngressClassParams, IngressPath, IngressRule,
    IngressServiceBackend, Meta, Namespace, Service, ServicePort,
};
use elbow_crds::ingress_class_params::IngressClassParamsSpec;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::Deserialize;
use serde_json::Value;

pub const PREFIX: &str = "alb.ingress.kubernetes.io/";
/// UID of every Service.
pub const UID: &str = "11111111-2222-3333-4444-555555555555";

/// An Ingress of a table; what is left out is that of the baseline.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Short {
    /// `namespace/name`.
    pub name: String,
    /// Annotations by suffix; a key with a slash is complete.
    pub annotations: BTreeMap<String, String>,
    /// IngressClass; empty for none.
    pub class: String,
    /// Paths as `host type path service:port`; `-` stands for nothing.
    pub paths: Vec<String>,
    /// `service:port`.
    pub default_backend: Option<String>,
    pub tls_hosts: Vec<String>,
    pub finalizers: Vec<String>,
    pub deleting: bool,
}

impl Default for Short {
    fn default() -> Self {
        Self {
            name: "default/echo-server".to_owned(),
            annotations: BTreeMap::new(),
            class: "alb".to_owned(),
            paths: vec!["a.com Prefix / echo-svc:80".to_owned()],
            default_backend: None,
            tls_hosts: Vec::new(),
            finalizers: Vec::new(),
            deleting: false,
        }
    }
}

/// A class of a table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Class {
    pub name: String,
    pub controller: String,
    /// Spec of its parameters, whose name is that of the class.
    pub params: Option<Value>,
    /// Group of the parameters it refers to.
    pub api_group: String,
    /// Refers to parameters that are not there.
    pub dangling: bool,
    pub is_default: bool,
}

impl Default for Class {
    fn default() -> Self {
        Self {
            name: "alb".to_owned(),
            controller: "ingress.k8s.aws/alb".to_owned(),
            params: None,
            api_group: "elbv2.k8s.aws".to_owned(),
            dangling: false,
            is_default: false,
        }
    }
}

fn split(name: &str) -> (String, String) {
    let (namespace, name) = name.split_once('/').unwrap();
    (namespace.to_owned(), name.to_owned())
}

fn backend(text: &str) -> IngressBackend {
    let (service, port) = text.split_once(':').unwrap();
    let number = port.parse();
    IngressBackend {
        service: Some(IngressServiceBackend {
            name: service.to_owned(),
            port_name: if number.is_ok() { "" } else { port }.to_owned(),
            port_number: number.unwrap_or_default(),
        }),
    }
}

fn rule((index, text): (usize, &String)) -> IngressRule {
    let words: Vec<String> = text
        .split(' ')
        .map(|word| if word == "-" { "" } else { word }.to_owned())
        .collect();
    IngressRule {
        index,
        host: words[0].clone(),
        paths: vec![IngressPath {
            path_type: words[1].replace("IS", "ImplementationSpecific"),
            path: words[2].clone(),
            backend: backend(&words[3]),
        }],
    }
}

/// The view of an Ingress.
pub fn ingress(short: &Short) -> Ingress {
    let (namespace, name) = split(&short.name);
    let key = |suffix: &String| {
        if suffix.contains('/') {
            suffix.clone()
        } else {
            format!("{PREFIX}{suffix}")
        }
    };
    Ingress {
        meta: Meta {
            uid: format!("uid-{name}"),
            namespace,
            name,
            deleting: short.deleting,
            finalizers: short.finalizers.iter().cloned().collect(),
            annotations: short
                .annotations
                .iter()
                .map(|(suffix, value)| (key(suffix), value.clone()))
                .collect(),
            ..Meta::default()
        },
        class: (!short.class.is_empty()).then(|| short.class.clone()),
        default_backend: short.default_backend.as_deref().map(backend),
        tls_hosts: short.tls_hosts.clone(),
        rules: short.paths.iter().enumerate().map(rule).collect(),
        ingress: Vec::new(),
    }
}

/// A Service with port 80 named `http`, target port 8080 and node port 30080.
pub fn service(namespace: &str, name: &str) -> Service {
    Service {
        meta: Meta {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: UID.to_owned(),
            ..Meta::default()
        },
        type_: "NodePort".to_owned(),
        ip_families: vec!["IPv4".to_owned()],
        ports: vec![ServicePort {
            name: "http".to_owned(),
            protocol: "TCP".to_owned(),
            port: 80,
            target_port: IntOrString::Int(8080),
            node_port: 30080,
        }],
        ..Service::default()
    }
}

fn add_class(shelf: &mut Shelf, class: &Class) {
    let mut meta = Meta {
        name: class.name.clone(),
        ..Meta::default()
    };
    if let Some(spec) = &class.params {
        let spec: IngressClassParamsSpec = serde_json::from_value(spec.clone()).unwrap();
        shelf.add_class_params(IngressClassParams {
            meta: meta.clone(),
            spec,
        });
    }
    if class.is_default {
        let key = "ingressclass.kubernetes.io/is-default-class";
        meta.annotations.insert(key.to_owned(), "true".to_owned());
    }
    shelf.add_ingress_class(IngressClass {
        meta,
        controller: class.controller.clone(),
        parameters: (class.params.is_some() || class.dangling).then(|| ClassParameters {
            api_group: Some(class.api_group.clone()),
            kind: "IngressClassParams".to_owned(),
            name: class.name.clone(),
        }),
    });
}

/// Everything of a table's row, with the Service `echo-svc` in each namespace.
pub fn shelf(ingresses: &[Short], classes: &[Class]) -> Shelf {
    let mut shelf = Shelf::default();
    for class in classes {
        add_class(&mut shelf, class);
    }
    for short in ingresses {
        let ingress = ingress(short);
        let namespace = &ingress.meta.namespace;
        shelf.add_service(service(namespace, "echo-svc"));
        let labels = BTreeMap::from([("name".to_owned(), namespace.clone())]);
        shelf.add_namespace(Namespace {
            meta: Meta {
                name: namespace.clone(),
                labels,
                ..Meta::default()
            },
        });
        shelf.add_ingress(ingress);
    }
    shelf
}
