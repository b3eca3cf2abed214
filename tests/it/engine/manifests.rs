//! `elbow plan -f`: manifests that are not in a cluster.

use std::path::{Path, PathBuf};

use elbow::aws::LeaseGuard;
use elbow::cli::PlanOutput;
use elbow::cluster::snapshot;
use elbow::kubernetes::nobody;
use elbow::manifests::{Ground, Manifest, parse, read};
use elbow::planning::files::{Forecast, forecast};

use serde_json::{Value, json};

use super::objects::{PODS, world};
use super::plan::command;
use super::scenarios;
use super::world::{NODES, SLICES, World};
use crate::support::land::SERVICES;

const UNKNOWN: &str = "(known after apply)";

fn examples(file: &str) -> Vec<Manifest> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    read(&[folder.join(file)]).unwrap()
}

fn written(text: &str) -> Vec<Manifest> {
    parse(&PathBuf::from("some.yaml"), text).unwrap()
}

/// What is planned for manifests; the world's cluster is seen or not.
async fn planned(world: &World, manifests: &[Manifest], seen: bool) -> anyhow::Result<Forecast> {
    let client = if seen {
        world.land.cluster.client(&world.land.fuse)
    } else {
        nobody()
    };
    let engine = command(world, &client, LeaseGuard::not_held()).await;
    if seen {
        let unread = snapshot::fill(&client, &engine.stores, None, "").await.unwrap();
        assert_eq!(unread, []);
    }
    let ground = Ground {
        stores: &engine.stores,
        settings: &engine.settings,
        namespace: "default",
        quic: "",
    };
    let (mark, without) = (world.mark(), (!seen).then_some("no kubeconfig is given"));
    let forecast = forecast(&engine, manifests, &ground, without).await;
    let done = world.since(mark);
    assert!(
        done.writes().is_empty() && done.kubernetes.is_empty(),
        "{done:#?}"
    );
    forecast
}

#[tokio::test(start_paused = true)]
async fn all_examples_are_planned_without_a_cluster() {
    let forecast = planned(&world(), &examples(""), false).await.unwrap();
    insta::assert_snapshot!("examples_text", forecast.page(PlanOutput::Text));
    insta::assert_snapshot!("examples_json", forecast.page(PlanOutput::Json));
    insta::assert_snapshot!("examples_stack", forecast.page(PlanOutput::Stack));
    for output in [PlanOutput::Text, PlanOutput::Json, PlanOutput::Stack] {
        let page = forecast.page(output);
        assert!(page.contains(UNKNOWN));
        assert!(!page.contains("unassigned") && !page.contains("3276"), "{page}");
    }
    let document: serde_json::Value = serde_json::from_str(&forecast.page(PlanOutput::Json)).unwrap();
    assert_eq!(document["changes"], true);
    for line in forecast.page(PlanOutput::Stack).lines() {
        let model: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(model["resources"].is_object(), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_cluster_has_assigned_is_known() {
    let world = world();
    (scenarios::named("create ip.yaml").act)(&world);
    let mut controller = world.start();
    controller.to_rest().await;
    let page = planned(&world, &examples("ip.yaml"), true)
        .await
        .unwrap()
        .page(PlanOutput::Text);
    assert!(!page.contains(UNKNOWN), "{page}");
    let changes = page.lines().filter(|line| line.starts_with(' '));
    assert!(changes.clone().count() >= 2, "{page}");
    assert!(changes.clone().all(|line| line == "  no changes"), "{page}");
    let alone = planned(&world, &examples("instance-cluster.yaml"), true)
        .await
        .unwrap();
    let page = alone.page(PlanOutput::Text);
    assert!(
        page.contains("stack/service:demo/cluster\n") && !page.contains("service:demo/ip"),
        "{page}"
    );
    // Machines are there, so are the targets; only their port is not known.
    assert!(
        page.contains(&format!("  register   i-0e1b0000000000001 port {UNKNOWN}\n")),
        "{page}"
    );
    assert!(
        !page.contains("without a cluster") && !page.contains("no targets are planned"),
        "{page}"
    );
}

#[tokio::test(start_paused = true)]
async fn targets_are_planned_for_slices_in_the_files() {
    let source = world();
    scenarios::ip(&source);
    let mut items: Vec<Value> = [SERVICES, SLICES, NODES, super::world::PODS]
        .into_iter()
        .flat_map(|collection| source.list(collection))
        .collect();
    for item in &mut items {
        let meta = item["metadata"].as_object_mut().unwrap();
        meta.retain(|field, _| ["name", "namespace", "labels", "annotations"].contains(&field.as_str()));
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let page = planned(&world(), &written(&list), false)
        .await
        .unwrap()
        .page(PlanOutput::Text);
    for address in &PODS[..2] {
        let line = format!("  register   {address} port 8080\n");
        assert!(page.contains(&line), "no {line:?} in {page}");
    }
    assert!(
        page.contains("  authorise tcp 8080 from (k8s-traffic-c1-"),
        "{page}"
    );
    assert!(page.contains(&format!("binding/demo/{UNKNOWN}\n")), "{page}");
    assert!(!page.contains("no targets are planned"), "{page}");
}

const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  type: LoadBalancer\n  \
                       loadBalancerClass: service.k8s.aws/nlb\n  ports: [{port: 80, targetPort: 8080}]\n";

#[tokio::test(start_paused = true)]
async fn without_a_namespace_an_object_is_in_default_and_a_wrong_field_is_named() {
    let page = planned(&world(), &written(SERVICE), false)
        .await
        .unwrap()
        .page(PlanOutput::Text);
    assert!(page.contains("stack/service:default/web\n"), "{page}");
    let wrong = SERVICE.replace("port: 80,", "port: web,");
    let sentence = planned(&world(), &written(&wrong), false)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        sentence.starts_with("some.yaml: document 1: Service web: spec.ports[0].port: invalid type"),
        "{sentence}"
    );
}
