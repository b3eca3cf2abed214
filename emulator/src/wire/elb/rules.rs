//! Operations on rules.

use jiff::Timestamp;

use super::{
    super::{Params, Xml},
    actions, conditions, read,
};
use crate::world::{
    ApiError, World,
    elb::{
        rule::{self, CreateRule, ModifyRule, Rule, Shown},
        rule_priorities,
    },
};

pub(super) fn create(world: &mut World, now: Timestamp, params: &Params) -> Result<Xml, ApiError> {
    let priority = params.int("Priority")?;
    let request = CreateRule {
        listener: params.required("ListenerArn")?.to_owned(),
        priority: priority.ok_or_else(|| ApiError::validation("A rule priority must be specified"))?,
        conditions: conditions::read(params)?.unwrap_or_default(),
        actions: actions::read(params, "Actions.member")?,
        transforms: conditions::read_transforms(params)?.unwrap_or_default(),
        tags: read::pairs(params, "Tags.member")?,
    };
    let created = rule::create(world, now, &request)?;
    Ok(answer([&created]))
}

pub(super) fn modify(world: &mut World, params: &Params) -> Result<Xml, ApiError> {
    let request = ModifyRule {
        arn: params.required("RuleArn")?.to_owned(),
        conditions: conditions::read(params)?,
        actions: params
            .has("Actions")
            .then(|| actions::read(params, "Actions.member"))
            .transpose()?,
        transforms: conditions::read_transforms(params)?,
        reset_transforms: params.bool("ResetTransforms")? == Some(true),
    };
    let changed = rule::modify(world, &request)?;
    Ok(answer([&changed]))
}

pub(super) fn delete(world: &mut World, params: &Params) -> Result<Xml, ApiError> {
    rule::delete(world, params.required("RuleArn")?)?;
    Ok(Xml::new())
}

pub(super) fn set_priorities(world: &mut World, params: &Params) -> Result<Xml, ApiError> {
    let pair = |child: &Params| {
        let priority = child.int("Priority")?;
        let missing = || ApiError::validation("A rule priority must be specified");
        Ok((
            child.required("RuleArn")?.to_owned(),
            priority.ok_or_else(missing)?,
        ))
    };
    let listed = params.children("RulePriorities.member");
    let wanted = listed.iter().map(pair).collect::<Result<Vec<_>, ApiError>>()?;
    let moved = rule_priorities::set(world, &wanted)?;
    Ok(answer(&moved))
}

pub(super) fn describe(world: &World, params: &Params) -> Result<Xml, ApiError> {
    let arns = params.list("RuleArns.member");
    let page = read::page(world, params)?;
    let page = rule::describe(&world.elb, params.get("ListenerArn"), &arns, &page)?;
    let mut xml = Xml::new();
    xml.list("Rules", "member", page.items, one);
    xml.opt("NextMarker", page.next);
    Ok(xml)
}

fn answer<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> Xml {
    let mut xml = Xml::new();
    xml.list("Rules", "member", rules.into_iter().map(Shown::from), one);
    xml
}

#[allow(clippy::needless_pass_by_value, reason = "the form that a list wants")]
fn one(xml: &mut Xml, rule: Shown<'_>) {
    let priority = rule.priority.map(|priority| priority.to_string());
    xml.text("RuleArn", rule.arn);
    xml.text("Priority", priority.as_deref().unwrap_or("default"));
    xml.list("Conditions", "member", rule.conditions, conditions::write);
    xml.list("Actions", "member", rule.actions, actions::write);
    xml.list(
        "Transforms",
        "member",
        rule.transforms,
        conditions::write_transform,
    );
    xml.text("IsDefault", rule.priority.is_none());
}
