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

/// `key=value`, neither of them empty; nothing at all is no label.
pub fn label(text: &str) -> Result<String, String> {
    let is_pair = |(key, value): (&str, &str)| !key.is_empty() && !value.is_empty();
    if text.is_empty() || text.split_once('=').is_some_and(is_pair) {
        return Ok(text.to_owned());
    }
    Err("allowed is a label such as key=value".to_owned())
}

/// `k=v,k2=v2`; a value with exactly one `=` is one pair and is not split at commas.
pub fn string_map(flag: &str, values: &[String]) -> Result<BTreeMap<String, String>, String> {
    let mut map = BTreeMap::new();
    for value in values {
        let pairs = if value.matches('=').count() == 1 {
            vec![value.trim_matches('"').to_owned()]
        } else {
            fields(value).map_err(|wrong| format!("flag --{flag}: {wrong}"))?
        };
        for pair in pairs {
            let (key, text) = pair.split_once('=').ok_or_else(|| {
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
pub fn string_set(flag: &str, values: &[String]) -> Result<BTreeSet<String>, String> {
    let mut set = BTreeSet::new();
    for value in values {
        set.extend(fields(value).map_err(|wrong| format!("flag --{flag}: {wrong}"))?);
    }
    set.remove("");
    Ok(set)
}

/// The fields of a line of comma-separated values: one in double quotes may hold commas, and quotes written twice.
fn fields(line: &str) -> Result<Vec<String>, String> {
    let (mut fields, mut rest) = (Vec::new(), line);
    loop {
        let (field, after) = field(rest)?;
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Ok(fields),
        }
    }
}

/// The first field, and what follows it.
fn field(line: &str) -> Result<(String, &str), String> {
    if let Some(quoted) = line.strip_prefix('"') {
        return quoted_field(quoted)
            .ok_or_else(|| format!("the quotes in '{line}' do not end at a comma; quote whole values only"));
    }
    let end = line.find(',').unwrap_or(line.len());
    let (field, after) = line.split_at(end);
    if field.contains('"') {
        return Err(format!("'{field}' has a quote inside; quote whole values only"));
    }
    Ok((field.to_owned(), after))
}

/// A field behind its opening quote, and what follows its closing one: a comma or nothing.
fn quoted_field(text: &str) -> Option<(String, &str)> {
    let (mut field, mut rest) = (String::new(), text);
    loop {
        let (part, after) = rest.split_once('"')?;
        field.push_str(part);
        match after.strip_prefix('"') {
            Some(next) => {
                field.push('"');
                rest = next;
            }
            None if after.is_empty() || after.starts_with(',') => return Some((field, after)),
            None => return None,
        }
    }
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
    fn a_label_has_a_key_and_a_value() {
        for text in ["", "a=b", "a=b=c"] {
            assert_eq!(label(text).unwrap(), text);
        }
        for text in ["a", "a=", "=b"] {
            assert!(label(text).is_err(), "{text}");
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
        let quoted = map(r#""a=1,2","b=say ""x""",c=3"#).unwrap();
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let pairs = [pair("a", "1,2"), pair("b", r#"say "x""#), pair("c", "3")];
        assert_eq!(quoted, BTreeMap::from(pairs));
        assert!(map(r#""a=1",b=2""#).is_err() && map(r#""a=1,b=2"#).is_err());
        assert!(map("a=1,b,c=2").is_err());
        assert!(map("a").unwrap_err().contains("--default-tags"));
    }
}
