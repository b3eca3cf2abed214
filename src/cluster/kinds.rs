//! The kinds that are read: one list, for the watches, for a snapshot and for manifests in files.

use std::fmt::Debug;

use elbow_core::settings::Settings;
use elbow_crds::ingress_class_params::IngressClassParams;
use elbow_crds::target_group_binding::TargetGroupBinding;
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use k8s_openapi::{ClusterResourceScope, NamespaceResourceScope};
use kube::api::ApiResource;
use kube::core::DeserializeGuard;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use super::store::{Change, Store, Trimmed};
use super::wake::{self, Wakes};
use super::{Stores, trim, trim_ingress, wake_ingress};
use crate::manifests::Assigned;

/// Optional kinds that the cluster serves.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    /// `ingressclassparams.elbv2.k8s.aws`.
    pub class_params: bool,
    /// `gateways.gateway.networking.k8s.io`.
    pub gateway: Option<ApiResource>,
}

/// A type of the API whose kind is known when compiled.
pub trait Typed:
    Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static
{
}

impl<K> Typed for K where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static
{
}

/// How objects of a kind are reached and cut down, where they are kept, and whom a change wakes.
pub struct Kind<K, T> {
    /// Where the API server has them: all, or those of one namespace.
    pub api: fn(&Client, Option<&str>) -> Api<DeserializeGuard<K>>,
    /// Cuts an object down; the text is `--quic-environment-variable-name`.
    pub trim: fn(K, &str) -> T,
    /// Where they are kept.
    pub store: fn(&Stores) -> &Store<T>,
    /// Whom a change wakes.
    pub wakes: fn(&Change<T>, &Stores, &Settings) -> Wakes,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// What the API server assigns besides metadata: taken from the object of that name, or a placeholder.
    pub assign: fn(&mut T, Option<&T>, &mut Assigned),
}

/// Somebody who reads every kind.
pub trait Reader {
    /// Reads one kind.
    fn read<K: Typed, T: Trimmed>(
        &self,
        kind: Kind<K, T>,
    ) -> impl Future<Output = Result<(), kube::Error>> + Send;

    /// Reads the metadata of Gateways.
    fn read_gateways(&self, resource: &ApiResource) -> impl Future<Output = Result<(), kube::Error>> + Send;

    /// A kind that the cluster does not serve: there is nothing to wait for.
    fn absent<T: Trimmed>(&self, store: fn(&Stores) -> &Store<T>);
}

/// Reads every kind at once; ends with the first error.
pub async fn read_all<R: Reader + Sync>(reader: &R, optional: &Kinds) -> Result<(), kube::Error> {
    let class_params = async {
        if optional.class_params {
            return reader.read(class_params()).await;
        }
        reader.absent(|stores| &stores.class_params);
        Ok(())
    };
    let gateways = async {
        if let Some(resource) = &optional.gateway {
            return reader.read_gateways(resource).await;
        }
        reader.absent(|stores| &stores.gateways);
        Ok(())
    };
    futures::try_join!(
        reader.read(services()),
        reader.read(slices()),
        reader.read(pods()),
        reader.read(bindings()),
        reader.read(nodes()),
        reader.read(ingresses()),
        reader.read(ingress_classes()),
        reader.read(namespaces()),
        class_params,
        gateways,
    )?;
    Ok(())
}

fn namespaced<K>(client: &Client, namespace: Option<&str>) -> Api<DeserializeGuard<K>>
where
    K: Typed + Resource<Scope = NamespaceResourceScope>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// Kinds without namespaces are read whole, whatever namespace is watched.
fn cluster_wide<K>(client: &Client, _namespace: Option<&str>) -> Api<DeserializeGuard<K>>
where
    K: Typed + Resource<Scope = ClusterResourceScope>,
{
    Api::all(client.clone())
}

fn services() -> Kind<Service, elbow_core::view::Service> {
    Kind {
        api: namespaced,
        trim: |service, _| trim::service(service),
        store: |stores| &stores.services,
        wakes: |change, stores, settings| wake::by_service(change, stores, &settings.realm.vpc),
        namespaced: true,
        assign: |service, present, assigned| assigned.service(service, present),
    }
}

fn slices() -> Kind<EndpointSlice, elbow_core::view::EndpointSlice> {
    Kind {
        api: namespaced,
        trim: |slice, _| trim::endpoint_slice(slice),
        store: |stores| &stores.slices,
        wakes: |change, stores, _| wake::by_slice(change, stores),
        namespaced: true,
        assign: |_, _, _| {},
    }
}

fn pods() -> Kind<Pod, elbow_core::view::Pod> {
    Kind {
        api: namespaced,
        trim: trim::pod,
        store: |stores| &stores.pods,
        wakes: |change, stores, _| wake::by_pod(change, stores),
        namespaced: true,
        assign: |_, _, _| {},
    }
}

fn bindings() -> Kind<TargetGroupBinding, elbow_core::view::BindingObject> {
    Kind {
        api: namespaced,
        trim: |binding, _| trim::binding(binding),
        store: |stores| &stores.bindings,
        wakes: |change, _, _| wake::by_binding(change),
        namespaced: true,
        assign: |_, _, _| {},
    }
}

fn nodes() -> Kind<Node, elbow_core::view::Node> {
    Kind {
        api: cluster_wide,
        trim: |node, _| trim::node(node),
        store: |stores| &stores.nodes,
        wakes: |change, stores, _| wake::by_node(change, stores),
        namespaced: false,
        assign: |_, _, _| {},
    }
}

fn ingresses() -> Kind<Ingress, elbow_core::view::Ingress> {
    Kind {
        api: namespaced,
        trim: |ingress, _| trim_ingress::ingress(ingress),
        store: |stores| &stores.ingresses,
        wakes: wake_ingress::by_ingress,
        namespaced: true,
        assign: |_, _, _| {},
    }
}

fn ingress_classes() -> Kind<IngressClass, elbow_core::view::IngressClass> {
    Kind {
        api: cluster_wide,
        trim: |class, _| trim_ingress::ingress_class(class),
        store: |stores| &stores.ingress_classes,
        wakes: wake_ingress::by_class,
        namespaced: false,
        assign: |_, _, _| {},
    }
}

fn namespaces() -> Kind<Namespace, elbow_core::view::Namespace> {
    Kind {
        api: cluster_wide,
        trim: |namespace, _| trim_ingress::namespace(namespace),
        store: |stores| &stores.namespaces,
        wakes: wake_ingress::by_namespace,
        namespaced: false,
        assign: |_, _, _| {},
    }
}

fn class_params() -> Kind<IngressClassParams, elbow_core::view::IngressClassParams> {
    Kind {
        api: cluster_wide,
        trim: |params, _| trim_ingress::class_params(params),
        store: |stores| &stores.class_params,
        wakes: wake_ingress::by_params,
        namespaced: false,
        assign: |_, _, _| {},
    }
}
