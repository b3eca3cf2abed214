//! `elbow plan -f`: what applying manifests would lead to.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use anyhow::Result;
use elbow_core::key::{Key, Lane, StackKey};
use elbow_core::model::Stack;
use elbow_core::plan::{Outcome, Report};
use serde_json::Value;

use crate::ask::Wanted;
use crate::aws::Cx;
use crate::cli::{PlanArgs, PlanOutput};
use crate::config::Config;
use crate::engine::Engine;
use crate::kubernetes::{self, Clients, ConnectError};
use crate::manifests::{self, Assigned, Ground, Manifest, Overlay};
use crate::reconcile;
use crate::targets::Extent;

/// Namespace of objects that name none, where no cluster says otherwise.
const NAMESPACE: &str = "default";

/// A report in which some names and ports are not known yet.
#[derive(Debug)]
pub struct Forecast {
    /// The report, with placeholders.
    pub report: Report,
    /// The placeholders.
    pub assigned: Assigned,
}

/// What is printed.
pub(super) async fn page(args: &PlanArgs, config: &Config) -> Result<String> {
    let manifests = manifests::read(&args.filename)?;
    let cluster = cluster(config).await?;
    let (client, namespace) = match &cluster {
        Ok(clients) => {
            let client = clients.requests.clone();
            let namespace = client.default_namespace().to_owned();
            (client, namespace)
        }
        Err(_) => (kubernetes::nobody(), NAMESPACE.to_owned()),
    };
    let mut engine = super::engine(config, client).await?;
    engine.planning = true;
    let unread = super::observe(&engine, cluster.as_ref().ok(), config).await?;
    let ground = Ground {
        stores: &engine.stores,
        settings: &engine.settings,
        namespace: &namespace,
        quic: &config.quic_variable,
    };
    let without = cluster.err();
    let mut forecast = forecast(&engine, &manifests, &ground, without.as_deref()).await?;
    forecast.report.unread = unread;
    if args.output == PlanOutput::Stack {
        eprint!("{}", forecast.remarks());
    }
    Ok(forecast.page(args.output))
}

/// The cluster the settings name, or why there is none that can be asked. A kubeconfig that was asked for and
/// cannot be used is an error.
async fn cluster(config: &Config) -> Result<Result<Clients, String>> {
    match super::connect(config).await {
        Ok(clients) => Ok(Ok(clients)),
        Err(ConnectError::NoKubeconfig) => Ok(Err("no kubeconfig is given".to_owned())),
        Err(error @ ConnectError::Kubeconfig { .. }) => Err(error.into()),
        Err(error) => Ok(Err(error.to_string())),
    }
}

/// What applying manifests to what the engine's stores hold would lead to; `without` says why no cluster is seen.
/// The mirror is filled. The stores hold the manifests afterwards.
pub async fn forecast(
    engine: &Engine,
    manifests: &[Manifest],
    ground: &Ground<'_>,
    without: Option<&str>,
) -> Result<Forecast> {
    let mut overlay = manifests::lay(manifests, ground).await?;
    engine.stores.mark_synced();
    let extent = Extent {
        every_binding: without.is_none(),
        given_only: true,
    };
    let keys = concerned(engine, &overlay);
    let mut report = super::report_of(engine, &keys, extent).await?;
    look_again(engine, &mut overlay, &report).await;
    let without = without.map(|reason| {
        format!(
            "planned without a cluster: {reason}; members of groups that are not in the files count as gone"
        )
    });
    let notes = without.into_iter().chain(overlay.note).chain(report.notes);
    report.notes = notes.collect();
    Ok(Forecast {
        report,
        assigned: overlay.assigned,
    })
}

/// The keys that manifests wake, and the stacks that name one of their Services.
fn concerned(engine: &Engine, overlay: &Overlay) -> BTreeSet<Key> {
    let woken: BTreeSet<&Key> = overlay.wakes.iter().map(|(key, _)| key).collect();
    let mut keys = engine.keys();
    keys.retain(|key| {
        let names_one = match key {
            Key::Stack(stack) => names_one(engine, stack, overlay),
            _ => false,
        };
        woken.contains(key) || names_one
    });
    keys
}

fn names_one(engine: &Engine, stack: &StackKey, overlay: &Overlay) -> bool {
    reconcile::intent(engine, stack);
    let interests = engine.interests.lock().unwrap_or_else(PoisonError::into_inner);
    interests
        .get(stack)
        .is_some_and(|interests| !interests.services.is_disjoint(&overlay.services))
}

/// Builds every stack once more with other placeholders: what differs depends on them.
async fn look_again(engine: &Engine, overlay: &mut Overlay, report: &Report) {
    for service in manifests::others(overlay, &engine.stores) {
        engine.stores.services.apply(service);
    }
    for stack in &report.stacks {
        let Outcome::Planned { wanted: first, .. } = &stack.outcome else {
            continue;
        };
        let cx = Cx::new(Lane::Edit, &Key::Stack(stack.key.clone()));
        if let (_, Wanted::Stack(second, _)) = reconcile::agreed(engine, &stack.key, &cx).await {
            overlay.assigned.compare(&value(first), &value(&second));
        }
    }
}

fn value(stack: &Stack) -> Value {
    serde_json::to_value(stack).unwrap_or_default()
}

impl Forecast {
    /// What the models do not say, see [`Report::remarks`].
    pub fn remarks(&self) -> String {
        self.assigned.mask(&self.report.remarks())
    }

    /// What is printed, with a word in place of what is not known yet.
    pub fn page(&self, output: PlanOutput) -> String {
        match output {
            PlanOutput::Text => self.assigned.mask(&self.report.text()),
            PlanOutput::Json => format!("{:#}\n", self.assigned.mask_json(&self.report.json())),
            PlanOutput::Stack => {
                let models = self.report.models();
                let lines = models.lines().map(|line| self.assigned.mask_model(line) + "\n");
                lines.collect()
            }
        }
    }
}
