//! A Kubernetes control plane of this run's own: etcd, kube-apiserver, kube-controller-manager.
//!
//! In: the folder with the three programs (`cache::control_plane`), `crds/yaml/`, `deploy/rbac/`. Out: an API
//! on 127.0.0.1 with Elbow's resource kinds and roles installed, a kubeconfig for the administrator and one
//! for the user `elbow`, who is bound to exactly the roles in `deploy/rbac/`. A cluster named by `KUBECONFIG`
//! is never looked at.

mod audit;
mod certificates;
mod components;
mod install;
mod kubeconfig;
mod ready;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use k8s_openapi::api::rbac::v1::PolicyRule;
use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};

use crate::cache;
use crate::process::Process;
use crate::scratch::Scratch;
use certificates::Authority;
use components::Ports;

pub use audit::Request;
pub use components::SERVICE_RANGE;

/// The user that the controller under test runs as.
pub const CONTROLLER: &str = "elbow";
/// The namespace of its lease and records, named by the roles in `deploy/rbac/`.
pub const LEASE_NAMESPACE: &str = "kube-system";
/// Members are written to the audit log; no role is bound to the group.
const AUDITED_GROUP: &str = "elbow:controllers";
/// A free port may be taken between the look and the bind; then all is started again on other ports.
const ATTEMPTS: usize = 3;

/// The running control plane. Dropping it ends the processes and removes their folder.
pub struct ControlPlane {
    // Ended in this order: nobody loses the server it still talks to.
    manager: Process,
    apiserver: Process,
    etcd: Process,
    authority: Authority,
    server: String,
    administrator: Client,
    scratch: Scratch,
}

impl ControlPlane {
    /// Finds or builds the programs, starts them, installs kinds and roles. About 6 s on two idle cores.
    pub async fn start() -> Result<Self> {
        let programs = tokio::task::spawn_blocking(cache::control_plane).await??;
        let mut attempt = 1;
        let control_plane = loop {
            match Self::start_on(&programs, Ports::choose()?).await {
                Err(error)
                    if attempt < ATTEMPTS && format!("{error:#}").contains("address already in use") =>
                {
                    attempt += 1;
                }
                other => break other?,
            }
        };
        install::kinds(&control_plane.administrator).await?;
        install::roles(&control_plane.administrator).await?;
        install::bind(&control_plane.administrator, CONTROLLER).await?;
        control_plane.write_kubeconfig(CONTROLLER, Some(AUDITED_GROUP))?;
        Ok(control_plane)
    }

    async fn start_on(programs: &Path, ports: Ports) -> Result<Self> {
        let scratch = Scratch::create("control-plane")?;
        let authority = Authority::create()?;
        let server = ports.server();
        write_inputs(&scratch, &authority, &server)?;
        let mut etcd = components::etcd(programs, &scratch, ports)?;
        ready::etcd(&mut etcd, ports.etcd).await?;
        let mut apiserver = components::kube_apiserver(programs, &scratch, ports)?;
        let administrator = client(&scratch.join("administrator.kubeconfig")).await?;
        ready::kube_apiserver(&mut apiserver, &administrator).await?;
        let mut manager = components::kube_controller_manager(programs, &scratch, ports)?;
        ready::kube_controller_manager(&mut manager, &administrator).await?;
        Ok(Self {
            manager,
            apiserver,
            etcd,
            authority,
            server,
            administrator,
            scratch,
        })
    }

    /// `https://127.0.0.1:PORT`.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// A client that may do everything.
    pub fn administrator(&self) -> Client {
        self.administrator.clone()
    }

    /// The administrator's kubeconfig (group system:masters).
    pub fn administrator_kubeconfig(&self) -> PathBuf {
        self.scratch.join("administrator.kubeconfig")
    }

    /// The kubeconfig of the user `elbow`.
    pub fn controller_kubeconfig(&self) -> PathBuf {
        self.scratch.join(format!("{CONTROLLER}.kubeconfig"))
    }

