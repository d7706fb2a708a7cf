//! Pages that need nothing but their one file: styles, scripts, data and (for `teach`) the simulator itself are inside. They
//! load nothing, so they work from a disk without a network.
//!
//! The scripts are plain: they draw what the data says. Texts from a scenario never become markup: scripts set them as text,
//! and what is written here is escaped.

mod report;
mod teach;

pub use report::{Piece, joined_results, report};
pub use teach::teach;

const CSS: &str = include_str!("page.css");
const RACE_SCRIPT: &str = include_str!("race.js");

/// A text as the content of an element, or of an attribute between double quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
    out
}

/// JSON as the content of a script element, which nothing in it can end.
fn in_script(json: &str) -> String {
    json.replace('<', "\\u003c")
}

/// The template with each `{{name}}` replaced. What is put in is not looked at again.
fn filled(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, (name, after))) = rest.split_once("{{").and_then(|(a, b)| Some((a, b.split_once("}}")?))) {
        let value = values.iter().find(|(other, _)| *other == name);
        let (_, value) = value.unwrap_or_else(|| panic!("the template names {name}"));
        out.push_str(before);
        out.push_str(value);
        rest = after;
    }
    out + rest
}

/// Base64 with padding (RFC 4648, section 4), as browsers' `atob` reads it.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let letter = char::from(LETTERS[(word >> (18 - 6 * place)) as usize & 63]);
            out.push(if place <= chunk.len() { letter } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (text, expected) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }

    #[test]
    fn texts_do_not_become_markup() {
        assert_eq!(escaped("<b a=\"1\">&"), "&lt;b a=&quot;1&quot;&gt;&amp;");
        assert_eq!(in_script("{\"a\": \"</script>\"}"), "{\"a\": \"\\u003c/script>\"}");
    }

    #[test]
    fn a_value_is_not_filled_again() {
        assert_eq!(filled("{{a}}-{{b}}-{{a}}", &[("a", "{{b}}"), ("b", "2")]), "{{b}}-2-{{b}}");
    }
}
