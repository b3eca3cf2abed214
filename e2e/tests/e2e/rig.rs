//! A controller and an AWS endpoint of one test's own, beside the shared cluster.
//!
//! The controller watches only the test's namespace and runs as a user of its own, who is bound to copies of
//! the roles in `deploy/rbac/`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use elbow_e2e::control_plane::Request;
use elbow_e2e::programs::{CLUSTER, Controller, ControllerOptions, Emulator, EmulatorOptions, find};
use elbow_e2e::sight::Sight;
use elbow_e2e::wait;
use elbow_e2e::world::SEED;
use k8s_openapi::api::rbac::v1::PolicyRule;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::shared::Shared;

/// A load balancer needs AWS's provisioning and three health checks; the machine may be busy.
pub const SETTLED_WITHIN: std::time::Duration = std::time::Duration::from_mins(3);

/// A command reads some pages; the machine may be busy.
const ENDED_WITHIN: std::time::Duration = std::time::Duration::from_mins(1);

/// What a test wants different.
pub struct Setup {
    /// Divides AWS's delays.
    pub speed: u32,
    /// Lines added to the seed, for instance delays.
    pub seed: &'static str,
    /// Flags of the controller besides those of every rig.
    pub flags: Vec<String>,
    /// Changes the rules of the controller's roles.
    pub rules: fn(&mut Vec<PolicyRule>),
    /// Whether it is the point of the test that the controller lacks a permission.
    pub lacks_permission: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            speed: 10,
            seed: "",
            flags: Vec::new(),
            rules: |_| {},
            lacks_permission: false,
        }
    }
}

/// When it goes, the test fails if Kubernetes has ever refused the controller something for lack of a permission.
pub struct Rig {
    pub shared: &'static Shared,
    pub namespace: String,
    pub emulator: Emulator,
    pub controller: Controller,
    pub options: ControllerOptions,
    lacks_permission: bool,
}

impl Drop for Rig {
    fn drop(&mut self) {
        if self.lacks_permission || std::thread::panicking() {
            return;
        }
        let control_plane = &self.shared.control_plane;
        if let Err(error) = control_plane.check_permissions(&user(&self.namespace)) {
            panic!("{error:#}");
        }
    }
}

impl Rig {
    /// Starts both for the new namespace `name`; the controller is ready.
    pub async fn start(shared: &'static Shared, name: &str, setup: Setup) -> Result<Self> {
        let mut rig = Self::start_unready(shared, name, setup).await?;
        rig.controller.ready().await?;
        Ok(rig)
    }

    pub async fn start_unready(shared: &'static Shared, name: &str, setup: Setup) -> Result<Self> {
        let namespace = shared.namespace(name).await?;
        let folder = shared.control_plane.folder().join(name);
        std::fs::create_dir(&folder)?;
        let seed = folder.join("seed.yaml");
        std::fs::write(
            &seed,
            format!("{}\n{}\n", std::fs::read_to_string(SEED)?, setup.seed),
        )?;
        let emulator = Emulator::start(&EmulatorOptions {
            seed,
            dial_map: Some(shared.world.dial_map()),
            speed: setup.speed,
            folder: folder.clone(),
        })
        .await?;
        let rules = |rules: &mut Vec<PolicyRule>| {
            allow_lease(rules, name);
            (setup.rules)(rules);
        };
        let kubeconfig: PathBuf = shared.control_plane.user(&user(name), rules).await?;
        let mut flags = vec![
            format!("--watch-namespace={namespace}"),
            "--enable-leader-election=false".to_owned(),
            format!("--leader-election-id={name}"),
            "--targetgroupbinding-requeue-duration=500ms".to_owned(),
        ];
        flags.extend(setup.flags);
        let options = ControllerOptions {
            kubeconfig,
            endpoint: emulator.endpoint().to_owned(),
            region: shared.world.region().to_owned(),
            vpc: shared.world.vpc().to_owned(),
            flags,
            environment: Vec::new(),
            folder,
        };
        let controller = Controller::start(&options)?;
        Ok(Self {
            shared,
            namespace,
            emulator,
            controller,
            options,
            lacks_permission: setup.lacks_permission,
        })
    }

    /// Ends the controller and starts another one with the same options, ready.
    pub async fn restart(&mut self) -> Result<()> {
        let status = self.controller.stop().await?;
        if !status.success() {
            bail!(
                "the controller ended with {status} after SIGTERM: {}",
                self.controller.process().last_lines(10)
            );
        }
        self.restart_stopped().await
    }

    /// Starts another controller with the same options after the first one has ended; it is ready.
    pub async fn restart_stopped(&mut self) -> Result<()> {
        self.controller = Controller::start(&self.options)?;
        self.controller.ready().await
    }

    /// What `elbow plan` prints under the controller's settings.
    pub async fn plan(&self, more: &[&str]) -> Result<String> {
        self.command("plan", more).await
    }

