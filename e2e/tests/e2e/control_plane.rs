//! The control plane itself and what the user `elbow` may do in it.

use elbow_e2e::control_plane::{CONTROLLER, LEASE_NAMESPACE, client};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Node, Secret, Service};
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use crate::shared::{is_forbidden, run};

#[test]
fn the_control_plane_serves_kubernetes_and_elbows_kinds() {
    run(async |shared| {
        let version = shared.client().apiserver_version().await?;
        assert_eq!(version.major, "1");
        assert!(version.git_version.starts_with("v1."), "{}", version.git_version);
        let group = kube::discovery::group(&shared.client(), "elbv2.k8s.aws").await?;
        let kinds: Vec<String> = group
            .recommended_resources()
            .into_iter()
            .map(|(resource, _)| resource.kind)
            .collect();
        assert!(kinds.contains(&"TargetGroupBinding".to_owned()), "{kinds:?}");
        let services: Api<Service> = shared.api("default");
        let kubernetes = services.get("kubernetes").await?;
        assert_eq!(kubernetes.spec.unwrap().cluster_ip.unwrap(), "172.20.0.1");
        Ok(())
    });
}

#[test]
fn nodes_are_ready_and_carry_what_the_seed_says() {
    run(async |shared| {
        let nodes: Api<Node> = Api::all(shared.client());
        for machine in shared.world.machines() {
            let node = nodes.get(&machine.node).await?;
            let labels = node.metadata.labels.unwrap();
            assert_eq!(labels["topology.kubernetes.io/zone"], machine.zone);
            let spec = node.spec.unwrap();
            assert_eq!(
                spec.provider_id.unwrap(),
                format!("aws:///{}/{}", machine.zone, machine.instance_id)
            );
            assert!(spec.taints.is_none(), "{:?}", spec.taints);
            let status = node.status.unwrap();
            let internal = status
                .addresses
                .unwrap()
                .into_iter()
                .find(|one| one.type_ == "InternalIP")
                .unwrap();
            assert_eq!(internal.address, machine.address.to_string());
            let ready = status
                .conditions
                .unwrap()
                .into_iter()
                .find(|one| one.type_ == "Ready")
                .unwrap();
            assert_eq!(ready.status, "True");
        }
        Ok(())
    });
}

#[test]
fn the_user_elbow_is_no_administrator() {
    run(async |shared| {
        let elbow = client(&shared.control_plane.controller_kubeconfig()).await?;
        let all = ListParams::default();
        Api::<Service>::all(elbow.clone()).list(&all).await?;
        Api::<ConfigMap>::namespaced(elbow.clone(), LEASE_NAMESPACE)
            .list(&all)
            .await?;
        let leases: Api<Lease> = Api::namespaced(elbow.clone(), LEASE_NAMESPACE);
        leases.get_opt("aws-load-balancer-controller-leader").await?;
        assert!(is_forbidden(Api::<Secret>::all(elbow.clone()).list(&all).await));
        assert!(is_forbidden(
            Api::<ConfigMap>::namespaced(elbow.clone(), "default")
                .list(&all)
                .await
        ));
        assert!(is_forbidden(leases.get("another-lease").await));
        let namespace = serde_json::from_value(json!({ "metadata": { "name": "not-mine" } }))?;
        let created = Api::<Namespace>::all(elbow)
            .create(&PostParams::default(), &namespace)
            .await;
        assert!(is_forbidden(created));

        let requests = shared.control_plane.requests_of(CONTROLLER)?;
        let refused: Vec<_> = requests.iter().filter(|request| request.is_denied).collect();
        assert!(
            refused
                .iter()
                .any(|request| request.resource == "secrets" && !request.is_write()),
            "{refused:?}"
        );
        assert!(
            refused
                .iter()
                .any(|request| request.resource == "namespaces" && request.is_write()),
            "{refused:?}"
        );
        Ok(())
    });
}

#[test]
fn a_user_without_one_rule_is_refused_just_there() {
    run(async |shared| {
        let namespace = shared.namespace("without-one-rule").await?;
        let service = json!({ "metadata": { "name": "web" }, "spec": { "type": "LoadBalancer", "ports": [{ "port": 80 }] } });
        shared.create::<Service>(&namespace, service).await?;
        let patch = |user: Client| {
            let api: Api<Service> = Api::namespaced(user, &namespace);
            let status =
                json!({ "status": { "loadBalancer": { "ingress": [{ "hostname": "a.example" }] } } });
            async move {
                api.patch_status("web", &PatchParams::default(), &Patch::Merge(status))
                    .await
            }
        };
        let reduced = shared
            .control_plane
            .user("elbow-without-service-status", |rules| {
                for rule in rules.iter_mut() {
                    rule.resources
                        .get_or_insert_default()
                        .retain(|name| name != "services/status");
                }
            })
            .await?;
        let reduced = client(&reduced).await?;
        Api::<Service>::all(reduced.clone())
            .list(&ListParams::default())
            .await?;
        assert!(is_forbidden(patch(reduced).await));
        patch(client(&shared.control_plane.controller_kubeconfig()).await?).await?;
        Ok(())
    });
}
