//! Just enough of Rust's grammar to see which paths a file names: tokens without comments and
//! literals, `use` trees unfolded, `self`, `super` and `crate` resolved.

/// An identifier, `::`, or one other character, and the line that it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) line: usize,
    pub(super) text: String,
}

/// A path of two parts or more that the file names; one into this crate starts with `crate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) line: usize,
    pub(super) path: Vec<String>,
    /// It stands in `#[cfg(test)]` code.
    pub(super) in_test: bool,
}

/// A file of the crate, taken apart.
pub(super) struct Source {
    pub(super) file: String,
    /// The first module below the crate; `main` and `lib` for the two roots.
    pub(super) module: String,
    pub(super) tokens: Vec<Token>,
    pub(super) names: Vec<Named>,
}

impl Source {
    pub(super) fn new(file: &str, text: &str) -> Self {
        let place = place(file);
        let tokens = tokens(text);
        let names = names(&tokens, &place, place.iter().any(|part| part == "tests"));
        let root = file.trim_start_matches("src/").trim_end_matches(".rs");
        let module = place.first().map_or(root, String::as_str).to_owned();
        Self { file: file.to_owned(), module, tokens, names }
    }
}

/// The module path of a file: `src/plan/lanes.rs` is `plan::lanes`.
fn place(file: &str) -> Vec<String> {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs");
    let mut place: Vec<String> = path.split('/').map(str::to_owned).collect();
    let is_root = matches!(place.as_slice(), [only] if only == "main" || only == "lib");
    if is_root || place.last().is_some_and(|last| last == "mod") {
        place.pop();
    }
    place
}

fn tokens(text: &str) -> Vec<Token> {
    let text: Vec<char> = text.chars().collect();
    let mut tokens: Vec<Token> = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(&c) = text.get(at) {
        let silent = literal_end(&text, at);
        let end = match silent {
            Some(end) => end,
            None if c.is_alphanumeric() || c == '_' => word_end(&text, at),
            None if c == ':' && text.get(at + 1) == Some(&':') => at + 2,
            None => at + 1,
        };
        if silent.is_none() && !c.is_whitespace() {
            tokens.push(Token { line, text: text[at..end].iter().collect() });
        }
        line += text[at..end].iter().filter(|&&c| c == '\n').count();
        at = end;
    }
    tokens
}

fn word_end(text: &[char], at: usize) -> usize {
    let more = text[at..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
    at + more
}

/// Where the comment, string or character that starts at `at` ends, if one starts there.
fn literal_end(text: &[char], at: usize) -> Option<usize> {
    let rest = &text[at..];
    if rest.starts_with(&['/', '/']) {
        return Some(at + rest.iter().take_while(|c| **c != '\n').count());
    }
    if rest.starts_with(&['/', '*']) {
        return Some(at + block_comment(rest));
    }
    let inside_word = at > 0 && (text[at - 1].is_alphanumeric() || text[at - 1] == '_');
    let prefix = rest.iter().take_while(|c| matches!(c, 'b' | 'c' | 'r')).count();
    let prefix = if inside_word || prefix > 2 { 0 } else { prefix };
    let body = &rest[prefix..];
    if rest[..prefix].contains(&'r') {
        let hashes = body.iter().take_while(|c| **c == '#').count();
        if body.get(hashes) == Some(&'"') {
            let close: Vec<char> = ['"'].into_iter().chain(['#'].repeat(hashes)).collect();
            let inner = &body[hashes + 1..];
            let length = inner.windows(close.len()).position(|window| *window == *close);
            return Some(length.map_or(text.len(), |n| at + prefix + 2 * hashes + n + 2));
        }
        return None;
    }
    match body.first() {
        Some('"') => Some(at + prefix + quoted(body, '"')),
        Some('\'') if body.get(1) == Some(&'\\') || body.get(2) == Some(&'\'') => {
            Some(at + prefix + quoted(body, '\''))
        }
        _ => None,
    }
}

fn block_comment(text: &[char]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        match text.get(at..at + 2) {
            Some(['/', '*']) => (depth, at) = (depth + 1, at + 2),
            Some(['*', '/']) if depth == 1 => return at + 2,
            Some(['*', '/']) => (depth, at) = (depth - 1, at + 2),
            Some(_) | None => at += 1,
        }
    }
    at
}

fn quoted(text: &[char], quote: char) -> usize {
    let mut at = 1;
    while let Some(&c) = text.get(at) {
        at += if c == '\\' { 2 } else { 1 };
        if c == quote {
            return at;
        }
    }
    text.len()
}

/// An open brace: the inline module that it opens, if it does, and whether it is test code.
struct Open {
    module: Option<String>,
    test: bool,
}

