//! The emulator beside the cluster: one seed, one mapping of addresses.

use elbow_e2e::account::Account;
use elbow_e2e::manifests::Backend;
use elbow_e2e::programs::{Emulator, EmulatorOptions};
use elbow_e2e::wait;
use elbow_e2e::world::SEED;

use crate::shared::{SOON, Shared, address, run};

async fn emulator(shared: &Shared) -> anyhow::Result<Emulator> {
    Emulator::start(&EmulatorOptions {
        seed: SEED.into(),
        dial_map: Some(shared.world.dial_map()),
        speed: 10,
        folder: shared.control_plane.folder().to_owned(),
    })
    .await
}

#[test]
fn the_emulator_starts_with_the_machines_of_the_cluster_and_an_empty_account() {
    run(async |shared| {
        let mut emulator = emulator(shared).await?;
        let state = emulator.state().await?;
        for machine in shared.world.machines() {
            let instance = &state["ec2"]["instances"][&machine.instance_id];
            assert_eq!(instance["address"], machine.address.to_string(), "{instance}");
        }
        let account = Account::read(state)?;
        assert!(account.elb.load_balancers.is_empty() && account.tree().is_empty());
        let status = emulator.process().stop(SOON).await?;
        assert!(status.success(), "{status}");
        Ok(())
    });
}

#[test]
fn the_emulator_finds_pods_at_their_mapped_addresses() {
    run(async |shared| {
        let namespace = shared.namespace("dialled").await?;
        shared.deploy(&Backend::new(&namespace, "web")).await?;
        let pod = shared.ready_pods(&namespace, "web", 1).await?.remove(0);
        let emulator = emulator(shared).await?;
        let aws = async |query: &str| {
            let answer = elbow_e2e::http::form(emulator.endpoint(), query).await?;
            anyhow::ensure!(answer.status == 200, "{query}: {}", answer.body);
            Ok(answer.body)
        };
        let version = "Version=2015-12-01";
        let created = aws(&format!(
            "Action=CreateTargetGroup&{version}&Name=web&Protocol=TCP&Port=80&TargetType=ip&VpcId={}",
            shared.world.vpc()
        ))
        .await?;
        let group = between(&created, "<TargetGroupArn>", "</TargetGroupArn>");
        // A target in a zone without a node of the load balancer would stay unused.
        let subnets = ["a", "b", "c"].map(|zone| format!("subnet-0e1b0d0000000001{zone}"));
        let subnets = format!(
            "Subnets.member.1={}&Subnets.member.2={}&Subnets.member.3={}",
            subnets[0], subnets[1], subnets[2]
        );
        let created = aws(&format!(
            "Action=CreateLoadBalancer&{version}&Name=web&Type=network&Scheme=internal&{subnets}"
        ))
        .await?;
        let balancer = between(&created, "<LoadBalancerArn>", "</LoadBalancerArn>");
        aws(&format!(
            "Action=CreateListener&{version}&LoadBalancerArn={balancer}&Protocol=TCP&Port=80\
             &DefaultActions.member.1.Type=forward&DefaultActions.member.1.TargetGroupArn={group}"
        ))
        .await?;
        let target = format!("Targets.member.1.Id={}&Targets.member.1.Port=8080", address(&pod));
        aws(&format!(
            "Action=RegisterTargets&{version}&TargetGroupArn={group}&{target}"
        ))
        .await?;
        wait::until("the pod to be a healthy target", SOON, async || {
            let account = Account::read(emulator.state().await?)?;
            let group = account.elb.target_groups.get(&group).unwrap();
            let health = &group
                .targets
                .get(&format!("{} 8080", address(&pod)))
                .unwrap()
                .health;
            anyhow::ensure!(health.state == "healthy", "{health:?}");
            Ok(Some(()))
        })
        .await
    });
}

fn between(text: &str, from: &str, to: &str) -> String {
    let (_, rest) = text.split_once(from).unwrap();
    rest.split_once(to).unwrap().0.to_owned()
}
