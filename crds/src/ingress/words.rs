//! Settings of an Ingress that take one word out of a few.
//!
//! In: the raw value, case-sensitive and not trimmed. Out: the setting, or which words are allowed.

/// Declares an enum of words with `parse`, `as_str` and `ALL`.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize, schemars::JsonSchema,
        )]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word, as AWS and the annotation spell it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// Reads the word, case-sensitive and not trimmed; `Err` names the allowed ones.
            pub fn parse(text: &str) -> Result<Self, String> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|one| one.as_str() == text)
                    .ok_or_else(|| $crate::ingress::words::one_of(&[$($word),+]))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(super) use words;

/// The allowed words, for the message of [`words!`].
pub(super) fn one_of(words: &[&str]) -> String {
    format!("allowed are {}, spelt exactly so", words.join(", "))
}

words! {
    /// Whether a load balancer has public addresses.
    Scheme {
        /// Private addresses only.
        Internal = "internal",
        /// Public addresses.
        InternetFacing = "internet-facing",
    }
}

words! {
    /// Address families of a load balancer.
    IpAddressType {
        /// IPv4 only.
        Ipv4 = "ipv4",
        /// IPv4 and IPv6.
        Dualstack = "dualstack",
        /// IPv6 for clients, private IPv4 only.
        DualstackWithoutPublicIpv4 = "dualstack-without-public-ipv4",
    }
}

words! {
    /// What is registered in a target group.
    TargetType {
        /// Nodes, by NodePort.
        Instance = "instance",
        /// Pods, by address.
        Ip = "ip",
    }
}

words! {
    /// Protocol towards targets and of health checks.
    BackendProtocol {
        /// Plain HTTP.
        Http = "HTTP",
        /// HTTP over TLS.
        Https = "HTTPS",
    }
}

words! {
    /// Version of HTTP towards targets.
    ProtocolVersion {
        /// HTTP/1.1.
        Http1 = "HTTP1",
        /// HTTP/2.
        Http2 = "HTTP2",
        /// gRPC over HTTP/2.
        Grpc = "GRPC",
    }
}

words! {
    /// How users are authenticated.
    AuthType {
        /// Not at all.
        None = "none",
        /// By an OpenID Connect provider.
        Oidc = "oidc",
        /// By an Amazon Cognito user pool.
        Cognito = "cognito",
    }
}

words! {
    /// What happens to a request without a session.
    OnUnauthenticated {
        /// The user is sent to the identity provider.
        Authenticate = "authenticate",
        /// The request goes on.
        Allow = "allow",
        /// The request is refused with 401.
        Deny = "deny",
    }
}

words! {
    /// A switch that AWS spells `on` and `off`.
    OnOff {
        /// On.
        On = "on",
        /// Off.
        Off = "off",
    }
}

words! {
    /// How a frontend Network Load Balancer spreads clients over zones (`dns_record.client_routing_policy`).
    ClientRouting {
        /// All clients in their own zone.
        Zonal = "availability_zone_affinity",
        /// Most clients in their own zone.
        PartlyZonal = "partial_availability_zone_affinity",
        /// Clients in any zone.
        Any = "any_availability_zone",
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
    fn each_word_reads_back_and_others_name_the_allowed_ones() {
        for scheme in Scheme::ALL {
            assert_eq!(Scheme::parse(scheme.as_str()), Ok(*scheme));
        }
        for kind in IpAddressType::ALL {
            assert_eq!(IpAddressType::parse(kind.as_str()), Ok(*kind));
        }
        assert_eq!(ProtocolVersion::parse("GRPC"), Ok(ProtocolVersion::Grpc));
        for wrong in ["", "Internal", " internal", "public"] {
            let rule = Scheme::parse(wrong).unwrap_err();
            assert!(rule.contains("internal, internet-facing"), "{rule}");
        }
        assert!(BackendProtocol::parse("http").is_err());
        assert!(TargetType::parse("alb").is_err());
        assert!(AuthType::parse("OIDC").is_err());
    }

    #[test]
    fn words_are_the_same_in_json() {
        assert_eq!(
            serde_json::to_string(&IpAddressType::DualstackWithoutPublicIpv4).unwrap(),
            "\"dualstack-without-public-ipv4\""
        );
    }
}
