//! `--aws-api-throttle`: client-side limits given by the operator (upstream `pkg/aws/throttle`).

use std::collections::BTreeMap;
use std::str::FromStr;

use regex::Regex;

use super::endpoints::unknown_services;

/// A limit for the operations of a service that a regular expression finds.
#[derive(Clone, Debug)]
pub struct ThrottleRule {
    /// Searched in the operation name, unanchored.
    pub operations: Regex,
    /// Calls per second; finite and above 0.
    pub rate: f64,
    /// Calls at once; at least 1.
    pub burst: u32,
}

/// Limits by service id. A service named here has no other client-side limits of ours.
#[derive(Clone, Debug, Default)]
pub struct Throttle(pub BTreeMap<String, Vec<ThrottleRule>>);

impl Throttle {
    /// Limits of services that no client has, each as a sentence.
    pub fn unknown(&self) -> Vec<String> {
        unknown_services("--aws-api-throttle", self.0.keys())
    }
}

impl FromStr for Throttle {
    type Err = String;

    /// Reads `serviceID:operationRegex=rate:burst,...`. Splitting is upstream's: a value holds no other
    /// `,`, `=` or `:`. An error names the piece that is wrong.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut rules: BTreeMap<String, Vec<ThrottleRule>> = BTreeMap::new();
        for piece in text.split(',') {
            let (service, rule) = read_rule(piece)?;
            rules.entry(service).or_default().push(rule);
        }
        Ok(Self(rules))
    }
}

fn read_rule(piece: &str) -> Result<(String, ThrottleRule), String> {
    let (selector, limit) = two(piece, '=')
        .ok_or_else(|| format!("{piece} must be formatted as serviceID:operationRegex=rate:burst"))?;
    let (service, operations) = two(selector, ':')
        .ok_or_else(|| format!("{selector} must be formatted as serviceID:operationRegex"))?;
    let (rate, burst) = two(limit, ':').ok_or_else(|| format!("{limit} must be formatted as rate:burst"))?;
    let operations = Regex::new(operations)
        .map_err(|_| format!("{operations} must be valid regex expression for operation"))?;
    let rate = rate
        .parse::<f64>()
        .ok()
        .filter(|rate| rate.is_finite() && *rate > 0.0)
        .ok_or_else(|| {
            format!("{rate} must be valid float number as rate for operations per second, above 0")
        })?;
    let burst = burst
        .parse::<u32>()
        .ok()
        .filter(|burst| *burst > 0)
        .ok_or_else(|| format!("{burst} must be valid integer as burst for operations, at least 1"))?;
    Ok((
        service.to_owned(),
        ThrottleRule {
            operations,
            rate,
            burst,
        },
    ))
}

/// Exactly two parts.
fn two(text: &str, separator: char) -> Option<(&str, &str)> {
    let (left, right) = text.split_once(separator)?;
    (!right.contains(separator)).then_some((left, right))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn several_rules_of_one_service_add_up() {
        let throttle: Throttle = "Elastic Load Balancing v2:^Describe.*=50:200,Elastic Load Balancing v2:^Modify.*=3.5:20,EC2:.*=1000:1000"
            .parse()
            .unwrap();
        let rules = &throttle.0["Elastic Load Balancing v2"];
        assert_eq!(rules.len(), 2);
        assert!((rules[1].rate - 3.5).abs() < f64::EPSILON);
        assert!(rules[0].operations.is_match("DescribeTags"));
        assert_eq!(throttle.0["EC2"][0].burst, 1000);
    }

    #[test]
    fn a_service_that_no_client_has_is_told() {
        let throttle: Throttle = "elasticloadbalancing:.*=1:2,EC2:.*=1:2".parse().unwrap();
        let told = throttle.unknown();
        assert_eq!(told.len(), 1);
        let begins = "flag --aws-api-throttle: there is no service 'elasticloadbalancing': write one of";
        assert!(told[0].starts_with(begins), "{told:?}");
    }

    #[test]
    fn each_wrong_piece_has_its_sentence() {
        for (text, message) in [
            ("", " must be formatted as serviceID:operationRegex=rate:burst"),
            (
                "EC2=1:2=3",
                "EC2=1:2=3 must be formatted as serviceID:operationRegex=rate:burst",
            ),
            ("EC2=1:2", "EC2 must be formatted as serviceID:operationRegex"),
            ("EC2:.*=1", "1 must be formatted as rate:burst"),
            ("EC2:(=1:2", "( must be valid regex expression for operation"),
            (
                "EC2:.*=x:2",
                "x must be valid float number as rate for operations per second, above 0",
            ),
            (
                "EC2:.*=1:x",
                "x must be valid integer as burst for operations, at least 1",
            ),
            (
                "EC2:.*=1:0",
                "0 must be valid integer as burst for operations, at least 1",
            ),
        ] {
            assert_eq!(text.parse::<Throttle>().unwrap_err(), message, "{text}");
        }
    }
}
