//! Which load balancer's name the owners show while one takes the place of another one.

use std::collections::BTreeSet;

use crate::model::LoadBalancer;

/// The name to show, of the load balancers that are there: of several that of the wanted scheme and type, then one that
/// is shown already. While the stack is held the address does not move. `shown`: host names in lower case.
///
/// Not for a plan that moves the address, which says itself from where to where.
pub fn address(
    wanted: &LoadBalancer,
    there: &[LoadBalancer],
    shown: &BTreeSet<String>,
    held: bool,
) -> Option<String> {
    let rank = |balancer: &&LoadBalancer| {
        let other = (balancer.kind, balancer.scheme) != (wanted.kind, wanted.scheme);
        let name = balancer.dns_name.as_ref().map(|name| name.to_lowercase());
        let hidden = name.is_none_or(|name| !shown.contains(&name));
        if held { (hidden, other) } else { (other, hidden) }
    };
    let ours = there.iter().filter(|balancer| balancer.id == wanted.id);
    ours.min_by_key(rank)
        .and_then(|balancer| balancer.dns_name.clone())
}
