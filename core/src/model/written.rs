//! What a user writes in annotations as what is modelled: the parsers of `crds` know nothing of the model.

use elbow_crds::ingress::{action, condition, transform};

use super::{
    Condition, FixedResponseAction, Patterns, QueryPair, RedirectAction, Rewrite, Stickiness, Transform,
    TransformKind,
};

impl From<condition::Patterns> for Patterns {
    fn from(written: condition::Patterns) -> Self {
        match written {
            condition::Patterns::Values(values) => Self::Values(values),
            condition::Patterns::Regexes(regexes) => Self::Regexes(regexes),
        }
    }
}

impl From<&Patterns> for condition::Patterns {
    fn from(patterns: &Patterns) -> Self {
        match patterns {
            Patterns::Values(values) => Self::Values(values.clone()),
            Patterns::Regexes(regexes) => Self::Regexes(regexes.clone()),
        }
    }
}

impl From<condition::Condition> for Condition {
    fn from(written: condition::Condition) -> Self {
        use condition::Condition as Written;
        match written {
            Written::HostHeader(patterns) => Self::HostHeader(patterns.into()),
            Written::PathPattern(patterns) => Self::PathPattern(patterns.into()),
            Written::HttpHeader { name, patterns } => Self::HttpHeader {
                name,
                patterns: patterns.into(),
            },
            Written::HttpRequestMethod(methods) => Self::HttpRequestMethod(methods),
            Written::QueryString(pairs) => {
                let pair = |condition::QueryPair { key, value }| QueryPair { key, value };
                Self::QueryString(pairs.into_iter().map(pair).collect())
            }
            Written::SourceIp(blocks) => Self::SourceIp(blocks),
        }
    }
}

impl From<&Condition> for condition::Condition {
    fn from(condition: &Condition) -> Self {
        match condition {
            Condition::HostHeader(patterns) => Self::HostHeader(patterns.into()),
            Condition::PathPattern(patterns) => Self::PathPattern(patterns.into()),
            Condition::HttpHeader { name, patterns } => Self::HttpHeader {
                name: name.clone(),
                patterns: patterns.into(),
            },
            Condition::HttpRequestMethod(methods) => Self::HttpRequestMethod(methods.clone()),
            Condition::QueryString(pairs) => {
                let pair = |pair: &QueryPair| condition::QueryPair {
                    key: pair.key.clone(),
                    value: pair.value.clone(),
                };
                Self::QueryString(pairs.iter().map(pair).collect())
            }
            Condition::SourceIp(blocks) => Self::SourceIp(blocks.clone()),
        }
    }
}

fn rewrites(written: Vec<transform::Rewrite>) -> Vec<Rewrite> {
    let rewrite = |transform::Rewrite { regex, replace }| Rewrite { regex, replace };
    written.into_iter().map(rewrite).collect()
}

impl From<transform::Transform> for Transform {
    fn from(written: transform::Transform) -> Self {
        let (kind, written) = match written {
            transform::Transform::UrlRewrite(rewrites) => (TransformKind::UrlRewrite, rewrites),
            transform::Transform::HostHeaderRewrite(rewrites) => (TransformKind::HostHeaderRewrite, rewrites),
        };
        Self {
            kind,
            rewrites: rewrites(written),
        }
    }
}

impl From<&Transform> for transform::Transform {
    fn from(transform: &Transform) -> Self {
        let rewrite = |rewrite: &Rewrite| transform::Rewrite {
            regex: rewrite.regex.clone(),
            replace: rewrite.replace.clone(),
        };
        let rewrites = transform.rewrites.iter().map(rewrite).collect();
        match transform.kind {
            TransformKind::UrlRewrite => Self::UrlRewrite(rewrites),
            TransformKind::HostHeaderRewrite => Self::HostHeaderRewrite(rewrites),
        }
    }
}

impl From<action::Redirect> for RedirectAction {
    fn from(written: action::Redirect) -> Self {
        Self {
            protocol: written.protocol,
            port: written.port,
            host: written.host,
            path: written.path,
            query: written.query,
            status: written.status_code,
        }
    }
}

impl From<&RedirectAction> for action::Redirect {
    fn from(redirect: &RedirectAction) -> Self {
        Self {
            status_code: redirect.status.clone(),
            host: redirect.host.clone(),
            path: redirect.path.clone(),
            port: redirect.port.clone(),
            protocol: redirect.protocol.clone(),
            query: redirect.query.clone(),
        }
    }
}

impl From<action::FixedResponse> for FixedResponseAction {
    fn from(written: action::FixedResponse) -> Self {
        Self {
            status: written.status_code,
            content_type: written.content_type,
            body: written.message_body,
        }
    }
}

impl From<&FixedResponseAction> for action::FixedResponse {
    fn from(response: &FixedResponseAction) -> Self {
        Self {
            status_code: response.status.clone(),
            content_type: response.content_type.clone(),
            message_body: response.body.clone(),
        }
    }
}

/// Stickiness that is not said to be on is off, as AWS has it.
impl From<action::Stickiness> for Stickiness {
    fn from(written: action::Stickiness) -> Self {
        Self {
            enabled: written.enabled.unwrap_or(false),
            seconds: written.duration_seconds,
        }
    }
}
