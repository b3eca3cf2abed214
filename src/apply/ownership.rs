//! Ownership is checked twice: a create may meet somebody else's resource of that name.

use elbow_core::model::{ResourceAddress, ResourceKind};
use elbow_core::plan::Output;
use elbow_crds::problem::ProblemCode;
use jiff::SignedDuration;

use super::step::{End, Running};
use crate::aws::AwsError;
use crate::mirror::{Claim, Named, Ownership};

/// How long a name may be taken by something that we cannot see yet.
const UNSEEN: SignedDuration = SignedDuration::from_secs(60);

impl Running<'_> {
    /// The end of a create that AWS answered with success. AWS answers so, too, when a resource of that name
    /// and those settings was there before: then its tags decide.
    pub async fn created(&self, address: &ResourceAddress, name: &str, output: Output) -> End {
        match self.context.mirror.named(&output.id, self.cx).await {
            Ok(Some(named)) if !self.is_claimed(&named, address) => self.taken(address, name, &named),
            Ok(_) => End::Done(Some((address.clone(), output))),
            Err(error) => {
                self.suspect();
                self.refused(&error)
            }
        }
    }

    /// The end of a create that met a name in use, with other settings.
    pub async fn name_in_use(&self, address: &ResourceAddress, name: &str, error: &AwsError) -> End {
        let mirror = self.context.mirror;
        let found = match address.kind {
            ResourceKind::LoadBalancer => mirror.find_load_balancer(name, self.cx).await,
            _ => mirror.find_target_group(name, self.cx).await,
        };
        match found {
            Ok(Some(named)) if self.is_claimed(&named, address) => self.wait(
                &format!("the next plan, which changes the existing {name} instead of creating it"),
                UNSEEN,
            ),
            Ok(Some(named)) => self.taken(address, name, &named),
            Ok(None) => self.contradicted(error),
            Err(error) => self.refused(&error),
        }
    }

    /// Whether the tags name this stack and resource.
    fn is_claimed(&self, named: &Named, address: &ResourceAddress) -> bool {
        match &named.ownership {
            Ownership::Stack(Claim { key, resource, .. }) => {
                Some(key) == self.key && *resource == address.id.0
            }
            _ => false,
        }
    }

    fn taken(&self, address: &ResourceAddress, name: &str, named: &Named) -> End {
        let kind = match address.kind {
            ResourceKind::LoadBalancer => "load balancer",
            _ => "target group",
        };
        let owner = match &named.ownership {
            Ownership::Stack(claim) => {
                format!("belongs to {} {}", claim.key.kind.word(), claim.key.stack_id())
            }
            _ => "does not carry the tags of this cluster".to_owned(),
        };
        let message = format!(
            "a {kind} named {name} exists already and {owner} ({}). Choose another name, or delete it",
            named.arn
        );
        self.failed(ProblemCode::Conflict, &message)
    }
}
