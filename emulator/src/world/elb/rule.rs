//! Rules of listeners: create, describe, modify, delete.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    Elb,
    action::{self, Action, Place},
    arn::{self, Kind},
    authentication,
    condition::{self, Condition},
    limits,
    listener::Listener,
    page::{Page, PageRequest},
    room,
    routing::Request,
    tags::{self, Tags},
    transform::{self, Transform},
    uses::{Except, Uses},
    words::LoadBalancerType,
};
use crate::world::{ApiError, World};

/// Highest priority number.
pub const MAX_PRIORITY: u32 = 50_000;

/// A rule other than the default one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// ARN.
    pub arn: String,
    /// When it was created.
    pub created: Timestamp,
    /// 1 to 50,000, once per listener; the lowest decides first.
    pub priority: u32,
    /// All must be met.
    pub conditions: Vec<Condition>,
    /// What is done, in order.
    pub actions: Vec<Action>,
    /// What is rewritten before that.
    pub transforms: Vec<Transform>,
    /// Tags.
    pub tags: Tags,
}

impl Rule {
    /// Whether a request meets all its conditions.
    pub fn matches(&self, request: &Request<'_>) -> bool {
        self.conditions.iter().all(|condition| condition.matches(request))
    }
}

/// The parameters of CreateRule.
#[derive(Clone, Debug, Default)]
pub struct CreateRule {
    /// `ListenerArn`
    pub listener: String,
    /// `Priority`
    pub priority: i64,
    /// `Conditions`
    pub conditions: Vec<Condition>,
    /// `Actions`
    pub actions: Vec<Action>,
    /// `Transforms`
    pub transforms: Vec<Transform>,
    /// `Tags`
    pub tags: Vec<(String, String)>,
}

/// The parameters of ModifyRule; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct ModifyRule {
    /// `RuleArn`
    pub arn: String,
    /// `Conditions`
    pub conditions: Option<Vec<Condition>>,
    /// `Actions`
    pub actions: Option<Vec<Action>>,
    /// `Transforms`
    pub transforms: Option<Vec<Transform>>,
    /// `ResetTransforms`
    pub reset_transforms: bool,
}

/// A rule as answers show it; the default one has no priority.
#[derive(Clone, Debug)]
pub struct Shown<'a> {
    /// ARN.
    pub arn: &'a str,
    /// Absent: the default rule.
    pub priority: Option<u32>,
    /// Conditions.
    pub conditions: &'a [Condition],
    /// Actions.
    pub actions: &'a [Action],
    /// Transforms.
    pub transforms: &'a [Transform],
}

impl<'a> From<&'a Rule> for Shown<'a> {
    fn from(rule: &'a Rule) -> Self {
        Self {
            arn: &rule.arn,
            priority: Some(rule.priority),
            conditions: &rule.conditions,
            actions: &rule.actions,
            transforms: &rule.transforms,
        }
    }
}

impl<'a> Shown<'a> {
    fn default_of(listener: &'a Listener) -> Self {
        Self {
            arn: &listener.default_rule.arn,
            priority: None,
            conditions: &[],
            actions: &listener.default_actions,
            transforms: &[],
        }
    }
}

/// A priority as a map key; `ValidationError` outside 1 to 50,000.
pub fn checked_priority(priority: i64) -> Result<u32, ApiError> {
    u32::try_from(priority)
        .ok()
        .filter(|priority| (1..=MAX_PRIORITY).contains(priority))
        .ok_or_else(|| {
            ApiError::validation(format!(
                "1 validation error detected: Value '{priority}' at 'priority' failed to satisfy constraint: Member \
                 must have value between 1 and {MAX_PRIORITY}"
            ))
        })
}

/// A rule that can be changed, with its listener: `RuleNotFound`, or `OperationNotPermitted` for a default rule.
pub fn changeable<'a>(elb: &'a Elb, rule: &str) -> Result<(&'a Listener, &'a Rule), ApiError> {
    Kind::Rule.check(rule)?;
    if let Some(found) = elb.rule(rule) {
        return Ok(found);
    }
    if elb
        .listeners
        .values()
        .any(|listener| listener.default_rule.arn == rule)
    {
        let message = format!("Default rule '{rule}' cannot be modified or deleted");
        return Err(ApiError::new("OperationNotPermitted", message));
    }
    Err(Kind::Rule.not_found())
}

/// CreateRule. Never idempotent: a second call finds the priority in use.
///
/// # Errors
/// `ListenerNotFound`, `InvalidConfigurationRequest` (listener of a network load balancer), `PriorityInUse`,
/// `TooManyRules`, tag errors, and those of [`action::check`], [`condition::check_all`], [`transform::check_all`].
pub fn create(world: &mut World, now: Timestamp, request: &CreateRule) -> Result<Rule, ApiError> {
    let listener = world.elb.listener(&request.listener)?;
    let owner = world.elb.load_balancer(&listener.load_balancer)?;
    if owner.kind == LoadBalancerType::Network {
        let message = "Rules of Network Load Balancers, which tell IPv4 from IPv6, do not exist here";
        return Err(ApiError::new("InvalidConfigurationRequest", message));
    }
    let priority = checked_priority(request.priority)?;
    if listener.rules.contains_key(&priority) {
        return Err(ApiError::new(
            "PriorityInUse",
            format!("Priority '{priority}' is currently in use"),
        ));
    }
    let siblings = world.elb.listeners.values();
    let count: usize = siblings
        .filter(|other| other.load_balancer == owner.arn)
        .map(|other| other.rules.len())
        .sum();
    let limit = world.quotas.rules_per_load_balancer;
    limits::check("TooManyRules", limit, count + 1, "rules per load balancer")?;
    let wanted = Rule {
        arn: String::new(),
        created: now,
        priority,
        conditions: request.conditions.clone(),
        actions: action::sorted(authentication::with_known_secrets(&request.actions, &[])),
        transforms: request.transforms.clone(),
        tags: tags::checked(&world.quotas, &request.tags)?,
    };
    check(world, listener, &wanted)?;
    let id = world.ids.hex(16);
    let path = format!("listener-rule/{}/{id}", arn::path(&request.listener));
    let created = Rule {
        arn: arn::of(world, &path),
        ..wanted
    };
    let listener = world.elb.listener_mut(&request.listener)?;
    listener.rules.insert(priority, created.clone());
    Ok(created)
}

