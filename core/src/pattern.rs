//! Values of EC2 filters, which may hold wildcards (Amazon EC2 user guide, "List and filter your resources").

/// Whether a text fits a filter value: `*` is any run of characters, `?` one or none, `\` takes the next one as it is.
/// Letter case counts.
pub fn fits(pattern: &str, text: &str) -> bool {
    let pattern = tokens(pattern);
    let text: Vec<char> = text.chars().collect();
    // How far each prefix of the text fits the tokens read so far.
    let mut fitting: Vec<bool> = std::iter::once(true).chain(text.iter().map(|_| false)).collect();
    for token in pattern {
        let before = |at: usize| at.checked_sub(1).and_then(|at| fitting.get(at)).copied();
        fitting = match token {
            Token::Run => fitting
                .iter()
                .scan(false, |any, fits| {
                    *any |= fits;
                    Some(*any)
                })
                .collect(),
            Token::Any => (0..)
                .zip(&fitting)
                .map(|(at, fits)| *fits || before(at).unwrap_or(false))
                .collect(),
            Token::One(wanted) => (0..fitting.len())
                .map(|at| {
                    let here = at.checked_sub(1).and_then(|at| text.get(at));
                    here == Some(&wanted) && before(at).unwrap_or(false)
                })
                .collect(),
        };
    }
    fitting.last().copied().unwrap_or(false)
}

enum Token {
    Run,
    Any,
    One(char),
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut characters = pattern.chars();
    let mut tokens = Vec::new();
    while let Some(character) = characters.next() {
        tokens.push(match character {
            '*' => Token::Run,
            '?' => Token::Any,
            '\\' => Token::One(characters.next().unwrap_or('\\')),
            plain => Token::One(plain),
        });
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_and_escapes_fit() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("prod-nlb-*", "prod-nlb-a", true),
            ("prod-nlb-*", "prod-nlb-", true),
            ("prod-nlb-*", "test-nlb-a", false),
            ("*net*", "kubernetes", true),
            ("n?t", "net", true),
            ("n?t", "nt", true),
            ("n?t", "neat", false),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
            (r"a\", r"a\", true),
            ("Prod", "prod", false),
            ("*a*a*a*a*b", &"a".repeat(200), false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
