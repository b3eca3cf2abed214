//! Rules of Application Load Balancer listeners.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types as sdk;
use elbow_core::model::{Origins, Ref, ResourceId, Rule, Setting, Tags};

use super::convert::{self, Strange, missing, parsed};
use super::load_balancer::gone;
use super::{request, rule_condition};
use crate::aws::call::all_pages;
use crate::aws::error::{AwsError, Service};
use crate::aws::{Aws, Cx};

impl Aws {
    /// The rules of a listener but its default rule, in AWS's order; without resource ids and tags.
    pub async fn describe_rules(&self, cx: &Cx, listener_arn: &str) -> Result<Vec<Rule>, AwsError> {
        const OPERATION: &str = "DescribeRules";
        let arn = listener_arn.to_owned();
        let name = format!("{OPERATION} {arn}");
        self.merged(cx, Service::Elb, name, |aws, asker| async move {
            let (aws, asker, arn) = (&aws, &asker, &arn);
            all_pages(Service::Elb, OPERATION, |marker| async move {
                let request = aws.elb().describe_rules().listener_arn(arn).set_marker(marker);
                let output = aws
                    .call(asker, Service::Elb, OPERATION, || request.clone().send())
                    .await?;
                let own = output
                    .rules()
                    .iter()
                    .filter(|rule| !rule.is_default().unwrap_or_default());
                let rules: Result<Vec<_>, _> = own.map(|one| rule(arn, one)).collect();
                Ok((
                    rules.map_err(|strange| strange.error(OPERATION))?,
                    output.next_marker,
                ))
            })
            .await
        })
        .await
    }

    /// Creates a rule whose references are all resolved, with the number it has. Returns the ARN. `tags` are
    /// all tags.
    pub async fn create_rule(&self, cx: &Cx, wanted: &Rule, tags: &Tags) -> Result<String, AwsError> {
        const OPERATION: &str = "CreateRule";
        let weighted = self.0.config.weighted_target_groups;
        let request = self
            .elb()
            .create_rule()
            .listener_arn(request::known(OPERATION, &wanted.listener)?)
            .priority(wanted.priority)
            .set_conditions(Some(rule_condition::written_all(&wanted.conditions)))
            .set_actions(Some(request::actions(OPERATION, &wanted.actions, weighted)?))
            .set_transforms(rule_condition::transforms(&wanted.transforms))
            .set_tags(request::tags(tags));
        let output = self
            .call(&cx.into(), Service::Elb, OPERATION, || request.clone().send())
            .await?;
        let arn = output.rules().first().and_then(|rule| rule.rule_arn());
        arn.map(str::to_owned).ok_or_else(|| AwsError {
            answered: false,
            ..AwsError::unknown_value(Service::Elb, OPERATION, "the answer has no ARN")
        })
    }

    /// Replaces conditions, actions and transforms of a rule; its number stays.
    pub async fn modify_rule(&self, cx: &Cx, arn: &str, wanted: &Rule) -> Result<(), AwsError> {
        const OPERATION: &str = "ModifyRule";
        let weighted = self.0.config.weighted_target_groups;
        let transforms = rule_condition::transforms(&wanted.transforms);
        let request = self
            .elb()
            .modify_rule()
            .rule_arn(arn)
            .set_conditions(Some(rule_condition::written_all(&wanted.conditions)))
            .set_actions(Some(request::actions(OPERATION, &wanted.actions, weighted)?))
            .set_reset_transforms(transforms.is_none().then_some(true))
            .set_transforms(transforms);
        self.call(&cx.into(), Service::Elb, OPERATION, || request.clone().send())
            .await?;
        Ok(())
    }

    /// Renumbers rules of one listener, all in one call that does all or nothing. `priorities` are numbers
    /// from 1 to 50000 by ARN.
    pub async fn set_rule_priorities(
        &self,
        cx: &Cx,
        priorities: &BTreeMap<String, i32>,
    ) -> Result<(), AwsError> {
        let pair = |(arn, priority): (&String, &i32)| {
            sdk::RulePriorityPair::builder()
                .rule_arn(arn)
                .priority(*priority)
                .build()
        };
        let request = self
            .elb()
            .set_rule_priorities()
            .set_rule_priorities(Some(priorities.iter().map(pair).collect()));
        self.call(&cx.into(), Service::Elb, "SetRulePriorities", || {
            request.clone().send()
        })
        .await?;
        Ok(())
    }

    /// Deletes a rule; one that is gone already counts as deleted.
    pub async fn delete_rule(&self, cx: &Cx, arn: &str) -> Result<(), AwsError> {
        let request = self.elb().delete_rule().rule_arn(arn);
        let deleted = self
            .call(&cx.into(), Service::Elb, "DeleteRule", || request.clone().send())
            .await;
        gone(deleted.map(drop))
    }
}

/// A rule as described. Its resource id is in its tags, which are read apart.
fn rule(listener: &str, described: &sdk::Rule) -> Result<Rule, Strange> {
    let arn = described.rule_arn().ok_or_else(|| missing("a rule", "ARN"))?;
    let what = format!("rule {arn}");
    let priority = described.priority().unwrap_or("none");
    let mut actions: Vec<&sdk::Action> = described.actions().iter().collect();
    actions.sort_by_key(|action| action.order().unwrap_or_default());
    let conditions = described.conditions().iter();
    let transforms = described.transforms().iter();
    Ok(Rule {
        id: ResourceId(String::new()),
        arn: Some(arn.to_owned()),
        listener: Ref::Known(listener.to_owned()),
        priority: parsed(&what, "priority", priority, priority.parse().ok())?,
        conditions: conditions
            .map(|one| rule_condition::read(&what, one))
            .collect::<Result<_, _>>()?,
        actions: actions
            .into_iter()
            .map(|one| convert::action(&what, one))
            .collect::<Result<_, _>>()?,
        transforms: transforms
            .map(|one| rule_condition::read_transform(&what, one))
            .collect::<Result<_, _>>()?,
        tags: Setting::Unmanaged,
        origins: Origins::new(),
    })
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
