//! Ingresses: the rules they ask for and the targets behind them, judged from the manifests alone.
//!
//! Understood is what examples and tests use: hosts, path types, a Service or an action annotation per path.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::{Service, ServicePort};
use k8s_openapi::api::networking::v1::{HTTPIngressPath, Ingress, IngressServiceBackend};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt;
use serde_json::Value;

use super::{Sight, compare, ports};
use crate::account::{Listener, Origins, Rule, rule};
use crate::table;

const ANNOTATIONS: &str = "alb.ingress.kubernetes.io";
/// The port name that makes a backend an action.
const USE_ANNOTATION: &str = "use-annotation";

impl Sight {
    pub(super) fn missing_of_ingress(&self, ingress: &Ingress) -> Result<Option<String>> {
        let Some(address) = address(ingress) else {
            return Ok(Some("no address in its status".to_owned()));
        };
        let Some((arn, _)) = self.account.load_balancer_at(&address) else {
            return Ok(Some(format!("no load balancer at {address}")));
        };
        let listeners = self.account.listeners_of(arn);
        if listeners.is_empty() {
            return Ok(Some("no listener".to_owned()));
        }
        for (port, listener) in listeners {
            for (host, path) in paths(ingress) {
                if let Some(missing) = self.missing_of_path(ingress, listener, host, path)? {
                    let path = path.path.as_deref().unwrap_or_default();
                    return Ok(Some(format!("{port}, {host}{path}: {missing}")));
                }
            }
        }
        Ok(None)
    }

    fn missing_of_path(
        &self,
        ingress: &Ingress,
        listener: &Listener,
        host: &str,
        path: &HTTPIngressPath,
    ) -> Result<Option<String>> {
        let conditions = conditions(host, path);
        let Some(found) = listener.rules.values().find(|one| one.asks(&conditions)) else {
            return Ok(Some("no rule".to_owned()));
        };
        let backend = path.backend.service.as_ref().context("a path has a Service")?;
        let port = backend.port.clone().unwrap_or_default();
        if port.name.as_deref() == Some(USE_ANNOTATION) {
            let kind = action_kind(ingress, &backend.name)?;
            let is_so = rule::kinds(&found.actions) == [kind.as_str()];
            return Ok((!is_so).then(|| format!("the rule does not {kind}")));
        }
        self.missing_targets(ingress, backend, found)
    }

    fn missing_targets(
        &self,
        ingress: &Ingress,
        backend: &IngressServiceBackend,
        found: &Rule,
    ) -> Result<Option<String>> {
        let (service, port) = self
            .service_port(ingress, backend)
            .context("the Service or its port is not there")?;
        let arns = rule::group_arns(&found.actions);
        let Some(arn) = self
            .bound_to(ingress, service, port)
            .intersection(&arns)
            .next()
            .cloned()
        else {
            return Ok(Some(format!("the rule does not forward to {}", backend.name)));
        };
        let group = self.account.elb.target_groups.get(&arn);
        let group = group.context("a rule names a target group that is not there")?;
        Ok(compare(group, &self.wanted(service, port, group)))
    }

    fn service_port(
        &self,
        ingress: &Ingress,
        backend: &IngressServiceBackend,
    ) -> Option<(&Service, &ServicePort)> {
        let is_it = |one: &&Service| one.namespace() == ingress.namespace() && one.name_any() == backend.name;
        let service = self.services.iter().find(is_it)?;
        let wanted = backend.port.as_ref()?;
        let port = ports(service).find(|port| {
            wanted.number == Some(port.port) || wanted.name.is_some() && wanted.name == port.name
        })?;
        Some((service, port))
    }

    /// Target groups that bindings tie to a port of a Service.
    fn bound_to(&self, ingress: &Ingress, service: &Service, port: &ServicePort) -> BTreeSet<String> {
        let is_port = |reference: &IntOrString| match reference {
            IntOrString::Int(number) => *number == port.port,
            IntOrString::String(name) => port.name.as_ref() == Some(name),
        };
        let bindings = self.bindings.iter().filter(|one| {
            let reference = &one.spec.service_ref;
            one.namespace() == ingress.namespace()
                && reference.name == service.name_any()
                && is_port(&reference.port)
        });
        bindings.map(|one| one.spec.target_group_arn.clone()).collect()
    }

