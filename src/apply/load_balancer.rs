//! Steps on load balancers, and on the tags of anything ELBv2.

use std::collections::BTreeMap;

use elbow_core::model::{LoadBalancer, LoadBalancerState, Ref, ResourceAddress, ResourceKind, Tags};
use elbow_core::plan::{Action, Output};
use jiff::SignedDuration;

use super::step::{End, Running};
use crate::aws::{AwsError, Fault};

/// How long a load balancer may take to become active.
pub(super) const PROVISIONING: SignedDuration = SignedDuration::from_mins(30);
/// How long something may hold on to a load balancer that is to be deleted.
const HELD: SignedDuration = SignedDuration::from_mins(15);

impl Running<'_> {
    pub async fn run_load_balancer(&self) -> End {
        match &self.step.action {
            Action::CreateLoadBalancer {
                address,
                load_balancer,
                tags,
            } => self.create_load_balancer(address, load_balancer, tags).await,
            Action::ModifyLoadBalancerAttributes {
                load_balancer,
                attributes,
            } => {
                self.modify_attributes(ResourceKind::LoadBalancer, load_balancer, attributes)
                    .await
            }
            Action::DeleteLoadBalancer { arn } => self.delete_load_balancer(arn).await,
            Action::ModifyCapacityReservation {
                load_balancer,
                capacity_units,
            } => self.reserve(load_balancer, *capacity_units).await,
            action => match self.change(action).await {
                Ok(()) => End::done(),
                Err(Change::Unresolved(end)) => end,
                Err(Change::Refused(error)) => self.refused(&error),
            },
        }
    }

    async fn create_load_balancer(
        &self,
        address: &ResourceAddress,
        wanted: &LoadBalancer,
        tags: &Tags,
    ) -> End {
        let groups = match self.resolve_all(&wanted.security_groups) {
            Ok(groups) => groups,
            Err(end) => return end,
        };
        let aws = self.context.aws;
        match aws.create_load_balancer(self.cx, wanted, &groups, tags).await {
            Ok(created) => {
                let output = Output {
                    id: created.arn,
                    dns_name: Some(created.dns_name),
                };
                self.created(address, &wanted.name, output).await
            }
            Err(error) if error.fault == Fault::Duplicate => {
                self.name_in_use(address, &wanted.name, &error).await
            }
            Err(error) => self.refused(&error),
        }
    }

    /// Deletes a load balancer. Deletion protection that was switched on outside of Kubernetes is overridden
    /// when the stack ends (`service-nlb.md` 10.3), never to make room.
    async fn delete_load_balancer(&self, arn: &str) -> End {
        let (aws, cx) = (self.context.aws, self.cx);
        let mut result = aws.delete_load_balancer(cx, arn).await;
        if let Err(error) = &result
            && error.fault == Fault::NotPermitted
            && self.emptying
        {
            let off = BTreeMap::from([("deletion_protection.enabled".to_owned(), "false".to_owned())]);
            if let Err(error) = aws.modify_load_balancer_attributes(cx, arn, &off).await {
                return self.refused(&error);
            }
            result = aws.delete_load_balancer(cx, arn).await;
        }
        match result {
            Ok(()) => {
                // There is room again for what AWS refused for want of it.
                self.context.refusals.forget(&self.plan.key);
                End::done()
            }
            Err(error) if error.answered && error.fault == Fault::NotFound => End::done(),
            Err(error) if error.answered && error.fault == Fault::InUse => {
                self.wait(&format!("{arn} to be free: {error}"), HELD)
            }
            Err(error) => self.refused(&error),
        }
    }

    /// Reserves capacity once the load balancer is active.
    async fn reserve(&self, balancer: &Ref, units: i32) -> End {
        let arn = match self.resolve(balancer) {
            Ok(arn) => arn,
            Err(end) => return end,
        };
        let (aws, cx) = (self.context.aws, self.cx);
        let found = match aws.load_balancers_by_arn(cx, std::slice::from_ref(&arn)).await {
            Ok(found) => found,
            Err(error) => return self.refused(&error),
        };
        let state = found.first().and_then(|listed| listed.load_balancer.state);
        if matches!(state, None | Some(LoadBalancerState::Provisioning)) {
            return self.wait(&format!("load balancer {arn} to become active"), PROVISIONING);
        }
        match aws.modify_capacity_reservation(cx, &arn, units).await {
            Ok(()) => End::done(),
            Err(error) => self.refused(&error),
        }
    }

    async fn change(&self, action: &Action) -> Result<(), Change> {
        let (aws, cx) = (self.context.aws, self.cx);
        match action {
            Action::SetSecurityGroups {
                load_balancer,
                security_groups,
                private_link_inbound,
            } => {
                let arn = self.resolve(load_balancer)?;
                let groups = self.resolve_all(security_groups)?;
                aws.set_security_groups(cx, &arn, &groups, *private_link_inbound)
                    .await?;
            }
            Action::SetSubnets {
                load_balancer,
                subnets,
                ipv6_source_nat,
            } => {
                let arn = self.resolve(load_balancer)?;
                aws.set_subnets(cx, &arn, subnets, *ipv6_source_nat).await?;
            }
            Action::SetIpAddressType {
                load_balancer,
                ip_address_type,
            } => {
                let arn = self.resolve(load_balancer)?;
                aws.set_ip_address_type(cx, &arn, *ip_address_type).await?;
            }
            Action::AddTags { resource, tags } => {
                let arn = self.resolve(resource)?;
                aws.add_tags(cx, &arn, tags).await?;
            }
            Action::RemoveTags { resource, keys } => {
                let arn = self.resolve(resource)?;
                aws.remove_tags(cx, &arn, keys).await?;
            }
            _ => {}
        }
        Ok(())
    }

    fn resolve_all(&self, references: &[Ref]) -> Result<Vec<String>, End> {
        references
            .iter()
            .map(|reference| self.resolve(reference))
            .collect()
    }
}

/// Why a change was not made.
enum Change {
    Unresolved(End),
    Refused(AwsError),
}

impl From<End> for Change {
    fn from(end: End) -> Self {
        Self::Unresolved(end)
    }
}

impl From<AwsError> for Change {
    fn from(error: AwsError) -> Self {
        Self::Refused(error)
    }
}
