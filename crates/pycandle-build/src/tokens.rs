//! Generated Rust as tokens: words, strings and signs, with where they stand.
//!
//! As much of Rust's own rules as tells code from text in quotes and in comments.

/// What a token is, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An identifier or a keyword.
    Word,
    /// A string, a character, a number or a lifetime.
    Literal,
    /// One character of any other kind.
    Sign,
}

/// A token, by the bytes that it takes of the code.
#[derive(Debug, Clone, Copy)]
pub struct Token {
    pub kind: Kind,
    pub begin: usize,
    pub end: usize,
}

/// The tokens of some code; comments are none.
pub fn tokens(code: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut begin = 0;
    while let Some(first) = code[begin..].chars().next() {
        let rest = &code[begin..];
        let (kind, length) = if first.is_whitespace() {
            (None, first.len_utf8())
        } else if rest.starts_with("//") {
            (None, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (None, rest.find("*/").map_or(rest.len(), |end| end + 2))
        } else if let Some(length) = string(rest) {
            (Some(Kind::Literal), length)
        } else if first == '\'' {
            (Some(Kind::Literal), quote(rest))
        } else if first.is_alphanumeric() || first == '_' {
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let length = rest.find(|c| !word(c)).unwrap_or(rest.len());
            let is_number = first.is_ascii_digit();
            (
                Some(if is_number { Kind::Literal } else { Kind::Word }),
                length,
            )
        } else {
            (Some(Kind::Sign), first.len_utf8())
        };
        found.extend(kind.map(|kind| Token {
            kind,
            begin,
            end: begin + length,
        }));
        begin += length;
    }
    found
}

/// How long the string is that the text begins with: `"…"`, `b"…"`, `r#"…"#`.
fn string(text: &str) -> Option<usize> {
    let prefix = text.find(|c| c != 'b' && c != 'r')?;
    if prefix > 2 {
        return None;
    }
    let is_raw = text[..prefix].contains('r');
    let hashes = text[prefix..].find(|c| c != '#')?;
    let open = prefix + hashes;
    if !text[open..].starts_with('"') || (hashes > 0 && !is_raw) {
        return None;
    }
    let inside = &text[open + 1..];
    if is_raw {
        let close = format!("\"{}", "#".repeat(hashes));
        return Some(
            inside
                .find(&close)
                .map_or(text.len(), |end| open + 1 + end + close.len()),
        );
    }
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(open + 2 + at),
            _ => {}
        }
    }
    Some(text.len())
}

/// How long the character or the lifetime is that the text begins with.
fn quote(text: &str) -> usize {
    let mut rest = text.char_indices().skip(1);
    match rest.next() {
        Some((at, '\\')) => {
            let end = text[at + 2..].find('\'');
            end.map_or(text.len(), |end| at + 2 + end + 1)
        }
        Some(_) => match rest.next() {
            Some((at, '\'')) => at + 1,
            // A lifetime: its name is a word of its own.
            _ => 1,
        },
        None => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_quotes_and_comments_is_no_code() {
        let check = |code: &str, expected: &[&str]| {
            let found: Vec<_> = tokens(code).iter().map(|t| &code[t.begin..t.end]).collect();
            assert_eq!(found, expected, "{code}");
        };
        check(
            "a.b(1.5) // c\nd",
            &["a", ".", "b", "(", "1", ".", "5", ")", "d"],
        );
        check("/* x\n */ é_1 ::<u8>", &["é_1", ":", ":", "<", "u8", ">"]);
        check(
            r#"f("a\"b", b"c")"#,
            &["f", "(", r#""a\"b""#, ",", r#"b"c""#, ")"],
        );
        check(
            "r#\"a\"b\"# br\"c\\\" d",
            &["r#\"a\"b\"#", "br\"c\\\"", "d"],
        );
        check(
            r"'a' '\'' '\u{1f}' &'static x",
            &["'a'", r"'\''", r"'\u{1f}'", "&", "'", "static", "x"],
        );
        check("rb b r", &["rb", "b", "r"]);
        check("\"open", &["\"open"]);
        check("'", &["'"]);
    }
}
