//! A Rust source as the rules of `tidy` see it: comments, literals and test items blanked, paths spelled out.
//!
//! Not a parser: it knows as much of the syntax as this tree uses, and its tests say what that is.

/// The code that ships.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shipped {
    /// The text with a blank in place of each comment, literal and test item.
    pub(super) text: String,
    /// Modules that exist in tests only and have a file of their own.
    pub(super) test_modules: Vec<String>,
}

const TEST_ITEM: &str = "#[cfg(test)]";

/// The text without comments, literals and test items.
pub(super) fn shipped(source: &str) -> Shipped {
    let code = without_literals(source);
    let (mut text, mut test_modules, mut rest) = (String::new(), Vec::new(), code.as_str());
    while let Some(place) = rest.find(TEST_ITEM) {
        let item = &rest[place..place + item_length(&rest[place..])];
        text += &rest[..place];
        test_modules.extend(module_file(item));
        rest = &rest[place + item.len()..];
    }
    Shipped { text: text + rest, test_modules }
}

/// Up to the semicolon or the closing brace that ends the first item.
fn item_length(item: &str) -> usize {
    let mut depth = 0_u32;
    for (place, c) in item.char_indices() {
        match c {
            ';' if depth == 0 => return place + 1,
            '{' => depth += 1,
            '}' if depth <= 1 => return place + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    item.len()
}

/// The name in `mod name;`.
fn module_file(item: &str) -> Option<String> {
    let (_, name) = item.strip_suffix(';')?.rsplit_once("mod ")?;
    Some(name.trim().to_owned())
}

/// The text with a blank in place of each comment and literal. Macro names and attributes stay.
pub(super) fn without_literals(source: &str) -> String {
    let (mut code, mut rest) = (String::new(), source);
    while let Some(c) = rest.chars().next() {
        let length = ignored(rest, code.chars().next_back());
        code.push(if length > 0 { ' ' } else { c });
        rest = &rest[length.max(c.len_utf8())..];
    }
    code
}

/// The length of the comment or literal at the start; 0 if there is none.
fn ignored(rest: &str, before: Option<char>) -> usize {
    let starts_word = before.is_none_or(|c| c == 'b' || !is_word(c));
    match rest.as_bytes() {
        [b'/', b'/', ..] => rest.find('\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => past(rest, 2, "*/"),
        [b'"', ..] => quoted(rest),
        [b'r', b'"' | b'#', ..] if starts_word => raw(rest),
        [b'\'', ..] => character(rest),
        _ => 0,
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length up to and including the first `end` from `from` on.
fn past(text: &str, from: usize, end: &str) -> usize {
    text[from..].find(end).map_or(text.len(), |place| from + place + end.len())
}

fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (place, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return place + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#` and so on; 0 for a raw identifier.
fn raw(rest: &str) -> usize {
    let hashes = rest[1..].bytes().take_while(|byte| *byte == b'#').count();
    let open = 1 + hashes;
    if rest.as_bytes().get(open) == Some(&b'"') {
        past(rest, open + 1, &format!("\"{}", "#".repeat(hashes)))
    } else {
        0
    }
}

/// A character literal; 0 for a lifetime.
fn character(rest: &str) -> usize {
    let mut inside = rest[1..].chars();
    match (inside.next(), inside.next()) {
        (Some('\\'), Some(escaped)) => past(rest, 2 + escaped.len_utf8(), "'"),
        (Some(c), Some('\'')) => 2 + c.len_utf8(),
        _ => 0,
    }
}

/// Every path of two or more segments in the code, groups spelled out: `a::{b, c::d}` is `a::b` and `a::c::d`.
pub(super) fn paths(code: &str) -> Vec<String> {
    let tokens = tokens(code);
    let (mut found, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        at = if is_segment(tokens[at]) { path(&tokens, at, "", &mut found) } else { at + 1 };
    }
    found.retain(|path| path.contains("::"));
    found
}

/// Words, `::`, and all other characters one by one.
fn tokens(code: &str) -> Vec<&str> {
    let (mut tokens, mut rest) = (Vec::new(), code.trim_start());
    while let Some(c) = rest.chars().next() {
        let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let length = if rest.starts_with("::") { 2 } else { word.max(c.len_utf8()) };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    tokens
}

fn is_segment(token: &str) -> bool {
    token.starts_with(is_word)
}

/// Reads the path or group at `at`; returns where it ends.
fn path(tokens: &[&str], at: usize, prefix: &str, found: &mut Vec<String>) -> usize {
    if tokens[at] == "{" {
        return group(tokens, at + 1, prefix, found);
    }
    let full = if prefix.is_empty() { tokens[at].to_owned() } else { format!("{prefix}::{}", tokens[at]) };
    match (tokens.get(at + 1), tokens.get(at + 2)) {
        (Some(&"::"), Some(&next)) if is_segment(next) || next == "{" || next == "*" => {
            path(tokens, at + 2, &full, found)
        }
        _ => {
            found.push(full);
            at + 1
        }
    }
}

fn group(tokens: &[&str], mut at: usize, prefix: &str, found: &mut Vec<String>) -> usize {
    while at < tokens.len() && tokens[at] != "}" {
        at = match tokens[at] {
            "as" => at + 2,
            "," => at + 1,
            _ => path(tokens, at, prefix, found),
        };
    }
    at + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        let text = shipped(source).text;
        assert_eq!(text.split_whitespace().collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn comments_and_literals_are_no_code() {
        check("a // b\nc /* d\n */ e", "a c e");
        check(r#"a("\"b\\") c(b"d", '"', '\'', 'é')"#, "a( ) c(b , , , )");
        check("a(r\"\\\") b(r#\"c\"d\"#) for r#type in e", "a( ) b( ) for r#type in e");
        check("fn a<'b>(c: &'b str) -> &'static str { 'd' }", "fn a<'b>(c: &'b str) -> &'static str { }");
    }

    #[test]
    fn test_items_do_not_ship() {
        check("a; #[cfg(test)] mod tests { fn b() { c } } d", "a; d");
        check("a; #[cfg(test)]\n#[expect(x)]\nfn b(c: u8) -> u8 { c }\nd", "a; d");
        check("#[cfg(test)] use a::b; c", "c");
        assert_eq!(shipped("#[cfg(test)]\npub(crate) mod sample;").test_modules, ["sample"]);
    }

    #[test]
    fn paths_are_spelled_out() {
        assert_eq!(paths("use a::{b, c::{d as e, self}, f::*}; g"), ["a::b", "a::c::d", "a::c::self", "a::f::*"]);
        assert_eq!(paths("let x: h::I<j::K> = L::<M>::n(o);"), ["h::I", "j::K"]);
        assert_eq!(paths("pub(in crate::p) fn q() { std::fs::read(r) }"), ["crate::p", "std::fs::read"]);
    }
}
