//! Values of flags in Go's spelling: booleans, durations, maps and lists.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// `1 t T TRUE true True` or `0 f F FALSE false False`.
pub fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err("allowed are true and false".to_owned()),
    }
}

/// A duration in Go's syntax: numbers with the units `ns us µs ms s m h`, at least 0 (`15s`, `16m40s`, `1.5h`).
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "allowed is a duration such as 15s, 16m40s or 10h".to_owned();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let unit_length = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at(unit_length);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        total += Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())?;
        rest = next;
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total) }
}

/// `k=v,k2=v2`; a value with exactly one `=` is one pair and is not split at commas.
pub fn string_map(flag: &str, values: &[String]) -> Result<BTreeMap<String, String>, String> {
    let mut map = BTreeMap::new();
    for value in values {
        let pairs: Vec<&str> = if value.matches('=').count() == 1 {
            vec![value]
        } else {
            value.split(',').collect()
        };
        for pair in pairs {
            let (key, text) = pair.trim_matches('"').split_once('=').ok_or_else(|| {
                format!(
                    "flag --{flag}: '{pair}' has no '='; allowed are pairs key=value, separated by commas"
                )
            })?;
            map.insert(key.to_owned(), text.to_owned());
        }
    }
    Ok(map)
}

/// `a,b`, repeatable.
pub fn string_set(values: &[String]) -> BTreeSet<String> {
    values
        .iter()
        .flat_map(|value| value.split(','))
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, seconds) in [
            ("15s", 15.0),
            ("16m40s", 1000.0),
            ("10h", 36000.0),
            ("1.5h", 5400.0),
            ("20ms", 0.02),
        ] {
            assert_eq!(
                duration(text).unwrap(),
                Duration::from_secs_f64(seconds),
                "{text}"
            );
        }
        for text in ["", "15", "s", "-3s", "3 s", "1y"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_single_pair_is_not_split_at_commas() {
        let map = |text: &str| string_map("default-tags", &[text.to_owned()]);
        assert_eq!(
            map("a=1,2").unwrap(),
            BTreeMap::from([("a".into(), "1,2".into())])
        );
        assert_eq!(map("a=1,b=2").unwrap().len(), 2);
        assert!(map("a=1,b,c=2").is_err());
        assert!(map("a").unwrap_err().contains("--default-tags"));
    }
}
