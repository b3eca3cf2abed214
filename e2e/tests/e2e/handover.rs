//! `elbow handover` as its user runs it: the controller is stopped, the command renumbers the rules of an edited
//! Ingress, and the controller that starts afterwards has nothing to write.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::rig::{Rig, Setup};
use crate::shared::{Shared, run};

const NAME: &str = "handover";

#[test]
fn the_rules_of_an_edited_ingress_are_handed_over_by_the_command() {
    run(async |shared| {
        let mut rig = Rig::start(shared, NAME, Setup::default()).await?;
        publish(shared, &rig).await?;
        rig.settled().await?;
        rig.quiet().await?;
        let inserted = json!({ "spec": { "rules": rules(&["/orders/new", "/orders", "/"]) } });
        let ingresses: Api<Ingress> = shared.api(&rig.namespace);
        let parameters = PatchParams::default();
        ingresses
            .patch("web", &parameters, &Patch::Merge(&inserted))
            .await?;
        rig.settled().await?;
        rig.quiet().await?;
        rig.controller.stop().await?;

        let before = rig.last_call().await?;
        let told = rig.command("handover", &["--dry-run"]).await?;
        ensure!(told.contains("numbered like upstream"), "{told}");
        ensure!(
            mutations(&rig, before).await?.is_empty(),
            "--dry-run wrote to AWS"
        );
        ensure!(
            rig.command("handover", &[]).await? == told,
            "it does what it said"
        );
        let done = mutations(&rig, before).await?;
        let renumbered = done.iter().filter(|name| *name == "SetRulePriorities").count();
        println!("handover of one listener with three rules: {done:?}");
        ensure!(renumbered == 1, "one call per listener: {done:?}");
        ensure!(
            done.iter()
                .all(|name| ["SetRulePriorities", "AddTags"].contains(&name.as_str())),
            "{done:?}"
        );

        let after = rig.last_call().await?;
        let again = rig.command("handover", &[]).await?;
        ensure!(again.starts_with("no changes: "), "{again}");
        rig.restart_stopped().await?;
        rig.quiet().await?;
        let resumed = mutations(&rig, after).await?;
        ensure!(resumed.is_empty(), "the next controller wrote {resumed:?}");
        Ok(())
    });
}

/// A class, two pods behind a Service, and an Ingress with two paths.
async fn publish(shared: &Shared, rig: &Rig) -> Result<()> {
    let class: IngressClass = serde_json::from_value(json!({
        "metadata": { "name": NAME },
        "spec": { "controller": "ingress.k8s.aws/alb" },
    }))?;
    let classes: Api<IngressClass> = Api::all(shared.client());
    classes.create(&PostParams::default(), &class).await?;
    let service = json!({
        "metadata": { "name": "web" },
        "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80, "targetPort": 8080 }] },
    });
    shared.create::<Service>(&rig.namespace, service).await?;
    shared.deploy_two(&rig.namespace, "web").await?;
    let ingress = json!({
        "metadata": {
            "name": "web",
            "annotations": { "alb.ingress.kubernetes.io/target-type": "ip" },
        },
        "spec": { "ingressClassName": NAME, "rules": rules(&["/orders", "/"]) },
    });
    shared.create::<Ingress>(&rig.namespace, ingress).await?;
    Ok(())
}

fn rules(paths: &[&str]) -> Value {
    let paths = paths.iter().map(|path| {
        json!({
            "path": path, "pathType": "Prefix",
            "backend": { "service": { "name": "web", "port": { "number": 80 } } },
        })
    });
    json!([{ "host": "shop.example", "http": { "paths": paths.collect::<Vec<Value>>() } }])
}

/// The operations of the mutations after a call.
async fn mutations(rig: &Rig, since: u64) -> Result<Vec<String>> {
    let calls = rig.calls_since(since).await?;
    let mutations = calls.iter().filter(|call| call["mutation"] == true);
    let operation = |call: &Value| call["operation"].as_str().unwrap_or_default().to_owned();
    Ok(mutations.map(operation).collect())
}
