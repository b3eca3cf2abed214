//! Paging: pages of at most 400 entries, continued with an opaque marker.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::world::ApiError;

/// Largest and default page size of every pageable describe call.
pub const MAX_PAGE: i64 = 400;

const MARK: &str = "elbow:";

/// `Marker` and `PageSize` of a request.
#[derive(Clone, Debug, Default)]
pub struct PageRequest {
    /// Where the page before ended, as the answer to it said.
    pub marker: Option<String>,
    /// 1 to 400.
    pub size: Option<i64>,
    /// The most that this account gives on one page, if less than 400.
    pub cap: Option<u32>,
}

/// One page of an answer.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Set if there are more.
    pub next: Option<String>,
}

impl PageRequest {
    /// Cuts the page out of `items`, which are sorted by `key`.
    ///
    /// The marker names the last entry given, so entries deleted between two pages hide no others.
    pub fn cut<T>(&self, items: Vec<T>, key: impl Fn(&T) -> String) -> Result<Page<T>, ApiError> {
        let size = self.checked_size()?;
        let after = self.marker.as_deref().map(read_marker).transpose()?;
        let mut rest = items
            .into_iter()
            .filter(|item| after.as_ref().is_none_or(|after| key(item) > *after));
        let items: Vec<T> = rest.by_ref().take(size).collect();
        let more = rest.next().is_some();
        let next = items.last().filter(|_| more).map(|last| write_marker(&key(last)));
        Ok(Page { items, next })
    }

    fn checked_size(&self) -> Result<usize, ApiError> {
        let size = self.size.unwrap_or(MAX_PAGE);
        if !(1..=MAX_PAGE).contains(&size) {
            let (word, bound) = if size < 1 {
                ("greater", 1)
            } else {
                ("less", MAX_PAGE)
            };
            return Err(ApiError::validation(format!(
                "1 validation error detected: Value '{size}' at 'pageSize' failed to satisfy constraint: \
                 Member must have value {word} than or equal to {bound}"
            )));
        }
        let size = size.min(self.cap.map_or(MAX_PAGE, |cap| i64::from(cap.max(1))));
        Ok(usize::try_from(size).unwrap_or(1))
    }
}

fn write_marker(last: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{MARK}{last}"))
}

fn read_marker(marker: &str) -> Result<String, ApiError> {
    URL_SAFE_NO_PAD
        .decode(marker)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.strip_prefix(MARK).map(str::to_owned))
        .ok_or_else(|| ApiError::validation(format!("The marker '{marker}' is not valid")))
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

    fn request(marker: Option<String>, size: i64) -> PageRequest {
        PageRequest {
            marker,
            size: Some(size),
            cap: None,
        }
    }

    #[test]
    fn pages_follow_each_other_until_no_marker_is_left() {
        let all = || vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let first = request(None, 2).cut(all(), String::clone).unwrap();
        assert_eq!(first.items, ["a", "b"]);
        let second = request(first.next, 2).cut(all(), String::clone).unwrap();
        assert_eq!(second.items, ["c"]);
        assert_eq!(second.next, None);
    }

    #[test]
    fn an_entry_deleted_between_two_pages_hides_no_other() {
        let first = request(None, 1)
            .cut(vec!["a".to_owned(), "b".to_owned()], String::clone)
            .unwrap();
        let second = request(first.next, 1)
            .cut(vec!["b".to_owned()], String::clone)
            .unwrap();
        assert_eq!(second.items, ["b"]);
    }

    #[test]
    fn the_account_may_give_smaller_pages_than_asked_for() {
        let request = PageRequest {
            marker: None,
            size: Some(2),
            cap: Some(1),
        };
        assert_eq!(
            request
                .cut(vec!["a".to_owned(), "b".to_owned()], String::clone)
                .unwrap()
                .items,
            ["a"]
        );
    }

    #[test]
    fn a_full_last_page_has_no_marker() {
        assert_eq!(
            request(None, 1)
                .cut(vec!["a".to_owned()], String::clone)
                .unwrap()
                .next,
            None
        );
    }

    #[test]
    fn page_sizes_outside_1_to_400_and_foreign_markers_are_refused() {
        for (marker, size) in [(None, 0), (None, 401), (Some("2".to_owned()), 1)] {
            let error = request(marker, size)
                .cut(vec!["a".to_owned()], String::clone)
                .unwrap_err();
            assert_eq!(error.code, "ValidationError");
        }
    }
}
