//! What must be there in the end, however often the controller was killed.

use std::fmt::Debug;

use anyhow::{Result, bail};
use elbow_core::key::StackKey;
use elbow_core::record::record_name;
use elbow_core::settings::Settings;
use elbow_crds::target_group_binding::TargetGroupBinding;
use elbow_e2e::control_plane::LEASE_NAMESPACE;
use elbow_e2e::programs::CLUSTER;
use elbow_e2e::wait;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::ListParams;
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use crate::canonical::canonical;
use crate::rig::{Rig, SETTLED_WITHIN};

/// Begins the name of the security group that all load balancers share.
const SHARED_GROUP: &str = "k8s-traffic-";

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// The canonical account, and every object with its address and its targets.
    Holds(String),
    /// No object and nothing in the account, but that the security group that all load balancers share may be
    /// there: it goes a minute after the last of them.
    Gone,
    /// Not even that group.
    Empty,
}

impl Goal {
    /// What is there now.
    pub async fn holds(rig: &Rig) -> Result<Self> {
        let state = rig.emulator.state().await?;
        Ok(Self::Holds(canonical(&state, &rig.namespace)))
    }

    pub async fn reached(&self, rig: &Rig, stacks: &[StackKey]) -> Result<()> {
        wait::until("the same end", SETTLED_WITHIN, async || {
            match self.missing(rig, stacks).await? {
                Some(missing) => bail!(missing),
                None => Ok(Some(())),
            }
        })
        .await
    }

    pub async fn missing(&self, rig: &Rig, stacks: &[StackKey]) -> Result<Option<String>> {
        match self {
            Self::Holds(wanted) => {
                let found = canonical(&rig.emulator.state().await?, &rig.namespace);
                if found != *wanted {
                    return Ok(Some(difference(wanted, &found)));
                }
                let kept = records(rig, stacks).await?;
                if kept < stacks.len() {
                    return Ok(Some(format!("{kept} records of {} stacks", stacks.len())));
                }
                Ok(rig.look().await?.with_scripted_health().missing())
            }
            Self::Gone => left(rig, stacks, |group| group.starts_with(SHARED_GROUP)).await,
            Self::Empty => left(rig, stacks, |_| false).await,
        }
    }
}

/// What is still there, but for security groups that may stay.
async fn left(rig: &Rig, stacks: &[StackKey], may_stay: fn(&str) -> bool) -> Result<Option<String>> {
    let objects = [
        ("Services of type LoadBalancer", load_balancers(rig).await?),
        ("Ingresses", count::<Ingress>(rig).await?),
        ("TargetGroupBindings", count::<TargetGroupBinding>(rig).await?),
        ("records", records(rig, stacks).await?),
    ];
    if let Some((what, count)) = objects.iter().find(|(_, count)| *count > 0) {
        return Ok(Some(format!("{count} {what} left")));
    }
    let mut account = rig.look().await?.account;
    account.ec2.security_groups.retain(|_, one| !may_stay(&one.name));
    Ok(account.rest())
}

async fn count<K>(rig: &Rig) -> Result<usize>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    let api: Api<K> = rig.shared.api(&rig.namespace);
    Ok(api.list(&ListParams::default()).await?.items.len())
}

async fn load_balancers(rig: &Rig) -> Result<usize> {
    Ok(rig.look().await?.load_balancers().count())
}

/// How many of the stacks still have a record.
async fn records(rig: &Rig, stacks: &[StackKey]) -> Result<usize> {
    let scope = Settings::new(CLUSTER, "", "").scope;
    let api: Api<ConfigMap> = rig.shared.api(LEASE_NAMESPACE);
    let mut found = 0;
    for stack in stacks {
        found += usize::from(api.get_opt(&record_name(&scope, stack)).await?.is_some());
    }
    Ok(found)
}

/// The first lines that differ.
fn difference(wanted: &str, found: &str) -> String {
    let pairs = wanted.lines().zip(found.lines());
    let differing = pairs.enumerate().filter(|(_, (wanted, found))| wanted != found);
    let shown: Vec<String> = differing
        .take(5)
        .map(|(at, (wanted, found))| format!("line {at}: wanted {wanted}, found {found}"))
        .collect();
    let (wanted, found) = (wanted.lines().count(), found.lines().count());
    format!("{} ({wanted} and {found} lines)", shown.join("; "))
}
