//! Targets as the ELBv2 API knows them: what is registered, and how healthy it is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A target as registered in a target group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    /// Instance id or address.
    pub id: String,
    /// Port the target receives traffic on.
    pub port: i32,
    /// Zone, or `all` for an address outside of the target group's VPC; `None` leaves it to AWS.
    pub availability_zone: Option<String>,
    /// QUIC server id, `0x` and lower-case hex digits; only in QUIC and TCP_QUIC groups.
    pub quic_server_id: Option<String>,
}

impl Target {
    /// A target without zone and QUIC server id.
    pub fn new(id: &str, port: i32) -> Self {
        Self {
            id: id.to_owned(),
            port,
            availability_zone: None,
            quic_server_id: None,
        }
    }

    /// What makes two targets the same: `id:port`, and `:quicServerId` where there is one. The zone is not
    /// part of it (upstream `pkg/targetgroupbinding/targets_manager_types.go`).
    pub fn identity(&self) -> String {
        match &self.quic_server_id {
            Some(server) => format!("{}:{}:{server}", self.id, self.port),
            None => format!("{}:{}", self.id, self.port),
        }
    }

    /// Id and port alone, the form in which health is asked for.
    #[must_use]
    pub fn bare(&self) -> Self {
        Self::new(&self.id, self.port)
    }
}

/// State of a target (ELBv2 API reference, TargetHealth).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)] // the names are AWS's own
pub enum TargetState {
    Initial,
    Healthy,
    Unhealthy,
    UnhealthyDraining,
    Unused,
    Draining,
    Unavailable,
    /// Not reported yet, or in a word this version does not know.
    Unknown,
}

impl TargetState {
    /// AWS's word; empty for [`TargetState::Unknown`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::UnhealthyDraining => "unhealthy.draining",
            Self::Unused => "unused",
            Self::Draining => "draining",
            Self::Unavailable => "unavailable",
            Self::Unknown => "",
        }
    }

    /// Reads AWS's word.
    pub fn parse(text: &str) -> Self {
        [
            Self::Initial,
            Self::Healthy,
            Self::Unhealthy,
            Self::UnhealthyDraining,
            Self::Unused,
            Self::Draining,
            Self::Unavailable,
        ]
        .into_iter()
        .find(|state| state.as_str() == text)
        .unwrap_or(Self::Unknown)
    }

    /// Whether the target is on its way out.
    pub fn is_draining(self) -> bool {
        matches!(self, Self::Draining | Self::UnhealthyDraining)
    }
}

impl fmt::Display for TargetState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Unknown {
            "unknown"
        } else {
            self.as_str()
        })
    }
}

/// A registered target and its health.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetHealth {
    /// The target.
    pub target: Target,
    /// Its state.
    pub state: TargetState,
    /// Reason code, for example `Elb.RegistrationInProgress`; empty without one.
    pub reason: String,
    /// Description; empty without one.
    pub description: String,
}

impl TargetHealth {
    /// A target of which nothing more is known.
    pub fn unknown(target: Target) -> Self {
        Self {
            target,
            state: TargetState::Unknown,
            reason: String::new(),
            description: String::new(),
        }
    }

    /// Whether AWS says `unused` because the target is not registered at all, as it does for targets that
    /// were asked for by name.
    pub fn is_not_registered(&self) -> bool {
        self.state == TargetState::Unused && self.reason == "Target.NotRegistered"
    }

    /// Whether AWS says `healthy`.
    pub fn is_healthy(&self) -> bool {
        self.state == TargetState::Healthy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_aws_is_read_back_and_an_unknown_one_is_unknown() {
        for word in [
            "initial",
            "healthy",
            "unhealthy",
            "unhealthy.draining",
            "unused",
            "draining",
            "unavailable",
        ] {
            assert_eq!(TargetState::parse(word).as_str(), word);
        }
        assert_eq!(TargetState::parse("resting"), TargetState::Unknown);
    }

    #[test]
    fn identity_ignores_the_zone_and_names_the_quic_server() {
        let mut target = Target::new("10.0.0.5", 8080);
        target.availability_zone = Some("all".to_owned());
        assert_eq!(target.identity(), "10.0.0.5:8080");
        target.quic_server_id = Some("0x01".to_owned());
        assert_eq!(target.identity(), "10.0.0.5:8080:0x01");
    }
}
