//! The proxy between a controller and the API: it counts writes, holds one, and lets watches through.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use elbow_e2e::api_proxy::{ApiProxy, Release, Side, Write};
use elbow_e2e::control_plane::client;
use elbow_e2e::programs::Controller;
use elbow_e2e::wait;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, Client};
use serde_json::json;

use crate::rig::{Rig, Setup, load_balancer};
use crate::shared::{SOON, Shared, run};

/// How long a held write is watched for staying held.
const A_WHILE: Duration = Duration::from_millis(300);

#[test]
fn the_proxy_holds_a_write_before_or_after_its_commit_and_streams_watches() {
    run(async |shared| {
        let namespace = shared.namespace("api-proxy").await?;
        let (proxy, through) = proxy(shared, &namespace).await?;
        let behind: Api<ConfigMap> = Api::namespaced(through.clone(), &namespace);
        let direct: Api<ConfigMap> = shared.api(&namespace);

        let watch = WatchParams::default()
            .fields("metadata.name=one")
            .disable_bookmarks();
        let mut events = behind.watch(&watch, "0").await?.boxed();
        let one = serde_json::from_value(json!({ "metadata": { "name": "one" }, "data": { "n": "0" } }))?;
        behind.create(&PostParams::default(), &one).await?;
        let seen = tokio::time::timeout(SOON, events.try_next()).await??;
        ensure!(
            matches!(seen, Some(WatchEvent::Added(_))),
            "the watch showed {seen:?}"
        );
        let lease = serde_json::from_value(json!({ "metadata": { "name": "lease" } }))?;
        let leases: Api<Lease> = Api::namespaced(through, &namespace);
        leases.create(&PostParams::default(), &lease).await?;
        behind.get("one").await?;
        assert_eq!(proxy.writes(), [write(1, "POST", &namespace, "")]);

        // Held before, the change is not made; cut, it never is.
        proxy.hold(2, Side::Before);
        set(&behind, "1").await?;
        let held = tokio::spawn({
            let behind = behind.clone();
            async move { set(&behind, "2").await }
        });
        assert_eq!(until_held(&proxy).await?, write(3, "PATCH", &namespace, "/one"));
        let beside = tokio::time::timeout(A_WHILE, set(&behind, "beside")).await;
        ensure!(beside.is_err(), "a write beside the held one was answered");
        assert_eq!(value(&direct).await?, "1");
        proxy.release(Release::Cut);
        ensure!(held.await?.is_err(), "a cut write was answered");
        assert_eq!(value(&direct).await?, "1");

        // Held after, it is made and nobody hears of it.
        proxy.hold(1, Side::After);
        let held = tokio::spawn({
            let behind = behind.clone();
            async move { set(&behind, "3").await }
        });
        until_held(&proxy).await?;
        assert_eq!(value(&direct).await?, "3");
        ensure!(!held.is_finished(), "a held write was answered");
        proxy.release(Release::Answer);
        held.await??;

        behind.delete("one", &DeleteParams::default()).await?;
        ensure!(proxy.held().is_none(), "nothing is held any more");
        let deleted = async {
            while let Some(event) = events.try_next().await? {
                if let WatchEvent::Deleted(_) = event {
                    return Ok(());
                }
            }
            anyhow::bail!("the watch ended")
        };
        tokio::time::timeout(SOON, deleted).await?
    });
}

#[test]
fn a_controller_works_behind_the_proxy_and_its_writes_are_counted() {
    run(async |shared| {
        let mut rig = Rig::start(shared, "behind-proxy", Setup::default()).await?;
        rig.controller.process().kill()?;
        let user = client(&rig.options.kubeconfig).await?;
        let proxy = ApiProxy::start(user).await?;
        rig.options.kubeconfig = proxy.write_kubeconfig(&rig.options.folder)?;
        rig.controller = Controller::start(&rig.options)?;
        rig.controller.ready().await?;
        let service = load_balancer("web", "none", "instance");
        shared.create::<Service>(&rig.namespace, service).await?;
        rig.settled().await?;
        rig.quiet().await?;
        let mut kinds = BTreeMap::new();
        for write in proxy.writes() {
            let plural = write
                .path
                .split('/')
                .skip_while(|part| *part != rig.namespace && *part != "kube-system");
            let plural = plural.take(2).last().unwrap_or_default().to_owned();
            *kinds.entry((write.method, plural)).or_insert(0_usize) += 1;
        }
        println!("one Service: {kinds:?}");
        for (method, plural) in [
            ("PATCH", "services"),
            ("POST", "targetgroupbindings"),
            ("POST", "configmaps"),
        ] {
            let what = (method.to_owned(), plural.to_owned());
            ensure!(kinds.contains_key(&what), "{what:?} is not among {kinds:?}");
        }
        Ok(())
    });
}

async fn proxy(shared: &Shared, namespace: &str) -> Result<(ApiProxy, Client)> {
    let proxy = ApiProxy::start(shared.client()).await?;
    let folder = shared.control_plane.folder().join(namespace);
    std::fs::create_dir(&folder)?;
    let through = client(&proxy.write_kubeconfig(&folder)?).await?;
    Ok((proxy, through))
}

fn write(number: usize, method: &str, namespace: &str, rest: &str) -> Write {
    Write {
        number,
        method: method.to_owned(),
        path: format!("/api/v1/namespaces/{namespace}/configmaps{rest}"),
    }
}

async fn set(api: &Api<ConfigMap>, value: &str) -> Result<()> {
    let patch = Patch::Merge(json!({ "data": { "n": value } }));
    api.patch("one", &PatchParams::default(), &patch).await?;
    Ok(())
}

async fn value(api: &Api<ConfigMap>) -> Result<String> {
    let data = api.get("one").await?.data.unwrap_or_default();
    data.get("n").cloned().context("it has a value")
}

async fn until_held(proxy: &ApiProxy) -> Result<Write> {
    wait::until("a held write", SOON, async || Ok(proxy.held())).await
}
