//! The controller needs its roles and gets by with them.

use anyhow::Result;
use elbow_e2e::manifests::Backend;
use elbow_e2e::wait;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use serde_json::json;

use crate::rig::{Rig, SETTLED_WITHIN, Setup, load_balancer};
use crate::shared::run;

#[test]
fn the_roles_are_enough_for_a_service_and_are_never_exceeded() {
    run(async |shared| {
        let seed = "delays: {provisioning: 10, network_registration: 10}";
        let mut rig = Rig::start(
            shared,
            "roles",
            Setup {
                seed,
                ..Setup::default()
            },
        )
        .await?;
        shared
            .create::<Service>(&rig.namespace, load_balancer("web", "web", "ip"))
            .await?;
        shared.deploy(&Backend::new(&rig.namespace, "web")).await?;
        shared.ready_pods(&rig.namespace, "web", 1).await?;
        rig.settled().await?;
        let services: Api<Service> = shared.api(&rig.namespace);
        services.delete("web", &DeleteParams::default()).await?;
        wait::until("the Service to be gone", SETTLED_WITHIN, async || {
            Ok(services.get_opt("web").await?.is_none().then_some(()))
        })
        .await?;
        // That nothing was refused is the rig's own check, here as everywhere.
        assert!(
            rig.requests()?
                .iter()
                .any(|one| one.resource == "services/status")
        );
        Ok(())
    });
}

#[test]
fn without_the_rule_for_service_status_no_address_is_published() {
    run(async |shared| {
        let rules = |rules: &mut Vec<k8s_openapi::api::rbac::v1::PolicyRule>| {
            for rule in rules {
                rule.resources
                    .get_or_insert_default()
                    .retain(|name| name != "services/status");
            }
        };
        let rig = Rig::start(
            shared,
            "no-status-rule",
            Setup {
                rules,
                lacks_permission: true,
                ..Setup::default()
            },
        )
        .await?;
        shared
            .create::<Service>(&rig.namespace, load_balancer("web", "web", "ip"))
            .await?;
        wait::until("the refusal of the status", SETTLED_WITHIN, async || {
            let refused = rig
                .requests()?
                .into_iter()
                .any(|one| one.is_denied && one.resource == "services/status");
            Ok(refused.then_some(()))
        })
        .await?;
        let services: Api<Service> = shared.api(&rig.namespace);
        let status = services
            .get("web")
            .await?
            .status
            .and_then(|status| status.load_balancer);
        assert!(status.and_then(|status| status.ingress).is_none());
        Ok(())
    });
}

#[test]
fn a_refused_aws_call_or_a_wrong_annotation_is_told_on_its_service_and_harms_no_other() {
    run(async |shared| {
        let seed = "delays: {provisioning: 10, network_registration: 10}";
        let mut rig = Rig::start(
            shared,
            "refused",
            Setup {
                seed,
                ..Setup::default()
            },
        )
        .await?;
        let mut wrong = load_balancer("wrong", "web", "ip");
        wrong["metadata"]["annotations"]["service.beta.kubernetes.io/aws-load-balancer-healthcheck-interval"] =
            json!("soon");
        let mut homeless = load_balancer("homeless", "web", "ip");
        homeless["metadata"]["annotations"]["service.beta.kubernetes.io/aws-load-balancer-subnets"] =
            json!("subnet-0123456789abcdef0");
        let services: Api<Service> = shared.api(&rig.namespace);
        for service in [wrong, homeless, load_balancer("right", "web", "ip")] {
            services
                .create(&PostParams::default(), &serde_json::from_value(service)?)
                .await?;
        }
        told(&rig, "wrong", "healthcheck-interval").await?;
        told(&rig, "homeless", "subnet-0123456789abcdef0").await?;
        for service in ["wrong", "homeless"] {
            services.delete(service, &DeleteParams::default()).await?;
        }
        shared.deploy(&Backend::new(&rig.namespace, "web")).await?;
        shared.ready_pods(&rig.namespace, "web", 1).await?;
        // The right one is built by now; nothing of it has to be created any more.
        rig.look()
            .await?
            .account
            .load_balancer_of(&rig.namespace, "right")
            .expect("it has its load balancer");
        let fault = json!({ "operation": "CreateLoadBalancer", "kind": "access-denied" });
        rig.emulator.post("faults", &fault).await?;
        shared
            .create::<Service>(&rig.namespace, load_balancer("denied", "web", "ip"))
            .await?;
        told(&rig, "denied", "CreateLoadBalancer").await?;
        services.delete("denied", &DeleteParams::default()).await?;
        wait::until("the wrong Services to be gone", SETTLED_WITHIN, async || {
            Ok((services.list(&ListParams::default()).await?.items.len() == 1).then_some(()))
        })
        .await?;
        rig.settled().await?;
        Ok(())
    });
}

/// Waits for a warning on a Service that names what is wrong.
async fn told(rig: &Rig, service: &str, word: &str) -> Result<()> {
    let events: Api<Event> = rig.shared.api(&rig.namespace);
    wait::until(
        &format!("a warning on {service} that names {word}"),
        SETTLED_WITHIN,
        async || {
            let all = events.list(&ListParams::default()).await?.items;
            let told = all.iter().any(|event| {
                let on = event.regarding.as_ref().and_then(|object| object.name.as_deref()) == Some(service);
                let says = event.note.as_deref().is_some_and(|note| note.contains(word));
                on && says && event.type_.as_deref() == Some("Warning")
            });
            let notes: Vec<_> = all.iter().map(|event| (&event.reason, &event.note)).collect();
            anyhow::ensure!(told, "there are {notes:?}");
            Ok(Some(()))
        },
    )
    .await
}