/// Every path, with what is relative made absolute. `place` is the file's own module path.
fn names(tokens: &[Token], place: &[String], test_file: bool) -> Vec<Named> {
    let mut names = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut test = false;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if spells(tokens, at, &["#", "[", "cfg", "(", "test", ")", "]"]) {
            test = true;
            at += 7;
        } else if token.text == "mod" && spells(tokens, at + 2, &["{"]) {
            open.push(Open { module: Some(tokens[at + 1].text.clone()), test });
            test = false;
            at += 3;
        } else if is_word(&token.text) {
            let inline = open.iter().filter_map(|open| open.module.as_ref());
            let within: Vec<String> = place.iter().chain(inline).cloned().collect();
            let in_test = test_file || test || open.iter().any(|open| open.test);
            let mut found = Vec::new();
            at = unfold(tokens, at, &[], &mut found);
            names.extend(found.into_iter().map(|(line, path)| Named {
                line,
                path: absolute(path, &within),
                in_test,
            }));
        } else {
            match token.text.as_str() {
                "{" => {
                    open.push(Open { module: None, test });
                    test = false;
                }
                "}" => _ = open.pop(),
                ";" => test = false,
                _ => {}
            }
            at += 1;
        }
    }
    names
}

fn spells(tokens: &[Token], at: usize, texts: &[&str]) -> bool {
    let next = tokens.iter().skip(at).map(|token| token.text.as_str());
    next.take(texts.len()).eq(texts.iter().copied())
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Reads the path that starts at `at`, a `use` tree's braces included; returns where it ends.
fn unfold(
    tokens: &[Token],
    mut at: usize,
    prefix: &[String],
    found: &mut Vec<(usize, Vec<String>)>,
) -> usize {
    let mut path = prefix.to_vec();
    let line = tokens.get(at).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(at) {
        if token.text == "{" && path.len() > prefix.len() {
            at += 1;
            while tokens.get(at).is_some_and(|token| token.text != "}") {
                let next = unfold(tokens, at, &path, found);
                at = next.max(at + 1);
            }
            return at + 1;
        }
        if !is_word(&token.text) && token.text != "*" {
            break;
        }
        path.push(token.text.clone());
        at += 1;
        if !spells(tokens, at, &["::"]) {
            break;
        }
        at += 1;
    }
    let renamed = spells(tokens, at, &["as"]);
    // A lone word is a keyword or a local name.
    if path.len() > prefix.len() && path.len() > 1 {
        found.push((line, path));
    }
    if renamed { at + 2 } else { at }
}

fn absolute(path: Vec<String>, within: &[String]) -> Vec<String> {
    let ups = path.iter().take_while(|part| *part == "super").count();
    let is_own = path.first().is_some_and(|first| first == "self" || first == "evenly");
    if ups == 0 && !is_own {
        return path;
    }
    let start = if path[0] == "evenly" { 0 } else { within.len().saturating_sub(ups) };
    let rest = path.into_iter().skip(ups.max(1));
    let base = within[..start].iter().cloned();
    std::iter::once("crate".to_owned()).chain(base).chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(file: &str, text: &str) -> Vec<String> {
        let names = Source::new(file, text).names;
        names.iter().map(|name| format!("{}:{}", name.line, name.path.join("::"))).collect()
    }

    #[test]
    fn a_use_tree_is_unfolded_and_super_resolved() {
        let text = "use crate::{plan::{Plan, lanes}, junit as j};\nuse super::super::exit;";
        let expected = "1:crate::plan::Plan 1:crate::plan::lanes 1:crate::junit 2:crate::exit";
        assert_eq!(paths("src/report/ledger.rs", text).join(" "), expected);
        assert_eq!(
            paths("src/plan/mod.rs", "self::a super::exit"),
            ["1:crate::plan::a", "1:crate::exit"]
        );
        assert_eq!(paths("src/main.rs", "evenly::cli::run()"), ["1:crate::cli::run"]);
    }

    #[test]
    fn an_inline_module_is_a_level_and_a_test_is_known() {
        let text = "#[cfg(test)] mod tests { use super::super::exit; } fn f() { x::exit() }";
        let names = Source::new("src/plan/mod.rs", text).names;
        let exits: Vec<_> = names.iter().filter(|name| name.path[1] == "exit").collect();
        assert_eq!(exits[0].path.join("::"), "crate::exit");
        assert_eq!((exits[0].in_test, exits[1].in_test), (true, false));
        let text = "#[cfg(test)] mod tests; use std::fs;";
        assert!(
            Source::new("src/plan/mod.rs", text)
                .names
                .iter()
                .all(|name| { name.path.join("::") != "std::fs" || !name.in_test })
        );
        assert!(Source::new("src/plan/tests.rs", "x::y").names[0].in_test);
    }

    #[test]
    fn comments_and_literals_say_nothing() {
        for quiet in [
            "// crate::a\n",
            "/* /* crate::a */ crate::b */",
            r#""crate::a \" crate::b""#,
            r###"r##"crate::a "# crate::b"##"###,
            r#"br"\""#,
            "'\"'",
            r"'\''",
            "b'x'",
        ] {
            assert_eq!(
                paths("src/a.rs", &format!("{quiet} x::end")),
                [format!("{}:x::end", 1 + quiet.matches('\n').count())]
            );
        }
        assert_eq!(paths("src/a.rs", "&'a x::y<'b> 'c: x::z"), ["1:x::y", "1:x::z"]);
    }
}
