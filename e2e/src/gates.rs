//! Readiness gates for pods, put into pod templates until the admission webhook is served.
//!
//! In: the bindings and Services of a namespace. Out: a Deployment whose pods wait for their targets, as
//! `elbow_webhooks::inject` would have made them. A gate names the binding, and that contains the Service's
//! UID: create the Service, wait for its binding ([`bindings`]), then create the Deployment.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use elbow_crds::target_group_binding::TargetGroupBinding;
use elbow_webhooks::inject::{self, Namespace};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};

use crate::wait;

/// Adds the gates that the Deployment's pods should have; answers whether there are any new ones.
pub async fn inject(client: &Client, deployment: &mut Deployment) -> Result<bool> {
    let namespace = deployment.namespace().unwrap_or_default();
    let services: Api<Service> = Api::namespaced(client.clone(), &namespace);
    let bindings: Api<TargetGroupBinding> = Api::namespaced(client.clone(), &namespace);
    let all = ListParams::default();
    let known = Namespace::of(
        &bindings.list(&all).await?.items,
        &services.list(&all).await?.items,
    );
    let template = &mut deployment.spec.template;
    let labels = template
        .metadata
        .get_or_insert_default()
        .labels
        .clone()
        .unwrap_or_default();
    Ok(inject::inject(
        template.spec.get_or_insert_default(),
        &labels,
        &known,
    ))
}

/// Waits until `services` Services of the namespace have a binding.
pub async fn bindings(client: &Client, namespace: &str, services: usize, limit: Duration) -> Result<()> {
    let api: Api<TargetGroupBinding> = Api::namespaced(client.clone(), namespace);
    wait::until("a TargetGroupBinding for every Service", limit, async || {
        let found = api.list(&ListParams::default()).await?.items;
        let bound: BTreeSet<&str> = found
            .iter()
            .map(|one| one.spec.service_ref.name.as_str())
            .collect();
        Ok((bound.len() == services).then_some(()))
    })
    .await
}
