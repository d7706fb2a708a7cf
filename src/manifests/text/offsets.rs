//! From characters, which the YAML parser counts, to bytes.

/// Every so many characters the byte is remembered.
const STRIDE: usize = 256;

/// The bytes at which the characters of a text begin.
#[derive(Debug)]
pub(super) struct Offsets<'a> {
    text: &'a str,
    /// None where each character is one byte.
    marks: Option<Vec<usize>>,
}

impl<'a> Offsets<'a> {
    pub(super) fn new(text: &'a str) -> Offsets<'a> {
        let marks = || text.char_indices().step_by(STRIDE).map(|(byte, _)| byte).collect();
        Offsets { text, marks: (!text.is_ascii()).then(marks) }
    }

    /// The byte of a character; the end of the text for any behind it.
    pub(super) fn byte(&self, character: usize) -> usize {
        let Some(marks) = &self.marks else { return character.min(self.text.len()) };
        let Some(&mark) = marks.get(character / STRIDE) else { return self.text.len() };
        let rest = &self.text[mark..];
        rest.char_indices().nth(character % STRIDE).map_or(self.text.len(), |(byte, _)| mark + byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_become_bytes() {
        for text in ["", "abc", "äöü", &"aä…".repeat(1_000), &"x".repeat(1_000)] {
            let offsets = Offsets::new(text);
            for (character, (byte, _)) in text.char_indices().enumerate() {
                assert_eq!(offsets.byte(character), byte);
            }
            assert_eq!(offsets.byte(text.chars().count() + 7), text.len());
        }
    }
}
