//! The one thing that the YAML parser does not do piece by piece: it takes in a whole flow collection, `[…]` or `{…}`, before it
//! tells of its first value. So how much there may be in one is limited beforehand.

use super::node::Range;

/// Commas in one flow collection, those inside it counted too. What programs write is longer only as JSON, which is read otherwise.
const MOST_COMMAS: usize = 250_000;

/// The first comma too many, if there is one. Brackets in prose may be taken for a collection; it ends with the document at the latest.
pub(super) fn find(text: &str, begin: usize) -> Option<Range> {
    let (mut depth, mut commas, mut quote) = (0_usize, 0_usize, None::<u8>);
    let bytes = &text.as_bytes()[begin..];
    for (index, &byte) in bytes.iter().enumerate() {
        match (quote, byte) {
            (_, b'\n') if bytes[index + 1..].starts_with(b"---") => (depth, commas, quote) = (0, 0, None),
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"') if depth > 0 => quote = Some(byte),
            (None, b'[' | b'{') => depth += 1,
            (None, b']' | b'}') => {
                depth = depth.saturating_sub(1);
                commas = if depth == 0 { 0 } else { commas };
            }
            (None, b',') if depth > 0 => commas += 1,
            _ => {}
        }
        if commas > MOST_COMMAS {
            return Some(Range { start: begin + index, end: begin + index + 1 });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_collection_may_not_hold_too_much() {
        let many = "1,".repeat(MOST_COMMAS + 1);
        assert_eq!(find(&format!("[{many}"), 0).unwrap().start, 2 * MOST_COMMAS + 2);
        assert_eq!(find(&format!("a: \"[{many}\"\n"), 0).map(|at| at.start), Some(2 * MOST_COMMAS + 6));
        assert_eq!(find(&many, 0), None);
        assert_eq!(find(&"a: [1, 2, 3]\n".repeat(MOST_COMMAS), 0), None);
        assert_eq!(find(&format!("a [\n---\n{many}"), 0), None);
    }
}
