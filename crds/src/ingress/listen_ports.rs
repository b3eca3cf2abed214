//! `listen-ports`: the ports and protocols one Ingress listens on.
//!
//! In: JSON such as `[{"HTTP":80},{"HTTPS":443}]`. Out: protocols by port (upstream
//! `pkg/ingress/model_build_listener.go`).

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Parsed;
use crate::annotation::parse_json;
use crate::limits::value::PORT;

/// Protocol of a listener of an Application Load Balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // the names are AWS's own
pub enum ListenerProtocol {
    Http,
    Https,
}

impl ListenerProtocol {
    /// Reads `HTTP` or `HTTPS`, in upper case.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "HTTP" => Some(Self::Http),
            "HTTPS" => Some(Self::Https),
            _ => None,
        }
    }

    /// The word AWS uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
        }
    }
}

impl fmt::Display for ListenerProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Protocols by port, each port within 1-65535.
pub type ListenPorts = BTreeMap<i32, ListenerProtocol>;

const FORM: &str = r#"write a JSON list such as [{"HTTP":80},{"HTTPS":443}]"#;

/// Reads the annotation. A port that is named twice takes the protocol written last, with a warning; upstream
/// chooses at random within one JSON object. `[{}]` is taken and means no port at all, with a warning.
pub fn parse_listen_ports(text: &str) -> Result<Parsed<ListenPorts>, String> {
    let entries: Option<Vec<Option<Pairs>>> = parse_json(text).map_err(|rule| format!("{rule}; {FORM}"))?;
    let entries = entries.unwrap_or_default();
    if entries.is_empty() {
        return Err(format!("it names no port; {FORM}, or remove the annotation"));
    }
    let mut parsed = Parsed::<ListenPorts>::default();
    for (protocol, port) in entries.into_iter().flatten().flat_map(|pairs| pairs.0) {
        add(&mut parsed, &protocol, port)?;
    }
    if parsed.value.is_empty() {
        let nothing = format!("it names no port, so this Ingress has no listener; {FORM}");
        parsed.warnings.push(nothing);
    }
    Ok(parsed)
}

fn add(parsed: &mut Parsed<ListenPorts>, word: &str, port: i32) -> Result<(), String> {
    if !PORT.allows(port) {
        return Err(format!("port {port} is outside 1-65535; {FORM}"));
    }
    let protocol = ListenerProtocol::parse(word)
        .ok_or_else(|| format!("protocol '{word}' is none of HTTP and HTTPS, in upper case; {FORM}"))?;
    if let Some(earlier) = parsed.value.insert(port, protocol)
        && earlier != protocol
    {
        parsed.warnings.push(format!(
            "port {port} is given as {earlier} and as {protocol}; the last one counts, remove the other"
        ));
    }
    Ok(())
}

/// One JSON object in the order of its fields; of a repeated field the last value counts, as in a Go map.
struct Pairs(Vec<(String, i32)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of protocols and ports")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs: Vec<(String, i32)> = Vec::new();
        while let Some((protocol, port)) = map.next_entry::<String, Option<i32>>()? {
            pairs.retain(|(earlier, _)| *earlier != protocol);
            pairs.push((protocol, port.unwrap_or_default()));
        }
        Ok(Pairs(pairs))
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
    use super::ListenerProtocol::{Http, Https};
    use super::*;

    fn ports(text: &str) -> Vec<(i32, ListenerProtocol)> {
        let parsed = parse_listen_ports(text).unwrap();
        assert_eq!(parsed.warnings, Vec::<String>::new(), "{text}");
        parsed.value.into_iter().collect()
    }

    #[test]
    fn objects_hold_one_or_several_pairs() {
        assert_eq!(
            ports(r#"[{"HTTP":80},{"HTTPS":443}]"#),
            [(80, Http), (443, Https)]
        );
        assert_eq!(
            ports(r#"[{"HTTP": 80, "HTTPS": 443}, {"HTTP": 8080}, null]"#),
            [(80, Http), (443, Https), (8080, Http)]
        );
        assert_eq!(ports(r#"[{"HTTP":80},{"HTTP":80}]"#), [(80, Http)]);
        assert_eq!(ports(r#"[{"HTTP":80,"HTTP":81}]"#), [(81, Http)]);
        assert_eq!(
            ports(r#"[{"HTTP":1},{"HTTPS":65535}]"#),
            [(1, Http), (65535, Https)]
        );
    }

    // ingress-alb vector 9
    #[test]
    fn ports_out_of_range_other_protocols_and_other_forms_are_refused() {
        for text in [
            "",
            "80",
            "[]",
            "null",
            r#"{"HTTP":80}"#,
            r#"["HTTP"]"#,
            r#"[{"HTTP":0}]"#,
            r#"[{"HTTP":65536}]"#,
            r#"[{"HTTP":-1}]"#,
            r#"[{"HTTP":null}]"#,
            r#"[{"HTTP":80.5}]"#,
            r#"[{"HTTP":80.0}]"#,
            r#"[{"HTTP":8e1}]"#,
            r#"[{"HTTP":"80"}]"#,
            r#"[{"TCP":80}]"#,
            r#"[{"http":80}]"#,
            r#"[{"HTTP":80}] x"#,
        ] {
            let rule = parse_listen_ports(text).unwrap_err();
            assert!(rule.contains(r#"[{"HTTP":80},{"HTTPS":443}]"#), "{text}: {rule}");
        }
    }

    // ingress-alb vector 10
    #[test]
    fn the_protocol_written_last_wins_a_port_and_a_warning_says_so() {
        for (text, expected) in [
            (r#"[{"HTTP":80},{"HTTPS":80}]"#, Https),
            (r#"[{"HTTPS":80},{"HTTP":80}]"#, Http),
            (r#"[{"HTTP":80,"HTTPS":80}]"#, Https),
            (r#"[{"HTTPS":80,"HTTP":80}]"#, Http),
        ] {
            let parsed = parse_listen_ports(text).unwrap();
            assert_eq!(parsed.value.into_iter().collect::<Vec<_>>(), [(80, expected)]);
            assert_eq!(parsed.warnings.len(), 1, "{text}");
            assert!(parsed.warnings[0].contains("port 80"));
        }
    }

    // ingress-alb vector 55
    #[test]
    fn empty_objects_mean_no_listener_and_a_warning_says_so() {
        for text in ["[{}]", "[null]"] {
            let parsed = parse_listen_ports(text).unwrap();
            assert!(parsed.value.is_empty());
            assert_eq!(parsed.warnings.len(), 1, "{text}");
        }
    }
}