    /// Which Ingress asked for each rule, by the rule's ARN: the one with that host and path at that address.
    pub fn origins(&self) -> Origins {
        let mut origins = Origins::new();
        for ingress in &self.ingresses {
            let found = address(ingress).and_then(|address| self.account.load_balancer_at(&address));
            let Some((arn, _)) = found else { continue };
            for listener in self.account.listeners_of(arn).values() {
                for (host, path) in paths(ingress) {
                    let conditions = conditions(host, path);
                    let asked = listener.rules.values().filter(|one| one.asks(&conditions));
                    origins.extend(asked.map(|one| (one.arn.clone(), described(ingress))));
                }
            }
        }
        origins
    }

    /// A rule that no Ingress in sight asks for.
    pub(super) fn unasked_rule(&self) -> Option<String> {
        let origins = self.origins();
        let mut rules = self.account.elb.listeners.values().flat_map(|one| &one.rules);
        let (priority, found) = rules.find(|(_, one)| !origins.contains_key(&one.arn))?;
        let conditions = found.conditions_in_words();
        Some(format!("nobody asks for the rule {priority} ({conditions})"))
    }

    /// The Ingresses that rules come from, in the order of the rules: by address, every Ingress once.
    pub fn rule_order(&self) -> Vec<(String, Vec<String>)> {
        let origins = self.origins();
        let of = |arn: &String| {
            let mut order: Vec<String> = Vec::new();
            for listener in self.account.listeners_of(arn).values() {
                let named = listener.rules.values().filter_map(|one| origins.get(&one.arn));
                order.extend(named.cloned());
            }
            order.dedup();
            order
        };
        let balancers = self.account.elb.load_balancers.iter();
        balancers
            .map(|(arn, one)| (one.dns_name.clone(), of(arn)))
            .filter(|(_, order)| !order.is_empty())
            .collect()
    }

    /// The account as a tree, with the Ingress that each rule comes from.
    pub fn tree(&self) -> String {
        self.account.tree_with(&self.origins())
    }

    /// Ingresses, their groups, hosts and addresses.
    pub fn ingresses_table(&self) -> String {
        let row = |ingress: &Ingress| {
            let hosts: BTreeSet<&str> = paths(ingress).map(|(host, _)| host).collect();
            let group = annotation(ingress, "group.name").unwrap_or("-");
            vec![
                described(ingress),
                group.to_owned(),
                hosts.into_iter().collect::<Vec<_>>().join(","),
                address(ingress).unwrap_or_else(|| "-".to_owned()),
            ]
        };
        let rows: Vec<Vec<String>> = self.ingresses.iter().map(row).collect();
        table::render(&["INGRESS", "GROUP", "HOSTS", "ADDRESS"], &rows)
    }
}

/// `NAMESPACE/NAME`
pub(super) fn described(ingress: &Ingress) -> String {
    format!(
        "{}/{}",
        ingress.namespace().unwrap_or_default(),
        ingress.name_any()
    )
}

fn annotation<'a>(ingress: &'a Ingress, key: &str) -> Option<&'a str> {
    let found = ingress.annotations().get(&format!("{ANNOTATIONS}/{key}"));
    found.map(String::as_str)
}

fn address(ingress: &Ingress) -> Option<String> {
    let balancer = ingress.status.as_ref()?.load_balancer.as_ref()?;
    balancer.ingress.as_ref()?.first()?.hostname.clone()
}

/// Every path with its host; an empty host is every host.
fn paths(ingress: &Ingress) -> impl Iterator<Item = (&str, &HTTPIngressPath)> {
    let rules = ingress.spec.iter().flat_map(|spec| spec.rules.iter().flatten());
    rules.flat_map(|rule| {
        let host = rule.host.as_deref().unwrap_or_default();
        let paths = rule.http.iter().flat_map(|http| http.paths.iter());
        paths.map(move |path| (host, path))
    })
}

/// What a rule for the path must ask for.
fn conditions(host: &str, path: &HTTPIngressPath) -> Vec<(&'static str, Vec<String>)> {
    let text = path.path.as_deref().unwrap_or_default();
    let patterns = match (path.path_type.as_str(), text.trim_end_matches('/')) {
        ("Prefix", "") => vec!["/*".to_owned()],
        ("Prefix", stem) => vec![stem.to_owned(), format!("{stem}/*")],
        _ => vec![text.to_owned()],
    };
    let mut wanted = vec![("path-pattern", patterns)];
    if !host.is_empty() {
        wanted.push(("host-header", vec![host.to_owned()]));
    }
    wanted
}

fn action_kind(ingress: &Ingress, name: &str) -> Result<String> {
    let text = annotation(ingress, &format!("actions.{name}")).context("the action is not annotated")?;
    let action: Value = serde_json::from_str(text).context("the action is not JSON")?;
    let kind = action.get("type").and_then(Value::as_str);
    Ok(kind.context("the action has no type")?.to_owned())
}