    /// A private folder for logs and files of this run; it goes with the control plane.
    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }

    /// The pids of etcd, kube-apiserver and kube-controller-manager.
    pub fn pids(&self) -> [u32; 3] {
        [self.etcd.pid(), self.apiserver.pid(), self.manager.pid()]
    }

    /// Makes the user `name` with copies of the controller's roles whose rules went through `edit`, and
    /// answers its kubeconfig. For tests of what happens when a permission is missing.
    pub async fn user(&self, name: &str, edit: impl Fn(&mut Vec<PolicyRule>)) -> Result<PathBuf> {
        install::bind_copies(&self.administrator, name, edit).await?;
        self.write_kubeconfig(name, Some(AUDITED_GROUP))
    }

    /// What `user` has asked the API so far, oldest first: the API's own audit log. Long running requests
    /// (watches) appear when they end.
    pub fn requests_of(&self, user: &str) -> Result<Vec<Request>> {
        audit::read(&self.scratch.join("audit.log"), user)
    }

    /// Fails, naming the requests, if `user` was ever refused something for lack of a permission.
    pub fn check_permissions(&self, user: &str) -> Result<()> {
        let mut requests = self.requests_of(user)?;
        requests.retain(|request| request.is_denied);
        anyhow::ensure!(
            requests.is_empty(),
            "{user} asked for more than it may: {requests:?}"
        );
        Ok(())
    }

    /// Fails, quoting its log, if one of the three has ended.
    pub fn check(&mut self) -> Result<()> {
        self.etcd.check()?;
        self.apiserver.check()?;
        self.manager.check()
    }

    fn write_kubeconfig(&self, user: &str, group: Option<&str>) -> Result<PathBuf> {
        write_kubeconfig(&self.scratch, &self.authority, &self.server, user, user, group)
    }
}

/// A client from a kubeconfig file; nothing else is looked at, no proxy is used.
pub async fn client(kubeconfig: &Path) -> Result<Client> {
    // Two TLS providers may be compiled in; the second call of a process finds it settled.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = Kubeconfig::read_from(kubeconfig)
        .with_context(|| format!("cannot read the kubeconfig {}", kubeconfig.display()))?;
    let mut config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default())
        .await
        .with_context(|| format!("cannot use the kubeconfig {}", kubeconfig.display()))?;
    config.proxy_url = None;
    Client::try_from(config).context("cannot make a Kubernetes client")
}

/// Certificates, keys, kubeconfigs and the audit policy, before the programs start.
fn write_inputs(scratch: &Scratch, authority: &Authority, server: &str) -> Result<()> {
    let identity = authority.server("kube-apiserver")?;
    let (tokens, tokens_public) = certificates::token_keys()?;
    write(scratch, "ca.crt", &authority.certificate_pem())?;
    write(scratch, "server.crt", &identity.certificate_pem)?;
    write(scratch, "server.key", &identity.key_pem)?;
    write(scratch, "tokens.key", &tokens)?;
    write(scratch, "tokens.pub", &tokens_public)?;
    write(scratch, "audit-policy.yaml", &audit::policy(AUDITED_GROUP))?;
    let masters = Some("system:masters");
    write_kubeconfig(
        scratch,
        authority,
        server,
        "administrator",
        "administrator",
        masters,
    )?;
    let manager = "system:kube-controller-manager";
    write_kubeconfig(scratch, authority, server, "controller-manager", manager, None)?;
    Ok(())
}

fn write_kubeconfig(
    scratch: &Scratch,
    authority: &Authority,
    server: &str,
    file: &str,
    user: &str,
    group: Option<&str>,
) -> Result<PathBuf> {
    let identity = authority.user(user, group)?;
    let text = kubeconfig::render(server, &authority.certificate_pem(), user, &identity);
    write(scratch, &format!("{file}.kubeconfig"), &text)
}

fn write(scratch: &Scratch, name: &str, text: &str) -> Result<PathBuf> {
    let path = scratch.join(name);
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