/// Conditions, actions and transforms of a rule that is to be put into a listener.
fn check(world: &World, listener: &Listener, rule: &Rule) -> Result<(), ApiError> {
    condition::check_all(&world.quotas, &rule.conditions)?;
    transform::check_all(&rule.transforms)?;
    let owner = world.elb.load_balancer(&listener.load_balancer)?;
    let uses = Uses::of_listeners(world.elb.listeners.values(), Except::Rule(&rule.arn));
    let place = Place {
        load_balancer: owner,
        protocol: listener.protocol,
        uses: &uses,
    };
    action::check(world, place, &rule.actions)?;
    let mut groups = uses.groups_of(&owner.arn);
    groups.extend(rule.actions.iter().flat_map(Action::target_groups));
    room::check(world, owner, &groups, None)
}

/// ModifyRule: conditions, actions and transforms, each as a whole; the priority stays.
///
/// # Errors
/// `RuleNotFound`, `OperationNotPermitted` (default rule), `ValidationError` (nothing or contradictions asked
/// for), and those of [`create`] about what the rule has.
pub fn modify(world: &mut World, request: &ModifyRule) -> Result<Rule, ApiError> {
    let (listener, current) = changeable(&world.elb, &request.arn)?;
    if request.reset_transforms && request.transforms.is_some() {
        return Err(ApiError::validation(
            "Transforms and ResetTransforms cannot be specified at the same time",
        ));
    }
    let given = [
        request.conditions.is_some(),
        request.actions.is_some(),
        request.transforms.is_some(),
        request.reset_transforms,
    ];
    if !given.contains(&true) {
        return Err(ApiError::validation(
            "Conditions, actions or transforms must be specified",
        ));
    }
    let mut changed = current.clone();
    if let Some(conditions) = &request.conditions {
        changed.conditions.clone_from(conditions);
    }
    if let Some(actions) = &request.actions {
        changed.actions = action::sorted(authentication::with_known_secrets(actions, &current.actions));
    }
    if let Some(transforms) = &request.transforms {
        changed.transforms.clone_from(transforms);
    }
    if request.reset_transforms {
        changed.transforms.clear();
    }
    check(world, listener, &changed)?;
    let listener = listener.arn.clone();
    let rules = &mut world.elb.listener_mut(&listener)?.rules;
    rules.insert(changed.priority, changed.clone());
    Ok(changed)
}

/// DeleteRule: `RuleNotFound`, or `OperationNotPermitted` for a default rule.
pub fn delete(world: &mut World, arn: &str) -> Result<(), ApiError> {
    let (listener, rule) = changeable(&world.elb, arn)?;
    let (listener, priority) = (listener.arn.clone(), rule.priority);
    world.elb.listener_mut(&listener)?.rules.remove(&priority);
    Ok(())
}

/// DescribeRules: of a listener, by priority and the default rule last, or by ARN.
pub fn describe<'a>(
    elb: &'a Elb,
    listener: Option<&str>,
    arns: &[String],
    page: &PageRequest,
) -> Result<Page<Shown<'a>>, ApiError> {
    match (listener, arns) {
        (Some(listener), []) => {
            let listener = elb.listener(listener)?;
            let mut found: Vec<Shown<'_>> = listener.rules.values().map(Shown::from).collect();
            found.push(Shown::default_of(listener));
            page.cut(found, priority_key)
        }
        (None, [_, ..]) => {
            let mut found = arns
                .iter()
                .map(|arn| shown(elb, arn))
                .collect::<Result<Vec<_>, _>>()?;
            found.sort_by_key(|rule| rule.arn);
            found.dedup_by_key(|rule| rule.arn);
            page.cut(found, |rule| rule.arn.to_owned())
        }
        _ => Err(ApiError::validation(
            "Either a listener ARN or rule ARNs must be specified",
        )),
    }
}

/// Sorts as the priorities do, the default rule last.
fn priority_key(rule: &Shown<'_>) -> String {
    rule.priority
        .map_or_else(|| "default".to_owned(), |priority| format!("{priority:05}"))
}

fn shown<'a>(elb: &'a Elb, arn: &str) -> Result<Shown<'a>, ApiError> {
    Kind::Rule.check(arn)?;
    if let Some((_, rule)) = elb.rule(arn) {
        return Ok(Shown::from(rule));
    }
    let mut defaults = elb.listeners.values();
    defaults
        .find(|listener| listener.default_rule.arn == arn)
        .map(Shown::default_of)
        .ok_or_else(|| Kind::Rule.not_found())
}
