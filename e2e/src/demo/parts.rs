//! The running parts of the demo, whose controller looks at all namespaces, and where they can be reached.

use anyhow::Result;

use crate::control_plane::ControlPlane;
use crate::programs::{Controller, ControllerOptions, Emulator, EmulatorOptions};
use crate::table;
use crate::world::{SEED, World};

/// Everything that runs; dropped in this order.
pub struct Parts {
    /// The controller under test.
    pub controller: Controller,
    /// The AWS endpoint.
    pub emulator: Emulator,
    /// Nodes and pods.
    pub world: World,
    /// The Kubernetes API.
    pub control_plane: ControlPlane,
}

impl Parts {
    /// Starts all of them and waits until the controller is ready.
    pub async fn start(speed: u32) -> Result<Self> {
        println!("Starting a Kubernetes control plane, an AWS endpoint and the controller ...");
        let control_plane = ControlPlane::start().await?;
        let world = World::start(control_plane.administrator(), SEED.as_ref()).await?;
        let emulator = Emulator::start(&EmulatorOptions {
            seed: SEED.into(),
            dial_map: Some(world.dial_map()),
            speed,
            folder: control_plane.folder().to_owned(),
        })
        .await?;
        let mut controller = Controller::start(&ControllerOptions {
            kubeconfig: control_plane.controller_kubeconfig(),
            endpoint: emulator.endpoint().to_owned(),
            region: world.region().to_owned(),
            vpc: world.vpc().to_owned(),
            flags: vec!["--targetgroupbinding-requeue-duration=1s".to_owned()],
            environment: Vec::new(),
            folder: control_plane.folder().to_owned(),
        })?;
        controller.ready().await?;
        Ok(Self {
            controller,
            emulator,
            world,
            control_plane,
        })
    }

    /// Addresses of the parts and of the nodes.
    pub fn table(&self) -> String {
        let row = |what: &str, place: String, how: String| vec![what.to_owned(), place, how];
        let kubeconfig = self.control_plane.administrator_kubeconfig();
        let endpoint = self.emulator.endpoint().to_owned();
        let parts = [
            row(
                "Kubernetes",
                self.control_plane.server().to_owned(),
                format!("KUBECONFIG={}", kubeconfig.display()),
            ),
            row(
                "AWS",
                endpoint.clone(),
                format!("AWS_ENDPOINT_URL={endpoint}, any credentials"),
            ),
            row(
                "controller",
                self.controller.debug_url(),
                "GET /debug/stacks".to_owned(),
            ),
            row(
                "logs",
                self.control_plane.folder().display().to_string(),
                String::new(),
            ),
        ];
        let nodes: Vec<Vec<String>> = self
            .world
            .machines()
            .map(|machine| {
                let dialled = self
                    .world
                    .dial(machine.address)
                    .map(|address| address.to_string())
                    .unwrap_or_default();
                vec![
                    machine.node.clone(),
                    machine.instance_id.clone(),
                    machine.zone.clone(),
                    machine.address.to_string(),
                    dialled,
                ]
            })
            .collect();
        let parts = table::render(&["PART", "ADDRESS", "USE"], &parts);
        let nodes = table::render(&["NODE", "INSTANCE", "ZONE", "ADDRESS", "HERE"], &nodes);
        format!("\n{parts}\n{nodes}")
    }
}
