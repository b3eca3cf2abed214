//! `--aws-api-endpoints`: endpoint overrides by service id.

use std::collections::BTreeMap;
use std::str::FromStr;

use url::Url;

/// Endpoint overrides by service id (`EC2`, `Elastic Load Balancing v2`, `ec2imds`, `STS`, ...). Ids are those
/// of the AWS SDK for Go v2, case-sensitive; unknown ones are ignored, as upstream does, but [told](Self::unknown).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints(pub BTreeMap<String, String>);

impl Endpoints {
    /// Service id of the instance metadata service.
    pub const METADATA: &'static str = "ec2imds";

    /// Overrides that no client reads, each as a sentence: their calls go to AWS itself.
    pub fn unknown(&self) -> Vec<String> {
        unknown_services("--aws-api-endpoints", self.0.keys())
    }

    /// The override for a service.
    pub fn get(&self, service: &str) -> Option<&str> {
        self.0.get(service).map(String::as_str)
    }

    /// All services at one address, as with an emulator.
    pub fn all(url: &str) -> Self {
        let ids = ["EC2", "Elastic Load Balancing v2", "STS", Self::METADATA];
        Self(
            ids.into_iter()
                .map(|id| (id.to_owned(), url.to_owned()))
                .collect(),
        )
    }
}

/// Service ids that upstream's clients have.
const KNOWN: [&str; 11] = [
    "ACM",
    "EC2",
    "Elastic Load Balancing v2",
    "Global Accelerator",
    "Resource Groups Tagging API",
    "Route 53",
    "Shield",
    "STS",
    "WAF Regional",
    "WAFV2",
    Endpoints::METADATA,
];

/// The ids among those a flag names that no client has, each as a sentence.
pub(super) fn unknown_services<'a>(flag: &str, ids: impl Iterator<Item = &'a String>) -> Vec<String> {
    let unknown = ids.filter(|service| !KNOWN.contains(&service.as_str()));
    let known = KNOWN.join(", ");
    unknown
        .map(|service| format!("flag {flag}: there is no service '{service}': write one of {known}"))
        .collect()
}

impl FromStr for Endpoints {
    type Err = String;

    /// Reads `serviceID=URL,serviceID=URL`. An error names the piece that is wrong.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut endpoints = BTreeMap::new();
        for piece in text.split(',').filter(|piece| !piece.is_empty()) {
            let (service, url) = piece
                .split_once('=')
                .filter(|(service, _)| !service.is_empty())
                .ok_or_else(|| format!("{piece} must be formatted as serviceID=URL"))?;
            match Url::parse(url) {
                Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => {
                    endpoints.insert(service.to_owned(), url.to_owned());
                }
                _ => return Err(format!("{piece}: {url} must be an absolute http or https URL")),
            }
        }
        Ok(Self(endpoints))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn pairs_are_read_and_ids_may_contain_spaces() {
        let endpoints: Endpoints = "EC2=http://127.0.0.1:4566,Elastic Load Balancing v2=https://elb.example"
            .parse()
            .unwrap();
        assert_eq!(endpoints.get("EC2"), Some("http://127.0.0.1:4566"));
        assert_eq!(
            endpoints.get("Elastic Load Balancing v2"),
            Some("https://elb.example")
        );
        assert_eq!(endpoints.get("ec2"), None);
        assert_eq!(endpoints.unknown(), Vec::<String>::new());
    }

    #[test]
    fn an_override_that_nothing_reads_is_told() {
        let endpoints: Endpoints = "ec2=http://127.0.0.1:4566".parse().unwrap();
        let told = endpoints.unknown();
        assert_eq!(told.len(), 1);
        assert!(
            told[0].contains("there is no service 'ec2': write one of ACM, EC2"),
            "{told:?}"
        );
    }

    #[test]
    fn a_wrong_piece_is_named() {
        assert_eq!(
            "EC2".parse::<Endpoints>().unwrap_err(),
            "EC2 must be formatted as serviceID=URL"
        );
        assert_eq!(
            "EC2=localhost:4566".parse::<Endpoints>().unwrap_err(),
            "EC2=localhost:4566: localhost:4566 must be an absolute http or https URL"
        );
    }
}
