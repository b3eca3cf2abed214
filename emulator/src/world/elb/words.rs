//! The words of the ELBv2 API that come from a closed list.

use serde::Serialize;

use crate::world::ApiError;

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// The word on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads the word of parameter `field`; `ValidationError` lists what is allowed.
            pub fn parse(field: &str, text: &str) -> Result<Self, ApiError> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(ApiError::validation(format!(
                        "1 validation error detected: Value '{text}' at '{field}' failed to satisfy constraint: \
                         Member must satisfy enum value set: [{}]",
                        [$($text),+].join(", ")
                    ))),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// `LoadBalancerTypeEnum` without gateway load balancers, which this endpoint does not have.
    LoadBalancerType { Application = "application", Network = "network" }
}

words! {
    /// `LoadBalancerSchemeEnum`.
    Scheme { InternetFacing = "internet-facing", Internal = "internal" }
}

words! {
    /// `IpAddressType` of a load balancer.
    IpAddressType {
        Ipv4 = "ipv4",
        Dualstack = "dualstack",
        DualstackWithoutPublicIpv4 = "dualstack-without-public-ipv4",
    }
}

words! {
    /// `TargetGroupIpAddressTypeEnum`.
    TargetIpAddressType { Ipv4 = "ipv4", Ipv6 = "ipv6" }
}

words! {
    /// `ProtocolEnum`.
    Protocol {
        Http = "HTTP",
        Https = "HTTPS",
        Tcp = "TCP",
        Tls = "TLS",
        Udp = "UDP",
        TcpUdp = "TCP_UDP",
        Geneve = "GENEVE",
        Quic = "QUIC",
        TcpQuic = "TCP_QUIC",
    }
}

words! {
    /// How an Application Load Balancer speaks to its targets.
    ProtocolVersion { Http1 = "HTTP1", Http2 = "HTTP2", Grpc = "GRPC" }
}

words! {
    /// `TargetTypeEnum`.
    TargetType { Instance = "instance", Ip = "ip", Lambda = "lambda", Alb = "alb" }
}

words! {
    /// `TargetHealthStateEnum`.
    HealthState {
        Initial = "initial",
        Healthy = "healthy",
        Unhealthy = "unhealthy",
        UnhealthyDraining = "unhealthy.draining",
        Unused = "unused",
        Draining = "draining",
        Unavailable = "unavailable",
    }
}

words! {
    /// `TargetHealthReasonEnum`.
    HealthReason {
        RegistrationInProgress = "Elb.RegistrationInProgress",
        InitialHealthChecking = "Elb.InitialHealthChecking",
        ResponseCodeMismatch = "Target.ResponseCodeMismatch",
        Timeout = "Target.Timeout",
        FailedHealthChecks = "Target.FailedHealthChecks",
        NotRegistered = "Target.NotRegistered",
        NotInUse = "Target.NotInUse",
        DeregistrationInProgress = "Target.DeregistrationInProgress",
        InvalidState = "Target.InvalidState",
        IpUnusable = "Target.IpUnusable",
        HealthCheckDisabled = "Target.HealthCheckDisabled",
        InternalError = "Elb.InternalError",
    }
}

impl Protocol {
    /// Whether listeners and groups of an Application Load Balancer speak it.
    pub fn is_application(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }

    /// Whether a listener of this protocol terminates TLS and so needs a certificate.
    pub fn needs_certificate(self) -> bool {
        matches!(self, Self::Https | Self::Tls)
    }

    /// Whether datagrams are forwarded, alone or beside TCP.
    pub fn carries_udp(self) -> bool {
        matches!(self, Self::Udp | Self::TcpUdp | Self::Quic | Self::TcpQuic)
    }

    /// Whether targets need a server id (`QuicServerId`).
    pub fn is_quic(self) -> bool {
        matches!(self, Self::Quic | Self::TcpQuic)
    }

    /// Whether a listener of this protocol may forward to a group of protocol `group`
    /// (Network Load Balancers user guide, "Listener configuration" and "Routing configuration").
    pub fn fits(self, group: Self) -> bool {
        match self {
            Self::Http | Self::Https => group.is_application(),
            Self::Tcp => matches!(group, Self::Tcp | Self::TcpUdp),
            Self::Tls => matches!(group, Self::Tcp | Self::Tls),
            Self::Udp => matches!(group, Self::Udp | Self::TcpUdp),
            Self::Quic => matches!(group, Self::Quic | Self::TcpQuic),
            Self::TcpUdp | Self::TcpQuic | Self::Geneve => self == group,
        }
    }
}

impl LoadBalancerType {
    /// The short form inside ARNs: `app` or `net`.
    pub fn short(self) -> &'static str {
        match self {
            Self::Application => "app",
            Self::Network => "net",
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use super::*;

    #[test]
    fn a_word_outside_the_list_is_a_validation_error_that_lists_the_words() {
        let error = Scheme::parse("scheme", "public").unwrap_err();
        assert_eq!(error.code, "ValidationError");
        assert!(
            error.message.contains("'public' at 'scheme'"),
            "{}",
            error.message
        );
        assert!(
            error.message.contains("[internet-facing, internal]"),
            "{}",
            error.message
        );
    }

    #[test]
    fn a_tls_listener_takes_tcp_and_tls_groups_only() {
        let fitting: Vec<_> = [
            Protocol::Tcp,
            Protocol::Tls,
            Protocol::Udp,
            Protocol::TcpUdp,
            Protocol::Http,
        ]
        .into_iter()
        .filter(|group| Protocol::Tls.fits(*group))
        .collect();
        assert_eq!(fitting, [Protocol::Tcp, Protocol::Tls]);
    }
}
