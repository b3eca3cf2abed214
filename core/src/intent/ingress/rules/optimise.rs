//! Drops rules of a listener that can do no good: redirects to themselves, and rules behind a redirect that takes
//! all their requests (upstream `pkg/ingress/rule_optimizer.go`).

use crate::intent::ingress::wish::RuleWish;
use crate::intent::wish::ActionWish;
use crate::model::{Condition, Patterns, Protocol, RedirectAction};

/// The rules of one listener, in order, without those that would redirect for ever or never answer. Default
/// actions are no rules and stay whatever they do.
pub fn optimise(port: i32, protocol: Protocol, rules: Vec<RuleWish>) -> Vec<RuleWish> {
    let mut kept: Vec<RuleWish> = Vec::new();
    for rule in rules {
        let circular = redirect(&rule).is_some_and(|redirect| is_circular(redirect, &rule, port, protocol));
        if !circular && !kept.iter().any(|earlier| shadows(earlier, &rule)) {
            kept.push(rule);
        }
    }
    kept
}

fn redirect(rule: &RuleWish) -> Option<&RedirectAction> {
    rule.actions.iter().find_map(|action| match action {
        ActionWish::Redirect(redirect) => Some(redirect),
        ActionWish::Forward { .. } | ActionWish::FixedResponse(_) => None,
    })
}

/// Whether requests of the rule come back to it. Conditions on anything but host and path are not looked at.
fn is_circular(redirect: &RedirectAction, rule: &RuleWish, port: i32, protocol: Protocol) -> bool {
    let keeps = |part: &Option<String>, placeholder: &str, same: &dyn Fn(&String) -> bool| {
        part.as_ref().is_none_or(|part| part == placeholder || same(part))
    };
    let (hosts, paths) = (hosts(rule), paths(rule));
    let by_regex = rule
        .conditions
        .iter()
        .any(|condition| matches!(condition, Condition::PathPattern(Patterns::Regexes(_))));
    !by_regex
        && keeps(&redirect.host, "#{host}", &|host| hosts.contains(&host))
        && keeps(&redirect.path, "/#{path}", &|path| paths.contains(&path))
        && keeps(&redirect.port, "#{port}", &|text| *text == port.to_string())
        && keeps(&redirect.protocol, "#{protocol}", &|text| {
            text == protocol.as_str()
        })
        && keeps(&redirect.query, "#{query}", &|_| false)
}

/// Whether `earlier` redirects every request that `later` would get. Texts are compared, wildcards are not
/// understood. As upstream has it, a host given by regular expressions counts as every host.
fn shadows(earlier: &RuleWish, later: &RuleWish) -> bool {
    let plain =
        |condition: &Condition| matches!(condition, Condition::HostHeader(_) | Condition::PathPattern(_));
    redirect(earlier).is_some()
        && earlier.conditions.iter().all(plain)
        && covers(&hosts(earlier), &hosts(later))
        && (paths(earlier).iter().any(|path| *path == "/*") || covers(&paths(earlier), &paths(later)))
}

/// No values stand for all.
fn covers(earlier: &[&String], later: &[&String]) -> bool {
    earlier.is_empty() || (!later.is_empty() && later.iter().all(|value| earlier.contains(value)))
}

fn hosts(rule: &RuleWish) -> Vec<&String> {
    let values = |condition| match condition {
        &Condition::HostHeader(Patterns::Values(ref values)) => values.as_slice(),
        _ => &[],
    };
    rule.conditions.iter().flat_map(values).collect()
}

/// Values and regular expressions alike.
fn paths(rule: &RuleWish) -> Vec<&String> {
    let values = |condition| match condition {
        &Condition::PathPattern(Patterns::Values(ref texts) | Patterns::Regexes(ref texts)) => {
            texts.as_slice()
        }
        _ => &[],
    };
    rule.conditions.iter().flat_map(values).collect()
}
