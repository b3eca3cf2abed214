//! Reads what the decision on a binding asks for.

use elbow_core::key::Lane;
use elbow_core::question::{Answer, Fact, Question};
use elbow_core::targets::Endpoint;
use elbow_core::targets::checkpoint::fingerprint;
use elbow_core::targets::decide::{Ask, endpoints};
use elbow_core::targets::endpoints::EndpointFailure;
use elbow_core::targets::listing::{HealthRead, Listing};
use elbow_core::targets::networking::Contribution;
use elbow_core::targets::zones::VpcBlocks;
use elbow_crds::target_group_binding::Networking;
use ipnet::IpNet;

use super::binding::{Ended, Pass, is_nothing_there};
use super::{lock, tracked};
use crate::aws::Cx;

impl Pass<'_> {
    pub(super) async fn answer(&mut self, ask: Ask) -> Result<(), Ended> {
        match ask {
            Ask::Health(read) => self.read_health(read).await,
            Ask::Tracked => {
                let read = tracked::read(&self.targets.kube, &self.binding).await;
                self.memory.tracked = Some(read.map_err(|error| self.fail(&error.to_string()))?);
                Ok(())
            }
            Ask::Vpc(vpc) => self.read_vpc(&vpc).await,
            Ask::Contribution => {
                self.work_out_contribution().await;
                Ok(())
            }
        }
    }

    async fn read_health(&mut self, read: HealthRead) -> Result<(), Ended> {
        let arn = &self.binding.spec.target_group_arn;
        let without_backend = matches!(endpoints(&self.input()), Err(EndpointFailure::NotFound(_)));
        let cleaning = self.binding.meta.deleting || without_backend;
        let cx = Cx {
            lane: match read {
                HealthRead::All => self.cx.lane,
                HealthRead::These(_) => Lane::Health,
            },
            key: self.cx.key.clone(),
        };
        let these = match &read {
            HealthRead::All => None,
            HealthRead::These(these) => Some(these.as_slice()),
        };
        let answer = match self.targets.aws.target_health(&cx, arn, these).await {
            Ok(answer) => answer,
            // A group that is gone, or never was one, holds no targets of ours.
            Err(error) if cleaning && is_nothing_there(&error) => Vec::new(),
            Err(error) => {
                self.memory.listing = None;
                return Err(self.fail_aws(&error));
            }
        };
        let now = self.targets.clock.now();
        match (read, &mut self.memory.listing) {
            (HealthRead::These(_), Some(listing)) => listing.refresh(answer, now),
            _ => self.memory.listing = Some(Listing::full(answer, now)),
        }
        self.facts.listed = true;
        Ok(())
    }

    async fn read_vpc(&mut self, vpc: &str) -> Result<(), Ended> {
        if *vpc != self.targets.settings.realm.vpc {
            // A target group of another VPC: all its addresses that are not in ours are outside of it, as
            // are ours (upstream describes the VPC to find out).
            let found = self.targets.aws.vpc_by_id(self.cx, vpc).await;
            let found = found.map_err(|error| self.fail_aws(&error))?;
            let Some(found) = found else {
                return Err(self.fail(&format!("VPC {vpc} of spec.vpcID does not exist")));
            };
            self.facts.vpc = Some(blocks(found.ipv4_cidrs.iter().chain(&found.ipv6_cidrs)));
            return Ok(());
        }
        let question = Question::Vpc;
        let questions = std::collections::BTreeSet::from([question.clone()]);
        let answers = self.context.facts.answer(&questions, self.cx).await;
        match answers.get(&question) {
            Some(Answer::Known {
                fact: Fact::Vpc(vpc), ..
            }) => {
                self.facts.vpc = Some(blocks(vpc.ipv4_cidrs.iter().chain(&vpc.ipv6_cidrs)));
                Ok(())
            }
            Some(Answer::Denied { action }) => {
                let message = format!("the controller may not describe its VPC: {action} is denied");
                Err(self.fail(&message))
            }
            Some(Answer::Absent { message: reason } | Answer::Unknown { reason }) => {
                let reason = reason.clone();
                Err(self.fail(&reason))
            }
            _ => Err(self.fail("the address blocks of the VPC are not known")),
        }
    }

    /// Works out and publishes what the binding asks of security groups.
    async fn work_out_contribution(&mut self) {
        let binding = self.binding.clone();
        let Some(networking) = &binding.spec.networking else {
            self.withdraw(None);
            self.facts.contribution = Some(Ok(()));
            return;
        };
        let wanted = endpoints(&self.input());
        let made = self.contribution(networking, &wanted).await;
        self.facts.contribution = Some(match (made, wanted) {
            // On its way out a binding asks for nothing, but its rules have to be found.
            (Ok(made), _) if binding.meta.deleting => {
                self.claimed = Some(made);
                Ok(())
            }
            (Ok(made), Ok(endpoints)) => {
                self.publish(made, fingerprint(&endpoints, &binding.spec));
                Ok(())
            }
            (Ok(_), Err(failure)) => Err(failure.to_string()),
            (Err(message), _) => {
                self.note_unresolved(&message);
                Err(message)
            }
        });
    }

    /// What the binding asks of security groups for its endpoints, or one sentence.
    pub(super) async fn contribution(
        &self,
        networking: &Networking,
        wanted: &Result<Vec<Endpoint>, EndpointFailure>,
    ) -> Result<Contribution, String> {
        let endpoints = match wanted {
            Ok(endpoints) => endpoints,
            Err(failure) => return Err(failure.to_string()),
        };
        let targets = self.targets;
        let made = targets.interfaces.contribution(
            &targets.aws,
            self.cx,
            &targets.settings,
            &self.binding,
            networking,
            endpoints,
            &self.seen.backends,
        );
        made.await.map_err(|error| error.message())
    }

    fn publish(&mut self, made: Contribution, fingerprint: String) {
        let groups = {
            let mut ledger = lock(&self.targets.ledger);
            let groups = ledger.publish(&self.name, made);
            self.memory.contribution_is_wide = ledger.is_wide(&self.name);
            groups
        };
        self.memory.contribution_of = Some(fingerprint);
        self.wake_groups(groups);
    }
}

fn blocks<'a>(cidrs: impl Iterator<Item = &'a String>) -> VpcBlocks {
    let parsed = cidrs.filter_map(|cidr| cidr.parse::<IpNet>().ok());
    VpcBlocks::Blocks(parsed.collect())
}
