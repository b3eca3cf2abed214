//! Scheduler and kubelet: pods come, get ready, go.

use std::collections::BTreeSet;

use elbow_e2e::manifests::Backend;
use elbow_e2e::wait;
use elbow_e2e::world::{READY, SERVER};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::shared::{SOON, address, condition, node, run};

#[test]
fn a_deployment_of_three_gets_ready_at_addresses_of_its_nodes() {
    run(async |shared| {
        let namespace = shared.namespace("three-pods").await?;
        let service = json!({
            "metadata": { "name": "web" },
            "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80, "targetPort": 8080 }] },
        });
        shared
            .create::<k8s_openapi::api::core::v1::Service>(&namespace, service)
            .await?;
        shared
            .deploy(&Backend {
                replicas: 3,
                ..Backend::new(&namespace, "web")
            })
            .await?;
        let pods = shared.ready_pods(&namespace, "web", 3).await?;
        for pod in &pods {
            let machine = shared
                .world
                .machines()
                .find(|machine| machine.node == node(pod))
                .unwrap();
            assert!(
                machine.pod_addresses.contains(&address(pod)),
                "{} on {}",
                address(pod),
                machine.node
            );
            let (status, body) = shared.get(address(pod), 8080, "/").await.unwrap();
            assert_eq!((status, body), (200, format!("{namespace}/{}", pod.name_any())));
        }
        let addresses: BTreeSet<String> = pods.iter().map(|pod| address(pod).to_string()).collect();
        assert_eq!(addresses.len(), 3);
        let slices: Api<EndpointSlice> = shared.api(&namespace);
        wait::until("an EndpointSlice with the three pods", SOON, async || {
            let slices = slices.list(&ListParams::default()).await?.items;
            let ready: BTreeSet<String> = slices
                .iter()
                .flat_map(|slice| slice.endpoints.iter().flatten())
                .filter(|one| one.conditions.as_ref().and_then(|all| all.ready) == Some(true))
                .flat_map(|one| one.addresses.clone())
                .collect();
            Ok((ready == addresses).then_some(()))
        })
        .await
    });
}

#[test]
fn a_readiness_gate_holds_ready_back_until_its_condition_is_true() {
    run(async |shared| {
        let namespace = shared.namespace("gated").await?;
        let gate = "target-health.elbv2.k8s.aws/k8s-gated";
        let backend = Backend {
            readiness_gates: vec![gate.into()],
            ..Backend::new(&namespace, "web")
        };
        shared.deploy(&backend).await?;
        let pod = wait::until("ready containers", SOON, async || {
            let pods = shared.pods(&namespace, "web").await?;
            Ok(pods
                .into_iter()
                .find(|pod| condition(pod, "ContainersReady") == "True"))
        })
        .await?;
        assert_eq!(condition(&pod, "Ready"), "False");
        let api: Api<Pod> = shared.api(&namespace);
        let set = async |status: &str| {
            let patch = json!({ "status": { "conditions": [{ "type": gate, "status": status }] } });
            api.patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Strategic(patch))
                .await
        };
        set("True").await?;
        shared.ready_pods(&namespace, "web", 1).await?;
        set("False").await?;
        shared.ready_pods_none(&namespace, "web").await
    });
}

#[test]
fn a_terminating_pod_serves_through_its_grace_period_and_is_gone_after_it() {
    run(async |shared| {
        let namespace = shared.namespace("terminating").await?;
        shared
            .deploy(&Backend {
                grace_seconds: 3,
                ..Backend::new(&namespace, "web")
            })
            .await?;
        let pod = shared.ready_pods(&namespace, "web", 1).await?.remove(0);
        let asked = tokio::time::Instant::now();
        shared.delete_pod(&pod).await?;
        assert!(
            shared.get(address(&pod), 8080, "/").await.is_some(),
            "it stopped serving at once"
        );
        let api: Api<Pod> = shared.api(&namespace);
        wait::until("the pod to be gone", SOON, async || {
            Ok(api.get_opt(&pod.name_any()).await?.is_none().then_some(()))
        })
        .await?;
        assert!(
            asked.elapsed().as_secs_f32() >= 2.5,
            "gone after {:?}, the grace period is 3 s",
            asked.elapsed()
        );
        // Its Deployment makes another one; nobody listens at the old address unless it got that very one.
        let next = shared.ready_pods(&namespace, "web", 1).await?.remove(0);
        assert_ne!(next.name_any(), pod.name_any());
        if address(&next) != address(&pod) {
            assert_eq!(shared.get(address(&pod), 8080, "/").await, None);
        }
        Ok(())
    });
}

#[test]
fn annotations_make_a_pod_unready_or_refuse_connections() {
    run(async |shared| {
        let namespace = shared.namespace("annotated").await?;
        shared.deploy(&Backend::new(&namespace, "web")).await?;
        let pod = shared.ready_pods(&namespace, "web", 1).await?.remove(0);
        let api: Api<Pod> = shared.api(&namespace);
        let annotate = async |key: &str, value: Option<&str>| {
            let patch = json!({ "metadata": { "annotations": { key: value } } });
            api.patch(&pod.name_any(), &PatchParams::default(), &Patch::Merge(patch))
                .await
        };
        annotate(SERVER, Some("refuse")).await?;
        wait::until("the pod to refuse connections", SOON, async || {
            Ok(shared.get(address(&pod), 8080, "/").await.is_none().then_some(()))
        })
        .await?;
        shared.ready_pods(&namespace, "web", 1).await?;
        annotate(SERVER, None).await?;
        annotate(READY, Some("false")).await?;
        shared.ready_pods_none(&namespace, "web").await?;
        assert!(shared.get(address(&pod), 8080, "/").await.is_some());
        Ok(())
    });
}
