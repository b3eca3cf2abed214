//! The JSON form of a fault rule.

use serde::{Deserialize, Serialize};

use super::{Fault, FaultRule};

/// The JSON form of a rule: `{"operation": "*", "kind": "latency", "milliseconds": 200, "count": 3}`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    operation: String,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    mutations: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(default)]
    after: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    milliseconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
}

impl TryFrom<Written> for FaultRule {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written {
            operation,
            kind,
            actor,
            mutations,
            count,
            after,
            milliseconds,
            seconds,
            code,
            status,
        } = written;
        let need =
            |field: &str| format!("a fault of kind '{kind}' needs the field '{field}' (a whole number)");
        let fault = match kind.as_str() {
            "latency" => Fault::Latency {
                milliseconds: milliseconds.ok_or_else(|| need("milliseconds"))?,
            },
            "throttle" => Fault::Throttle { code },
            "error" => Fault::Error {
                code: code.unwrap_or_else(|| "InternalFailure".into()),
                status: status.unwrap_or(500),
            },
            "access-denied" => Fault::AccessDenied,
            "cut-before" => Fault::CutBefore,
            "cut-after" => Fault::CutAfter,
            "hold-before" => Fault::HoldBefore,
            "hold-after" => Fault::HoldAfter,
            "stale" => Fault::Stale {
                seconds: seconds.ok_or_else(|| need("seconds"))?,
            },
            "fresh-invisible" => Fault::FreshInvisible {
                seconds: seconds.ok_or_else(|| need("seconds"))?,
            },
            other => {
                return Err(format!(
                    "kind is '{other}'; write latency, throttle, error, access-denied, cut-before, cut-after, \
                     hold-before, hold-after, stale or fresh-invisible"
                ));
            }
        };
        if let Fault::Error { status, .. } = &fault
            && !(400..=599).contains(status)
        {
            return Err(format!(
                "status is {status}; an error has an HTTP status from 400 to 599"
            ));
        }
        Ok(Self {
            operation,
            actor,
            mutations,
            count,
            after,
            fault,
        })
    }
}

impl From<FaultRule> for Written {
    fn from(rule: FaultRule) -> Self {
        let kind = rule.fault.kind().to_owned();
        let FaultRule {
            operation,
            actor,
            mutations,
            count,
            after,
            fault,
        } = rule;
        let written = Self {
            operation,
            kind,
            actor,
            mutations,
            count,
            after,
            ..Self::default()
        };
        match fault {
            Fault::Latency { milliseconds } => Self {
                milliseconds: Some(milliseconds),
                ..written
            },
            Fault::Throttle { code } => Self { code, ..written },
            Fault::Error { code, status } => Self {
                code: Some(code),
                status: Some(status),
                ..written
            },
            Fault::Stale { seconds } | Fault::FreshInvisible { seconds } => Self {
                seconds: Some(seconds),
                ..written
            },
            _ => written,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_rule_is_read_from_json_and_written_back() {
        let text =
            r#"{"operation":"ec2:*","kind":"error","code":"Unavailable","status":503,"count":2,"after":0}"#;
        let rule: FaultRule = serde_json::from_str(text).unwrap();
        assert_eq!(
            rule.fault,
            Fault::Error {
                code: "Unavailable".into(),
                status: 503
            }
        );
        let again: FaultRule = serde_json::from_str(&serde_json::to_string(&rule).unwrap()).unwrap();
        assert_eq!(again, rule);
    }

    #[test]
    fn a_wrong_rule_is_refused_with_what_is_allowed() {
        for (text, expected) in [
            (r#"{"operation":"*","kind":"slow"}"#, "write latency"),
            (r#"{"operation":"*","kind":"latency"}"#, "'milliseconds'"),
            (r#"{"operation":"*","kind":"stale"}"#, "'seconds'"),
            (r#"{"operation":"*","kind":"error","status":200}"#, "400 to 599"),
            (r#"{"operation":"*","kind":"cut-after","often":3}"#, "often"),
        ] {
            let error = serde_json::from_str::<FaultRule>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