    /// What a command that ends by itself prints under the controller's settings.
    pub async fn command(&self, verb: &str, more: &[&str]) -> Result<String> {
        let options = &self.options;
        let shared = options
            .flags
            .iter()
            .filter(|flag| verb != "plan" || !flag.contains("leader-election"));
        let mut command = Command::new(find("ELBOW_BIN", "elbow")?);
        command
            .env_clear()
            .env("AWS_ENDPOINT_URL", &options.endpoint)
            .env("AWS_ACCESS_KEY_ID", verb)
            .env("AWS_SECRET_ACCESS_KEY", "none-is-needed")
            .arg(verb)
            .arg(format!("--kubeconfig={}", options.kubeconfig.display()))
            .arg(format!("--cluster-name={CLUSTER}"))
            .arg(format!("--aws-region={}", options.region))
            .arg(format!("--aws-vpc-id={}", options.vpc))
            .args(shared)
            .args(more)
            .kill_on_drop(true);
        let output = tokio::time::timeout(ENDED_WITHIN, command.output())
            .await
            .with_context(|| format!("elbow {verb} did not end"))??;
        let (text, error) = (output.stdout, String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "elbow {verb} failed: {error}");
        Ok(String::from_utf8(text)?)
    }

    /// Waits until every Service of the namespace has its address and the targets it ought to have.
    pub async fn settled(&mut self) -> Result<Sight> {
        let seen = wait::until("targets to follow their pods", SETTLED_WITHIN, async || {
            let sight = self.look().await?;
            match sight.missing() {
                Some(missing) => bail!(missing),
                None => Ok(Some(sight)),
            }
        })
        .await;
        match seen {
            Ok(sight) => Ok(sight),
            Err(error) => Err(error.context(self.problems().await)),
        }
    }

    /// What the controller itself says is wrong.
    async fn problems(&mut self) -> String {
        let stacks = self.controller.stacks().await.unwrap_or_default();
        let runs = stacks["runs"].as_object().cloned().unwrap_or_default();
        let problems: Vec<String> = runs
            .iter()
            .map(|(key, run)| format!("{key}: problems {}, waits {}", run["problems"], run["waits"]))
            .collect();
        format!(
            "{}\n{}",
            problems.join("\n"),
            self.controller.process().last_lines(5)
        )
    }

    pub async fn look(&self) -> Result<Sight> {
        Sight::take(
            self.shared.client(),
            &self.shared.world,
            &self.emulator,
            &self.namespace,
        )
        .await
    }

    /// The number of the latest AWS call.
    pub async fn last_call(&self) -> Result<u64> {
        self.emulator.get("calls?since=1000000000").await?["last"]
            .as_u64()
            .context("calls have numbers")
    }

    /// The AWS calls after number `since`.
    pub async fn calls_since(&self, since: u64) -> Result<Vec<Value>> {
        let calls = self.emulator.get(&format!("calls?since={since}")).await?;
        Ok(calls["calls"].as_array().cloned().unwrap_or_default())
    }

    /// What the controller has asked Kubernetes.
    pub fn requests(&self) -> Result<Vec<Request>> {
        self.shared.control_plane.requests_of(&user(&self.namespace))
    }

    /// How often it wrote to Kubernetes, its lease apart.
    pub fn writes(&self) -> Result<usize> {
        let requests = self.requests()?;
        Ok(requests
            .iter()
            .filter(|request| request.is_write() && request.resource != "leases")
            .count())
    }

    /// Waits until no AWS call comes for two seconds.
    pub async fn quiet(&self) -> Result<()> {
        let pause = std::time::Duration::from_secs(2);
        wait::until("the controller to be idle", SETTLED_WITHIN, async || {
            let (call, writes) = (self.last_call().await?, self.writes()?);
            tokio::time::sleep(pause).await;
            Ok((call == self.last_call().await? && writes == self.writes()?).then_some(()))
        })
        .await
    }
}

/// The role names the lease, and each rig has its own, for they all lie in one namespace.
fn allow_lease(rules: &mut Vec<PolicyRule>, name: &str) {
    for rule in rules {
        let is_about_leases = rule.resources.iter().flatten().any(|one| one == "leases");
        if let (true, Some(names)) = (is_about_leases, &mut rule.resource_names) {
            *names = vec![name.to_owned()];
        }
    }
}

fn user(namespace: &str) -> String {
    format!("elbow-{namespace}")
}

/// A Service of type LoadBalancer for the pods of `app`, with target type `instance` or `ip`.
pub fn load_balancer(name: &str, app: &str, target_type: &str) -> Value {
    json!({
        "metadata": {
            "name": name,
            "annotations": {
                "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": target_type,
                "service.beta.kubernetes.io/aws-load-balancer-healthcheck-interval": "5",
                "service.beta.kubernetes.io/aws-load-balancer-healthcheck-timeout": "2",
                "service.beta.kubernetes.io/aws-load-balancer-healthcheck-healthy-threshold": "2",
                "service.beta.kubernetes.io/aws-load-balancer-healthcheck-unhealthy-threshold": "2",
            },
        },
        "spec": {
            "type": "LoadBalancer",
            "loadBalancerClass": "service.k8s.aws/nlb",
            "selector": { "app": app },
            "ports": [{ "port": 80, "targetPort": 8080 }],
        },
    })
}
