//! Ingresses, alone and in a group over two namespaces: created, at rest, deleted.
//!
//! A group reaches over namespaces, so the controller looks at all of them and has a cluster of its own.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use elbow_e2e::account::Account;
use elbow_e2e::control_plane::CONTROLLER;
use elbow_e2e::demo::Parts;
use elbow_e2e::sight::Sight;
use elbow_e2e::{apply, wait};
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::ListParams;
use kube::core::DynamicObject;
use kube::{Api, ResourceExt};

use crate::examples::EXAMPLES;
use crate::rig::SETTLED_WITHIN;

/// The other files have nothing to do with Ingresses.
const FILES: [&str; 4] = [
    "00-namespace.yaml",
    "ingress-class.yaml",
    "ingress-group.yaml",
    "ingress-ip.yaml",
];
const NAMESPACES: [&str; 2] = ["demo", "demo-other"];
const SPEED: u32 = 10;

#[test]
fn an_ingress_and_a_group_over_two_namespaces_live_rest_and_go() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(Box::pin(life()))
        .unwrap_or_else(|error| panic!("{error:#}"));
}

async fn life() -> Result<()> {
    let mut parts = Parts::start(SPEED).await?;
    let client = parts.control_plane.administrator();
    let objects = examples()?;
    apply::apply(&client, &objects).await?;
    let sight = settled(&mut parts).await?;
    println!("{}\n{}", sight.ingresses_table(), sight.tree());
    assert_eq!(sight.account.elb.load_balancers.len(), 2);
    let mut orders: Vec<Vec<String>> = sight.rule_order().into_iter().map(|(_, order)| order).collect();
    orders.sort();
    assert_eq!(
        orders,
        [
            vec!["demo/moved", "demo/orders", "demo-other/reports"],
            vec!["demo/web"]
        ],
        "one load balancer each, the group's rules in its order"
    );
    for (name, finalizer) in finalizers(&parts).await? {
        let wanted = match name.as_str() {
            "demo/web" => "ingress.k8s.aws/resources",
            _ => "group.ingress.k8s.aws/portal",
        };
        assert_eq!(finalizer, [wanted], "{name}");
    }
    rests(&parts).await?;
    apply::delete(&client, &objects).await?;
    gone(&parts).await?;
    parts.control_plane.check_permissions(CONTROLLER)
}

fn examples() -> Result<Vec<DynamicObject>> {
    let mut objects = Vec::new();
    for file in FILES {
        objects.extend(apply::read_file(&Path::new(EXAMPLES).join(file))?);
    }
    Ok(objects)
}

/// Every member has the address, every path its rule, every rule its healthy targets.
async fn settled(parts: &mut Parts) -> Result<Sight> {
    let seen = wait::until("rules and targets as wanted", SETTLED_WITHIN, async || {
        let client = parts.control_plane.administrator();
        let sight = Sight::take_all(client, &parts.world, &parts.emulator, &NAMESPACES).await?;
        match sight.missing() {
            Some(missing) => bail!(missing),
            None => Ok(Some(sight)),
        }
    })
    .await;
    match seen {
        Ok(sight) => Ok(sight),
        Err(error) => {
            let runs = parts.controller.stacks().await.unwrap_or_default()["runs"].clone();
            let lines = parts.controller.process().last_lines(5);
            Err(error.context(format!("{runs:#}\n{lines}")))
        }
    }
}

/// No key that is looked at again asks AWS anything or writes anything.
async fn rests(parts: &Parts) -> Result<()> {
    let pause = Duration::from_secs(2);
    wait::until("the controller to be idle", SETTLED_WITHIN, async || {
        let before = acts(parts).await?;
        tokio::time::sleep(pause).await;
        Ok((before == acts(parts).await?).then_some(()))
    })
    .await?;
    let before = acts(parts).await?;
    for _ in 0..3 {
        assert_eq!(parts.controller.enqueue().await?, 202);
        tokio::time::sleep(pause).await;
    }
    assert_eq!(
        acts(parts).await?,
        before,
        "number of AWS calls, of Kubernetes writes"
    );
    Ok(())
}

/// How many calls AWS has got, and how often the controller wrote to Kubernetes, its lease apart.
async fn acts(parts: &Parts) -> Result<(u64, usize)> {
    let calls = parts.emulator.get("calls?since=1000000000").await?;
    let requests = parts.control_plane.requests_of(CONTROLLER)?;
    let writes = requests
        .iter()
        .filter(|one| one.is_write() && one.resource != "leases");
    Ok((calls["last"].as_u64().unwrap_or_default(), writes.count()))
}

/// The finalizers of all Ingresses, by `NAMESPACE/NAME`.
async fn finalizers(parts: &Parts) -> Result<Vec<(String, Vec<String>)>> {
    let all: Api<Ingress> = Api::all(parts.control_plane.administrator());
    let items = all.list(&ListParams::default()).await?.items;
    let described = |one: &Ingress| {
        let name = format!("{}/{}", one.namespace().unwrap_or_default(), one.name_any());
        (name, one.finalizers().to_vec())
    };
    Ok(items.iter().map(described).collect())
}

async fn gone(parts: &Parts) -> Result<()> {
    let what = "an empty AWS account and no Ingress left";
    wait::until(what, SETTLED_WITHIN, async || {
        let left = finalizers(parts).await?;
        if !left.is_empty() {
            bail!("there are still {left:?}");
        }
        if let Some(rest) = Account::read(parts.emulator.state().await?)?.rest() {
            bail!("there is still {rest}");
        }
        Ok(Some(()))
    })
    .await
}
