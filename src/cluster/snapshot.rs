//! One list of every kind, without a watch: what `elbow plan` looks at.

use std::fmt::Debug;

use elbow_crds::target_group_binding::TargetGroupBinding;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::ListParams;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use super::{Stores, trim};

/// Fills the stores from one list per kind and marks them complete.
pub async fn fill(
    client: &Client,
    stores: &Stores,
    namespace: Option<&str>,
    quic: &str,
) -> Result<(), kube::Error> {
    stores.services.replace(
        list::<Service>(client, namespace)
            .await?
            .into_iter()
            .map(trim::service)
            .collect(),
    );
    let slices = list::<EndpointSlice>(client, namespace).await?;
    stores
        .slices
        .replace(slices.into_iter().map(trim::endpoint_slice).collect());
    let pods = list::<Pod>(client, namespace).await?;
    stores
        .pods
        .replace(pods.into_iter().map(|pod| trim::pod(pod, quic)).collect());
    let bindings = list::<TargetGroupBinding>(client, namespace).await?;
    stores
        .bindings
        .replace(bindings.into_iter().map(trim::binding).collect());
    let nodes = Api::<Node>::all(client.clone())
        .list(&ListParams::default())
        .await?;
    stores
        .nodes
        .replace(nodes.items.into_iter().map(trim::node).collect());
    stores.mark_synced();
    Ok(())
}

async fn list<K>(client: &Client, namespace: Option<&str>) -> Result<Vec<K>, kube::Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let api: Api<K> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    Ok(api.list(&ListParams::default()).await?.items)
}
