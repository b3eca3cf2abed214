//! Ingresses and what they refer to, cut down to what is read.

use elbow_core::view::{
    ClassParameters, Ingress, IngressBackend, IngressClass, IngressClassParams, IngressPath, IngressPoint,
    IngressRule, IngressServiceBackend, Namespace,
};
use elbow_crds::ingress_class_params as crd;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::networking::v1 as networking;

use super::trim::meta;

/// An Ingress.
pub fn ingress(ingress: networking::Ingress) -> Ingress {
    let spec = ingress.spec.unwrap_or_default();
    let shown = ingress
        .status
        .and_then(|status| status.load_balancer)
        .and_then(|balancer| balancer.ingress)
        .unwrap_or_default();
    let tls = spec.tls.unwrap_or_default().into_iter();
    Ingress {
        meta: meta(ingress.metadata),
        class: spec.ingress_class_name,
        default_backend: spec.default_backend.map(backend),
        tls_hosts: tls.flat_map(|tls| tls.hosts.unwrap_or_default()).collect(),
        rules: spec
            .rules
            .unwrap_or_default()
            .into_iter()
            .enumerate()
            .filter_map(|(index, one)| rule(index, one))
            .collect(),
        ingress: shown.into_iter().map(point).collect(),
    }
}

fn rule(index: usize, rule: networking::IngressRule) -> Option<IngressRule> {
    let http = rule.http?;
    let path = |path: networking::HTTPIngressPath| IngressPath {
        path: path.path.unwrap_or_default(),
        path_type: path.path_type,
        backend: backend(path.backend),
    };
    Some(IngressRule {
        index,
        host: rule.host.unwrap_or_default(),
        paths: http.paths.into_iter().map(path).collect(),
    })
}

fn backend(backend: networking::IngressBackend) -> IngressBackend {
    let service = |service: networking::IngressServiceBackend| {
        let port = service.port.unwrap_or_default();
        IngressServiceBackend {
            name: service.name,
            port_name: port.name.unwrap_or_default(),
            port_number: port.number.unwrap_or_default(),
        }
    };
    IngressBackend {
        service: backend.service.map(service),
    }
}

fn point(point: networking::IngressLoadBalancerIngress) -> IngressPoint {
    let ports = point.ports.unwrap_or_default().into_iter();
    IngressPoint {
        hostname: point.hostname.unwrap_or_default(),
        ip: point.ip.unwrap_or_default(),
        ports: ports.map(|port| (port.port, port.protocol)).collect(),
    }
}

/// An IngressClass.
pub fn ingress_class(class: networking::IngressClass) -> IngressClass {
    let spec = class.spec.unwrap_or_default();
    IngressClass {
        meta: meta(class.metadata),
        controller: spec.controller.unwrap_or_default(),
        parameters: spec.parameters.map(|parameters| ClassParameters {
            api_group: parameters.api_group,
            kind: parameters.kind,
            name: parameters.name,
        }),
    }
}

/// An IngressClassParams.
pub fn class_params(params: crd::IngressClassParams) -> IngressClassParams {
    IngressClassParams {
        meta: meta(params.metadata),
        spec: params.spec,
    }
}

/// A Namespace: its labels alone are read.
pub fn namespace(namespace: core::Namespace) -> Namespace {
    let mut meta = meta(namespace.metadata);
    meta.annotations.clear();
    meta.finalizers.clear();
    meta.resource_version.clear();
    Namespace { meta }
}
