//! `mutual-authentication`: client certificates, port by port.
//!
//! In: JSON such as `[{"port":443,"mode":"verify","trustStore":"my-store"}]`. Out: settings by port (upstream
//! `pkg/ingress/model_build_listener.go`,
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_MutualAuthenticationAttributes.html>).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Parsed;
use super::words::OnOff;
use crate::annotation::parse_json;
use crate::limits::value::PORT;

/// What a listener does with client certificates.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MutualTls {
    /// Asks for none.
    Off,
    /// Passes them to the target unchecked.
    Passthrough,
    /// Checks them.
    Verify {
        /// ARN, or name, of the trust store; never empty.
        trust_store: String,
        /// Whether expired certificates pass.
        ignore_expiry: bool,
        /// Whether the names of the authorities are sent to clients. Absent is sent to AWS as `off`, but is not the
        /// same as `off` when Ingresses of a group are compared.
        advertise_ca_names: Option<OnOff>,
    },
}

impl MutualTls {
    /// The word for the mode, as AWS and the annotation spell it.
    pub fn mode(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Passthrough => "passthrough",
            Self::Verify { .. } => "verify",
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Entry {
    port: Option<i32>,
    mode: Option<String>,
    trust_store: Option<String>,
    ignore_client_certificate_expiry: Option<bool>,
    advertise_trust_store_ca_names: Option<String>,
}

/// Reads the annotation. Of several entries for a port the last one counts, with a warning. Ports are within
/// 1-65535; whether they are HTTPS listeners is not asked here.
pub fn parse_mutual_tls(text: &str) -> Result<Parsed<BTreeMap<i32, MutualTls>>, String> {
    let entries: Option<Vec<Option<Entry>>> = parse_json(text)?;
    let entries = entries.unwrap_or_default();
    if entries.is_empty() {
        return Err(
            "it has no entry; add one such as {\"port\":443,\"mode\":\"passthrough\"}, or remove it"
                .to_owned(),
        );
    }
    let mut parsed = Parsed::<BTreeMap<i32, MutualTls>>::default();
    for entry in entries {
        let entry = entry.unwrap_or_default();
        let port = entry.port.unwrap_or_default();
        let setting = setting(port, entry)?;
        if parsed.value.insert(port, setting).is_some() {
            parsed.warnings.push(format!(
                "port {port} has several entries; the last one counts, remove the others"
            ));
        }
    }
    Ok(parsed)
}

fn setting(port: i32, entry: Entry) -> Result<MutualTls, String> {
    if !PORT.allows(port) {
        return Err(format!(
            "port {port} is outside 1-65535; name the port of an HTTPS listener"
        ));
    }
    let mode = entry.mode.clone().unwrap_or_default();
    let setting = match mode.as_str() {
        "verify" => return verify(port, entry),
        "off" => MutualTls::Off,
        "passthrough" => MutualTls::Passthrough,
        other => {
            return Err(format!(
                "the mode '{other}' of port {port} is unknown; allowed are off, passthrough and verify"
            ));
        }
    };
    let only_verify = [
        (
            "trustStore",
            entry.trust_store.is_some_and(|store| !store.is_empty()),
        ),
        (
            "ignoreClientCertificateExpiry",
            entry.ignore_client_certificate_expiry.is_some(),
        ),
        (
            "advertiseTrustStoreCaNames",
            entry.advertise_trust_store_ca_names.is_some(),
        ),
    ];
    match only_verify.into_iter().find(|(_, given)| *given) {
        Some((field, _)) => Err(format!(
            "{field} of port {port} is only allowed with mode verify, not with {mode}; remove it"
        )),
        None => Ok(setting),
    }
}

fn verify(port: i32, entry: Entry) -> Result<MutualTls, String> {
    let trust_store = entry.trust_store.filter(|store| !store.is_empty());
    let trust_store = trust_store
        .ok_or_else(|| format!("mode verify of port {port} needs a trustStore, by name or ARN; add it"))?;
    let advertise_ca_names = entry
        .advertise_trust_store_ca_names
        .map(|word| OnOff::parse(&word))
        .transpose()
        .map_err(|rule| format!("advertiseTrustStoreCaNames of port {port}: {rule}"))?;
    Ok(MutualTls::Verify {
        trust_store,
        ignore_expiry: entry.ignore_client_certificate_expiry.unwrap_or(false),
        advertise_ca_names,
    })
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

    fn verify(advertise_ca_names: Option<OnOff>) -> MutualTls {
        MutualTls::Verify {
            trust_store: "my-ts".to_owned(),
            ignore_expiry: false,
            advertise_ca_names,
        }
    }

    // ingress-alb vectors 43 and 58
    #[test]
    fn verification_names_a_trust_store_and_absent_is_not_off() {
        let text = r#"[{"port":443,"mode":"verify","trustStore":"my-ts"},
            {"Port":444,"Mode":"verify","TrustStore":"my-ts","advertiseTrustStoreCaNames":"off"}]"#;
        let parsed = parse_mutual_tls(text).unwrap();
        assert_eq!(parsed.value[&443], verify(None));
        assert_eq!(parsed.value[&444], verify(Some(OnOff::Off)));
        assert_eq!(parsed.warnings, Vec::<String>::new());
    }

    #[test]
    fn the_last_entry_of_a_port_counts_with_a_warning() {
        let text = r#"[{"port":443,"mode":"off"},{"port":443,"mode":"passthrough","trustStore":""}]"#;
        let parsed = parse_mutual_tls(text).unwrap();
        assert_eq!(parsed.value[&443], MutualTls::Passthrough);
        assert_eq!(parsed.warnings.len(), 1);
    }

    // ingress-alb vector 44, among others
    #[test]
    fn incomplete_and_contradictory_entries_are_refused() {
        for (text, part) in [
            ("[]", "no entry"),
            ("null", "no entry"),
            (r#"{"port":443}"#, "JSON"),
            (r#"[{"port":"443","mode":"off"}]"#, "JSON"),
            (r#"[{"mode":"off"}]"#, "port 0"),
            (r#"[{"port":65536,"mode":"off"}]"#, "port 65536"),
            (r#"[{"port":443}]"#, "allowed are off"),
            (r#"[{"port":443,"mode":"Verify"}]"#, "allowed are off"),
            (r#"[{"port":443,"mode":"verify"}]"#, "needs a trustStore"),
            (
                r#"[{"port":443,"mode":"verify","trustStore":""}]"#,
                "needs a trustStore",
            ),
            (
                r#"[{"port":443,"mode":"off","trustStore":"a"}]"#,
                "trustStore of port 443",
            ),
            (
                r#"[{"port":443,"mode":"passthrough","ignoreClientCertificateExpiry":false}]"#,
                "ignoreClientCertificateExpiry of port 443",
            ),
            (
                r#"[{"port":443,"mode":"off","advertiseTrustStoreCaNames":"off"}]"#,
                "advertiseTrustStoreCaNames of port 443",
            ),
            (
                r#"[{"port":443,"mode":"verify","trustStore":"a","advertiseTrustStoreCaNames":"yes"}]"#,
                "on, off",
            ),
        ] {
            let rule = parse_mutual_tls(text).unwrap_err();
            assert!(rule.contains(part), "{text}: {rule}");
        }
    }
}
