//! Values of single annotations that need more than their type.
//!
//! In: raw values. Out: checked ones, or the rule they break.

use std::collections::BTreeMap;

use super::Parsed;
use super::listen_ports::ListenerProtocol;
use crate::annotation::{parse_int32, parse_string_list, parse_string_map};
use crate::cidr::Cidr;
use crate::limits::value::PORT;

/// Reads `minimum-load-balancer-capacity`, in capacity units; `None` if the map is empty, 0 gives a reservation back.
pub fn parse_capacity(text: &str) -> Result<Option<i32>, String> {
    let mut units = None;
    for (key, value) in parse_string_map(text)? {
        if key != "CapacityUnits" {
            return Err(format!(
                "the key '{key}' is unknown; write CapacityUnits=n, n capacity units"
            ));
        }
        units = Some(parse_int32(&value).map_err(|rule| format!("CapacityUnits is '{value}': {rule}"))?);
    }
    Ok(units)
}

/// Client addresses of a listener, as written, by family.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct InboundCidrs {
    /// IPv4 blocks, in the order written.
    pub v4: Vec<String>,
    /// IPv6 blocks, in the order written.
    pub v6: Vec<String>,
}

/// Reads `inbound-cidrs`. Blocks are kept as written; one with host bits is taken with a warning.
pub fn parse_inbound_cidrs(text: &str) -> Result<Parsed<InboundCidrs>, String> {
    inbound_cidrs(&parse_string_list(text))
}

/// Checks blocks that are already apart, for the `inboundCIDRs` of IngressClassParams.
pub fn inbound_cidrs(blocks: &[String]) -> Result<Parsed<InboundCidrs>, String> {
    let mut parsed = Parsed::<InboundCidrs>::default();
    for block in blocks {
        let (cidr, has_host_bits) = Cidr::read(block)
            .ok_or_else(|| format!("'{block}' is no CIDR block; write one such as 192.0.2.0/24"))?;
        if has_host_bits {
            parsed
                .warnings
                .push(format!("'{block}' has bits set behind its prefix; write {cidr}"));
        }
        if block.contains(':') {
            parsed.value.v6.push(block.clone());
        } else {
            parsed.value.v4.push(block.clone());
        }
    }
    Ok(parsed)
}

/// Where health checks go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthCheckPort {
    /// The port that gets the traffic.
    Traffic,
    /// A port number, not checked for its range.
    Number(i32),
    /// A port of the Service, by name.
    Name(String),
}

impl HealthCheckPort {
    /// Reads `healthcheck-port`: `traffic-port`, a number, or else a name.
    pub fn parse(text: &str) -> Self {
        if text == "traffic-port" {
            return Self::Traffic;
        }
        parse_int32(text).map_or_else(|_| Self::Name(text.to_owned()), Self::Number)
    }
}

/// Reads what follows `listener-attributes.`: protocol in upper case, hyphen, port within 1-65535.
pub fn parse_listener_key(text: &str) -> Result<(ListenerProtocol, i32), String> {
    let listener = || {
        let (word, number) = text.split_once('-')?;
        let protocol = ListenerProtocol::parse(word)?;
        let port = number.parse().ok().filter(|port| PORT.allows(*port))?;
        // `+443` and `0443` are numbers but name no listener.
        (port.to_string() == number).then_some((protocol, port))
    };
    listener().ok_or_else(|| format!("'{text}' names no listener; write HTTP-80 or HTTPS-443 with your port"))
}

/// Reads `frontend-nlb-listener-port-mapping`: ports of the Network Load Balancer and the ports of the Application
/// Load Balancer behind them. Ranges are not checked.
pub fn parse_port_mapping(text: &str) -> Result<BTreeMap<i32, i32>, String> {
    let port = |text: &str| {
        parse_int32(text).map_err(|_| format!("'{text}' is no port; write pairs such as 80=443"))
    };
    parse_string_map(text)?
        .iter()
        .map(|(from, to)| Ok((port(from)?, port(to)?)))
        .collect()
}

/// Reads `ssl-redirect`: a port, whose listener is looked for later.
pub fn parse_ssl_redirect(text: &str) -> Result<i32, String> {
    parse_int32(text)
        .map_err(|_| "allowed is the port of an HTTPS listener, such as 443, without blanks".to_owned())
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

    // ingress-alb vector 49, among others
    #[test]
    fn capacity_has_one_key_and_a_whole_number() {
        assert_eq!(parse_capacity("CapacityUnits=100"), Ok(Some(100)));
        assert_eq!(parse_capacity("CapacityUnits=0"), Ok(Some(0)));
        assert_eq!(parse_capacity(""), Ok(None));
        for text in [
            "capacityUnits=1",
            "CapacityUnits=x",
            "CapacityUnits=1,Other=2",
            "5",
            "CapacityUnits=2147483648",
        ] {
            assert!(parse_capacity(text).is_err(), "{text}");
        }
    }

    #[test]
    fn inbound_cidrs_are_kept_as_written_by_family() {
        let parsed = parse_inbound_cidrs("10.0.0.0/8, 2001:DB8::/32,10.0.0.1/16").unwrap();
        assert_eq!(parsed.value.v4, ["10.0.0.0/8", "10.0.0.1/16"]);
        assert_eq!(parsed.value.v6, ["2001:DB8::/32"]);
        assert_eq!(parsed.warnings.len(), 1);
        assert!(parsed.warnings[0].contains("write 10.0.0.0/16"));
        assert_eq!(parse_inbound_cidrs("").unwrap(), Parsed::default());
        for text in ["10.0.0.0", "10.0.0.0/33", "office", "010.0.0.0/8"] {
            assert!(parse_inbound_cidrs(text).is_err(), "{text}");
        }
    }

    #[test]
    fn health_check_ports_are_the_traffic_port_numbers_or_names() {
        assert_eq!(HealthCheckPort::parse("traffic-port"), HealthCheckPort::Traffic);
        assert_eq!(HealthCheckPort::parse("8080"), HealthCheckPort::Number(8080));
        assert_eq!(
            HealthCheckPort::parse("http"),
            HealthCheckPort::Name("http".to_owned())
        );
    }

    #[test]
    fn listener_keys_are_protocol_and_port() {
        assert_eq!(
            parse_listener_key("HTTPS-443"),
            Ok((ListenerProtocol::Https, 443))
        );
        for text in [
            "https-443",
            "HTTP-0",
            "HTTP-080",
            "HTTP",
            "TCP-80",
            "HTTP-80-81",
            "",
        ] {
            assert!(parse_listener_key(text).is_err(), "{text}");
        }
    }

    #[test]
    fn port_mappings_and_redirects_are_whole_numbers() {
        assert_eq!(
            parse_port_mapping("80=443, 81=444"),
            Ok(BTreeMap::from([(80, 443), (81, 444)]))
        );
        for text in ["80", "80=http", "x=80"] {
            assert!(parse_port_mapping(text).is_err(), "{text}");
        }
        assert_eq!(parse_ssl_redirect("443"), Ok(443));
        assert!(parse_ssl_redirect("https").is_err());
    }
}
