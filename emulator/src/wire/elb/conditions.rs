//! Conditions and transforms of rules.

use super::super::{Params, Xml};
use crate::world::{
    ApiError,
    elb::{
        condition::{Condition, ConditionRequest},
        pattern::Pattern,
        transform::{Rewrites, Transform},
    },
};

/// The configuration of each field.
const CONFIGS: [(&str, &str); 6] = [
    ("host-header", "HostHeaderConfig"),
    ("http-header", "HttpHeaderConfig"),
    ("http-request-method", "HttpRequestMethodConfig"),
    ("path-pattern", "PathPatternConfig"),
    ("query-string", "QueryStringConfig"),
    ("source-ip", "SourceIpConfig"),
];

/// The conditions of a request, if it has any.
pub(super) fn read(params: &Params) -> Result<Option<Vec<Condition>>, ApiError> {
    let one = |child: &Params| Condition::checked(&requested(child)?);
    params
        .has("Conditions")
        .then(|| params.children("Conditions.member").iter().map(one).collect())
        .transpose()
}

fn requested(params: &Params) -> Result<ConditionRequest, ApiError> {
    let field = params.required("Field")?;
    for (other, config) in CONFIGS {
        if other != field && params.has(config) {
            let message = format!("{config} cannot be specified for a condition with field '{field}'");
            return Err(ApiError::validation(message));
        }
    }
    let config = CONFIGS
        .iter()
        .find(|(known, _)| *known == field)
        .map_or("", |(_, config)| config);
    let mut request = ConditionRequest {
        field: field.to_owned(),
        header: params.get(&format!("{config}.HttpHeaderName")).map(str::to_owned),
        values: params.list(&format!("{config}.Values.member")),
        regexes: params.list(&format!("{config}.RegexValues.member")),
        pairs: pairs(&params.children(&format!("{config}.Values.member"))),
    };
    merge(field, "Values", &mut request.values, params.list("Values.member"))?;
    merge(
        field,
        "RegexValues",
        &mut request.regexes,
        params.list("RegexValues.member"),
    )?;
    Ok(request)
}

fn pairs(children: &[Params]) -> Vec<(Option<String>, String)> {
    let text = |child: &Params, name: &str| child.get(name).map(str::to_owned);
    children
        .iter()
        .filter(|child| child.has("Key") || child.has("Value"))
        .map(|child| (text(child, "Key"), text(child, "Value").unwrap_or_default()))
        .collect()
}

/// The older lists beside the configuration: used without it, else they must say the same.
fn merge(field: &str, name: &str, values: &mut Vec<String>, older: Vec<String>) -> Result<(), ApiError> {
    if older.is_empty() || *values == older {
        return Ok(());
    }
    let takes = match name {
        "Values" => ["host-header", "path-pattern"].contains(&field),
        _ => ["host-header", "http-header", "path-pattern"].contains(&field),
    };
    if !takes || !values.is_empty() {
        return Err(ApiError::validation(format!(
            "{name} of a condition with field '{field}' must be specified in its configuration"
        )));
    }
    *values = older;
    Ok(())
}

/// One condition of an answer. Hosts and paths are shown twice, as AWS does.
pub(super) fn write(xml: &mut Xml, condition: &Condition) {
    let field = condition.field();
    xml.text("Field", field);
    let config = CONFIGS
        .iter()
        .find(|(known, _)| *known == field)
        .map_or("", |(_, config)| config);
    if let Condition::HostHeader(values) | Condition::PathPattern(values) = condition {
        write_patterns(xml, values);
    }
    xml.element(config, |xml| match condition {
        Condition::HostHeader(values) | Condition::PathPattern(values) => write_patterns(xml, values),
        Condition::HttpHeader { name, values } => {
            xml.text("HttpHeaderName", name);
            write_patterns(xml, values);
        }
        Condition::HttpRequestMethod(values) => write_texts(xml, "Values", values),
        Condition::QueryString(pairs) => {
            xml.list("Values", "member", pairs, |xml, pair| {
                xml.opt("Key", pair.key.as_ref().map(Pattern::text));
                xml.text("Value", pair.value.text());
            });
        }
        Condition::SourceIp(ranges) => {
            write_texts(xml, "Values", ranges.iter().map(|range| &range.text));
        }
    });
}

fn write_patterns(xml: &mut Xml, values: &[Pattern]) {
    let regexes = values.iter().any(Pattern::is_regex);
    let name = if regexes { "RegexValues" } else { "Values" };
    write_texts(xml, name, values.iter().map(Pattern::text));
}

fn write_texts(xml: &mut Xml, name: &str, values: impl IntoIterator<Item = impl ToString>) {
    xml.list(name, "member", values, |xml, value| {
        xml.data(value);
    });
}

/// The configuration of a type of transform.
fn config(rewrites: Rewrites) -> &'static str {
    match rewrites {
        Rewrites::HostHeaderRewrite => "HostHeaderRewriteConfig",
        Rewrites::UrlRewrite => "UrlRewriteConfig",
    }
}

/// The transforms of a request, if it has any.
pub(super) fn read_transforms(params: &Params) -> Result<Option<Vec<Transform>>, ApiError> {
    params
        .has("Transforms")
        .then(|| {
            params
                .children("Transforms.member")
                .iter()
                .map(transform)
                .collect()
        })
        .transpose()
}

fn transform(params: &Params) -> Result<Transform, ApiError> {
    let rewrites = Rewrites::parse(params.required("Type")?)?;
    let listed = params.children(&format!("{}.Rewrites.member", config(rewrites)));
    match listed.as_slice() {
        [only] => Transform::checked(rewrites, only.required("Regex")?, only.required("Replace")?),
        _ => Err(ApiError::validation(format!(
            "A '{}' transform must have one rewrite in its configuration",
            rewrites.as_str()
        ))),
    }
}

/// One transform of an answer.
pub(super) fn write_transform(xml: &mut Xml, transform: &Transform) {
    xml.text("Type", transform.rewrites.as_str());
    xml.element(config(transform.rewrites), |xml| {
        xml.list("Rewrites", "member", [transform], |xml, transform| {
            xml.text("Regex", &transform.regex)
                .text("Replace", &transform.replace);
        });
    });
}
