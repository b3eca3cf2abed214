//! The emulator's seed, read for the machines in it.

use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context, Result};
use elbow_emulator::Seed;
use elbow_emulator::world::ec2::{Ec2, Instance};
use ipnet::Ipv4Net;

use super::nodes::Machine;

/// What the harness takes from a seed.
#[derive(Debug)]
pub struct Site {
    /// For example `us-west-2`.
    pub region: String,
    /// The VPC of the machines.
    pub vpc: String,
    /// One machine per running instance, by id.
    pub machines: Vec<Machine>,
}

/// Reads a seed file, which must name at least one running instance.
pub fn read(file: &Path) -> Result<Site> {
    let seed = Seed::read(file)?;
    let world = seed.world();
    let running: Vec<&Instance> = world
        .ec2
        .instances
        .values()
        .filter(|instance| instance.running())
        .collect();
    let first = running
        .first()
        .with_context(|| format!("the seed {} names no running instance", file.display()))?;
    Ok(Site {
        region: world.region.clone(),
        vpc: first.vpc_id.clone(),
        machines: running
            .iter()
            .map(|instance| machine(&world.ec2, instance, &world.region))
            .collect(),
    })
}

fn machine(ec2: &Ec2, instance: &Instance, region: &str) -> Machine {
    let host = instance.address.to_string().replace('.', "-");
    let interfaces = ec2.interfaces_of(&instance.id);
    let secondary = interfaces
        .iter()
        .flat_map(|interface| interface.secondary_addresses.iter().copied());
    let delegated = interfaces
        .iter()
        .flat_map(|interface| interface.prefixes.iter().copied().flat_map(range));
    Machine {
        instance_id: instance.id.clone(),
        node: format!("ip-{host}.{region}.compute.internal"),
        zone: instance.zone.clone(),
        region: region.to_owned(),
        instance_type: instance.kind.clone(),
        address: instance.address,
        pod_addresses: secondary.chain(delegated).collect(),
    }
}

fn range(prefix: Ipv4Net) -> impl Iterator<Item = Ipv4Addr> {
    (prefix.network().to_bits()..=prefix.broadcast().to_bits()).map(Ipv4Addr::from_bits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn our_seed_has_room_for_many_pods_in_three_zones() {
        let site = read(Path::new(super::super::SEED)).unwrap();
        let zones: std::collections::BTreeSet<&str> =
            site.machines.iter().map(|one| one.zone.as_str()).collect();
        assert_eq!(zones.len(), 3);
        let room: Vec<usize> = site.machines.iter().map(|one| one.pod_addresses.len()).collect();
        assert!(
            room.iter().all(|room| *room >= 16) && room.iter().sum::<usize>() >= 80,
            "{room:?}"
        );
        assert!(
            site.machines
                .iter()
                .all(|one| !one.pod_addresses.contains(&one.address))
        );
    }
}
