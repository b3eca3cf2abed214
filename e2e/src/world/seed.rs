//! The emulator's seed, read for the instances in it.

use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context, Result};
use ipnet::Ipv4Net;
use serde::Deserialize;

use super::nodes::Machine;

#[derive(Deserialize)]
struct Seed {
    region: String,
    instances: Vec<Instance>,
}

#[derive(Deserialize)]
struct Instance {
    id: String,
    zone: String,
    address: Ipv4Addr,
    #[serde(default)]
    secondary_addresses: Vec<Ipv4Addr>,
    #[serde(default)]
    prefixes: Vec<Ipv4Net>,
}

/// The machines of a seed file, in its order.
pub fn machines(file: &Path) -> Result<Vec<Machine>> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read the seed {}", file.display()))?;
    let seed: Seed =
        serde_saphyr::from_str(&text).with_context(|| format!("not a seed: {}", file.display()))?;
    Ok(seed
        .instances
        .into_iter()
        .map(|instance| machine(instance, &seed.region))
        .collect())
}

fn machine(instance: Instance, region: &str) -> Machine {
    let host = instance.address.to_string().replace('.', "-");
    let mut pod_addresses = instance.secondary_addresses;
    pod_addresses.extend(instance.prefixes.iter().flat_map(range));
    Machine {
        node: format!("ip-{host}.{region}.compute.internal"),
        instance_id: instance.id,
        zone: instance.zone,
        region: region.to_owned(),
        instance_type: "m5.large".to_owned(),
        address: instance.address,
        pod_addresses,
    }
}

fn range(prefix: &Ipv4Net) -> impl Iterator<Item = Ipv4Addr> + use<> {
    (prefix.network().to_bits()..=prefix.broadcast().to_bits()).map(Ipv4Addr::from_bits)
}
