//! Paging of the JSON services: an opaque token that names the last entry given.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

const MARK: &str = "elbow:";

/// One page of an answer.
#[derive(Clone, Debug)]
pub struct Cut<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Set if there are more.
    pub next: Option<String>,
}

/// The page of `size` entries after the one that `token` names, out of entries sorted by `key`; backwards where
/// `descending`. Entries deleted between two pages hide no others.
///
/// # Errors
/// The token itself if it is none that was given out here.
pub fn cut<T>(
    mut items: Vec<T>,
    descending: bool,
    token: Option<&str>,
    size: usize,
    key: impl Fn(&T) -> String,
) -> Result<Cut<T>, String> {
    let after = token.map(read).transpose()?;
    items.sort_by_key(&key);
    if descending {
        items.reverse();
    }
    let follows = |item: &T| {
        after.as_ref().is_none_or(|after| {
            let key = key(item);
            if descending { key < *after } else { key > *after }
        })
    };
    let mut rest = items.into_iter().filter(follows);
    let items: Vec<T> = rest.by_ref().take(size).collect();
    let more = rest.next().is_some();
    let next = items
        .last()
        .filter(|_| more)
        .map(|last| URL_SAFE_NO_PAD.encode(format!("{MARK}{}", key(last))));
    Ok(Cut { items, next })
}

fn read(token: &str) -> Result<String, String> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.strip_prefix(MARK).map(str::to_owned))
        .ok_or_else(|| token.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn pages_follow_each_other_in_both_directions() {
        for (descending, wanted) in [(false, ["a", "b", "c"]), (true, ["c", "b", "a"])] {
            let mut seen = Vec::new();
            let mut token = None;
            loop {
                let page = cut(
                    vec!["b", "a", "c"],
                    descending,
                    token.as_deref(),
                    2,
                    ToString::to_string,
                )
                .unwrap();
                seen.extend(page.items);
                token = page.next;
                if token.is_none() {
                    break;
                }
            }
            assert_eq!(seen, wanted);
        }
    }

    #[test]
    fn a_foreign_token_is_refused() {
        assert_eq!(
            cut(vec!["a"], false, Some("2"), 1, ToString::to_string).unwrap_err(),
            "2"
        );
    }
}
