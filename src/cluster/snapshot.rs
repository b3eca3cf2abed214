//! One list of every kind, without a watch: what `elbow plan` looks at.

use std::fmt::Debug;

use elbow_crds::ingress_class_params::IngressClassParams;
use elbow_crds::target_group_binding::TargetGroupBinding;
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use k8s_openapi::{ClusterResourceScope, NamespaceResourceScope};
use kube::api::ListParams;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use super::{Stores, trim, trim_ingress};
use crate::kubernetes;

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
    let nodes = list_all::<Node>(client).await?;
    stores.nodes.replace(nodes.into_iter().map(trim::node).collect());
    fill_ingresses(client, stores, namespace).await?;
    stores.mark_synced();
    Ok(())
}

async fn fill_ingresses(
    client: &Client,
    stores: &Stores,
    namespace: Option<&str>,
) -> Result<(), kube::Error> {
    let ingresses = list::<Ingress>(client, namespace).await?.into_iter();
    stores
        .ingresses
        .replace(ingresses.map(trim_ingress::ingress).collect());
    let classes = list_all::<IngressClass>(client).await?.into_iter();
    stores
        .ingress_classes
        .replace(classes.map(trim_ingress::ingress_class).collect());
    let namespaces = list_all::<Namespace>(client).await?.into_iter();
    stores
        .namespaces
        .replace(namespaces.map(trim_ingress::namespace).collect());
    if kubernetes::kinds(client).await?.class_params {
        let params = list_all::<IngressClassParams>(client).await?.into_iter();
        stores
            .class_params
            .replace(params.map(trim_ingress::class_params).collect());
    }
    Ok(())
}

async fn list_all<K>(client: &Client) -> Result<Vec<K>, kube::Error>
where
    K: Resource<Scope = ClusterResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let api = Api::<K>::all(client.clone());
    Ok(api.list(&ListParams::default()).await?.items)
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
