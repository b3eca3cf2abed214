//! Scalar, list and map values of annotations (upstream `pkg/annotations/parser.go`).
//!
//! In: the raw value. Out: the typed value, or the rule it breaks as one sentence.

use std::collections::BTreeMap;

/// `1 t T TRUE true True` or `0 f F FALSE false False`; nothing else, no blanks.
pub fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err("allowed are true and false, without blanks".to_owned()),
    }
}

/// A base-10 signed 32-bit integer with an optional sign, no blanks.
pub fn parse_int32(text: &str) -> Result<i32, String> {
    text.parse().map_err(|_| {
        "allowed is a whole number between -2147483648 and 2147483647, without blanks".to_owned()
    })
}

/// A base-10 signed 64-bit integer with an optional sign, no blanks.
pub fn parse_int64(text: &str) -> Result<i64, String> {
    text.parse()
        .map_err(|_| "allowed is a whole number of at most 64 bits, without blanks".to_owned())
}

/// Items between commas, trimmed, empty ones dropped.
pub fn parse_string_list(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

/// `key=value` pairs between commas. A backslash takes the next character as it is; a comma after which
/// nothing but blanks follows belongs to the last value; a later duplicate wins.
pub fn parse_string_map(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut map = BTreeMap::new();
    for item in split_items(text) {
        let pair = item.trim();
        let Some((key, value)) = pair.split_once('=') else {
            return Err(format!(
                "'{pair}' is no key=value pair; write key=value pairs with commas between them"
            ));
        };
        let key = key.trim();
        if key.is_empty() {
            return Err(format!(
                "'{pair}' has no key before '='; write key=value pairs with commas between them"
            ));
        }
        map.insert(key.to_owned(), value.trim().to_owned());
    }
    Ok(map)
}

/// Cuts at commas. Whether a comma separates depends on the raw text after it, escapes included.
fn split_items(text: &str) -> Vec<String> {
    let mut items = Vec::new();
    let mut item = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => item.push(chars.next().unwrap_or('\\')),
            ',' => {
                let rest = chars.as_str().trim();
                if rest.is_empty() {
                    item.push(',');
                } else {
                    items.push(std::mem::take(&mut item));
                    if !rest.contains('=') {
                        items.push(rest.to_owned());
                        return items;
                    }
                }
            }
            other => item.push(other),
        }
    }
    if !item.is_empty() {
        items.push(item);
    }
    items
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

    /// The table of upstream's string-map rules; `None` is an error.
    #[test]
    fn string_maps_are_cut_exactly_like_upstream_cuts_them() {
        type Row = (&'static str, Option<&'static [(&'static str, &'static str)]>);
        let table: [Row; 19] = [
            ("k1=v1, k2=v2", Some(&[("k1", "v1"), ("k2", "v2")])),
            ("k=a=b", Some(&[("k", "a=b")])),
            ("k=", Some(&[("k", "")])),
            ("k1=v1\\,v2,k3=v4", Some(&[("k1", "v1,v2"), ("k3", "v4")])),
            ("k1=v1,", Some(&[("k1", "v1,")])),
            ("", Some(&[])),
            ("k1=v1, ", Some(&[("k1", "v1,")])),
            ("k=v\\", Some(&[("k", "v\\")])),
            ("a=1, b=2", Some(&[("a", "1"), ("b", "2")])),
            ("a=x\\,y,b=2", Some(&[("a", "x,y"), ("b", "2")])),
            ("a=1,b,c=3", None),
            (" ", None),
            (",k=v", None),
            ("k1=v1,bad", None),
            ("k1=v1,,k2=v2", None),
            ("=v", None),
            ("k=a,b,c=d", None),
            ("k=1,k=2", Some(&[("k", "2")])),
            ("k\\=1", Some(&[("k", "1")])),
        ];
        for (text, expected) in table {
            let expected = expected.map(|pairs| {
                pairs
                    .iter()
                    .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                    .collect::<BTreeMap<_, _>>()
            });
            assert_eq!(parse_string_map(text).ok(), expected, "value {text:?}");
        }
    }

    #[test]
    fn booleans_are_the_twelve_words_of_go() {
        for (text, expected) in [
            ("1", Some(true)),
            ("t", Some(true)),
            ("T", Some(true)),
            ("TRUE", Some(true)),
            ("true", Some(true)),
            ("True", Some(true)),
            ("0", Some(false)),
            ("f", Some(false)),
            ("F", Some(false)),
            ("FALSE", Some(false)),
            ("false", Some(false)),
            ("False", Some(false)),
            ("yes", None),
            ("", None),
            (" true", None),
            ("tRUE", None),
        ] {
            assert_eq!(parse_bool(text).ok(), expected, "value {text:?}");
        }
    }

    #[test]
    fn integers_have_32_bits_and_no_blanks() {
        for (text, expected) in [
            ("10", Some(10)),
            ("+10", Some(10)),
            ("-3", Some(-3)),
            ("2147483648", None),
            (" 1", None),
            ("", None),
            ("1.0", None),
        ] {
            assert_eq!(parse_int32(text).ok(), expected, "value {text:?}");
        }
    }

    #[test]
    fn long_integers_have_64_bits_and_no_blanks() {
        assert_eq!(parse_int64("604800"), Ok(604_800));
        assert_eq!(parse_int64("-9223372036854775808"), Ok(i64::MIN));
        for text in ["9223372036854775808", " 1", "", "1e3"] {
            assert!(parse_int64(text).is_err(), "value {text:?}");
        }
    }

    #[test]
    fn lists_drop_blanks_and_empty_items() {
        assert_eq!(parse_string_list(" a, ,b,"), ["a", "b"]);
        assert!(parse_string_list(" , ").is_empty());
    }
}
