//! CBOR (RFC 8949) as far as AWS's `rpc-v2-cbor` protocol uses it for texts, numbers, lists and maps.

use serde_json::{Map, Value};

/// How deep values may lie in each other.
const DEEPEST: usize = 32;

/// Reads one value that fills the bytes. Byte strings, and maps with keys that are no text, are not understood.
pub fn decode(bytes: &[u8]) -> Option<Value> {
    let mut reader = Reader { rest: bytes };
    let value = reader.value(DEEPEST)?;
    reader.rest.is_empty().then_some(value)
}

/// A number, or the length of something that ends with a mark.
#[derive(Clone, Copy, PartialEq)]
enum Number {
    Known(u64),
    Unknown,
}

struct Reader<'a> {
    rest: &'a [u8],
}

/// The end of a list, map or text of unknown length.
const BREAK: u8 = 0xff;

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn at_break(&mut self) -> bool {
        let found = self.rest.first() == Some(&BREAK);
        if found {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        found
    }

    /// The number behind an initial byte.
    fn number(&mut self, low: u8) -> Option<Number> {
        let width = match low {
            0..=23 => return Some(Number::Known(low.into())),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            31 => return Some(Number::Unknown),
            _ => return None,
        };
        let bytes = self.take(width)?;
        let number = bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
        Some(Number::Known(number))
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        let initial = self.byte()?;
        let (major, low) = (initial >> 5, initial & 31);
        if major == 7 {
            return self.simple(low);
        }
        let number = self.number(low)?;
        match (major, number) {
            (0, Number::Known(number)) => Some(number.into()),
            (1, Number::Known(number)) => {
                Some(i64::try_from(number).ok()?.checked_neg()?.checked_sub(1)?.into())
            }
            (3, _) => self.text(number).map(Value::String),
            (4, _) => self.list(number, depth),
            (5, _) => self.map(number, depth),
            (6, _) => self.value(depth),
            _ => None,
        }
    }

    fn simple(&mut self, low: u8) -> Option<Value> {
        match low {
            20 => Some(false.into()),
            21 => Some(true.into()),
            22 | 23 => Some(Value::Null),
            26 => Some(f32::from_be_bytes(self.take(4)?.try_into().ok()?).into()),
            27 => Some(f64::from_be_bytes(self.take(8)?.try_into().ok()?).into()),
            _ => None,
        }
    }

    fn text(&mut self, length: Number) -> Option<String> {
        if let Number::Known(length) = length {
            let bytes = self.take(usize::try_from(length).ok()?)?;
            return String::from_utf8(bytes.to_vec()).ok();
        }
        let mut whole = String::new();
        while !self.at_break() {
            let initial = self.byte()?;
            let length = self.number(initial & 31)?;
            if initial >> 5 != 3 || length == Number::Unknown {
                return None;
            }
            whole.push_str(&self.text(length)?);
        }
        Some(whole)
    }

    fn list(&mut self, length: Number, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        while !self.done(length, items.len()) {
            items.push(self.value(depth)?);
        }
        Some(Value::Array(items))
    }

    fn map(&mut self, length: Number, depth: usize) -> Option<Value> {
        let mut fields = Map::new();
        let mut count = 0;
        while !self.done(length, count) {
            let Value::String(key) = self.value(depth)? else {
                return None;
            };
            fields.insert(key, self.value(depth)?);
            count += 1;
        }
        Some(Value::Object(fields))
    }

    fn done(&mut self, length: Number, count: usize) -> bool {
        match length {
            Number::Known(length) => u64::try_from(count).is_ok_and(|count| count >= length),
            Number::Unknown => self.at_break(),
        }
    }
}

/// Writes a value, lengths first.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, value);
    out
}

fn head(out: &mut Vec<u8>, major: u8, number: u64) {
    let bytes = number.to_be_bytes();
    let (low, width) = match number {
        0..=23 => (bytes[7], 0),
        24..=0xff => (24, 1),
        0x100..=0xffff => (25, 2),
        0x1_0000..=0xffff_ffff => (26, 4),
        _ => (27, 8),
    };
    out.push(major << 5 | low);
    out.extend(bytes.iter().skip(8 - width));
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(value) => out.push(0xf4 + u8::from(*value)),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => head(out, 0, number),
            (None, Some(number)) => head(out, 1, number.unsigned_abs().saturating_sub(1)),
            (None, None) => {
                out.push(0xfb);
                out.extend(number.as_f64().unwrap_or_default().to_be_bytes());
            }
        },
        Value::String(text) => {
            head(out, 3, length(text.len()));
            out.extend(text.as_bytes());
        }
        Value::Array(items) => {
            head(out, 4, length(items.len()));
            for item in items {
                write(out, item);
            }
        }
        Value::Object(fields) => {
            head(out, 5, length(fields.len()));
            for (key, value) in fields {
                head(out, 3, length(key.len()));
                out.extend(key.as_bytes());
                write(out, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_read_again() {
        let text = "x".repeat(300);
        let value = json!({"a": [1, -1, 23, 24, 256, 70_000, 5_000_000_000_u64, -300], "b": {"c": text, "": null}, "d": [true, false, 1.5]});
        assert_eq!(decode(&encode(&value)).unwrap(), value);
    }

    #[test]
    fn the_examples_of_the_standard_are_read() {
        // RFC 8949, appendix A.
        for (bytes, value) in [
            (&[0x18, 0x64][..], json!(100)),
            (&[0x39, 0x03, 0xe7], json!(-1000)),
            (&[0xfa, 0x47, 0xc3, 0x50, 0x00], json!(100_000.0)),
            (&[0x9f, 0x01, 0x82, 0x02, 0x03, 0xff], json!([1, [2, 3]])),
            (&[0xbf, 0x61, 0x61, 0x01, 0xff], json!({"a": 1})),
            (&[0x7f, 0x61, 0x61, 0x61, 0x62, 0xff], json!("ab")),
            (&[0xc1, 0x1a, 0x51, 0x4b, 0x67, 0xb0], json!(1_363_896_240)),
        ] {
            assert_eq!(decode(bytes).unwrap(), value);
        }
    }

    #[test]
    fn what_is_cut_or_too_deep_is_refused() {
        assert_eq!(decode(&[0x62, 0x61]), None);
        assert_eq!(decode(&[0x01, 0x01]), None);
        assert_eq!(
            decode(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            None
        );
        assert_eq!(decode(&[0x81; 100]), None);
    }
}
