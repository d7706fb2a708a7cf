//! JSON, as `kubectl -o json` prints it: one object after the other.

use super::node::{Entry, Node, Range, Value};
use super::{DEEPEST, MOST_VALUES, Unreadable, distinct};

/// The objects of the text from byte `begin` on, up to the first thing that cannot be read.
pub(super) fn documents(text: &str, begin: usize) -> (Vec<Node>, Option<Unreadable>) {
    let mut reader = Reader { text, at: begin, values: 0 };
    let mut documents = Vec::new();
    loop {
        reader.space();
        if reader.at == text.len() {
            return (documents, None);
        }
        match reader.value(0) {
            Ok(node) => documents.push(node),
            Err(problem) => return (documents, Some(problem)),
        }
    }
}

#[derive(Debug)]
struct Reader<'a> {
    text: &'a str,
    at: usize,
    values: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| b" \t\r\n".contains(&byte)) {
            self.at += 1;
        }
    }

    fn here(&self) -> Range {
        Range { start: self.at, end: (self.at + 1).min(self.text.len()) }
    }

    fn wrong(&self, expected: &str) -> Unreadable {
        let found = match self.text[self.at..].chars().next() {
            Some(c) => format!("{c:?}"),
            None => "the end of the file".to_owned(),
        };
        Unreadable::new(self.here(), "syntax", format!("this is not JSON: expected {expected}, found {found}"))
    }

    fn expect(&mut self, byte: u8, expected: &str) -> Result<(), Unreadable> {
        self.space();
        if self.peek() != Some(byte) {
            return Err(self.wrong(expected));
        }
        self.at += 1;
        Ok(())
    }

    /// Whether the byte comes next; then it is read.
    fn takes(&mut self, byte: u8) -> bool {
        self.space();
        let next = self.peek() == Some(byte);
        self.at += usize::from(next);
        next
    }

    fn value(&mut self, depth: usize) -> Result<Node, Unreadable> {
        self.space();
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err(Unreadable::too_many_values(self.here()));
        }
        if depth > DEEPEST {
            return Err(Unreadable::too_deep(self.here()));
        }
        let start = self.at;
        let value = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Value::Text(self.string()?),
            _ => self.word()?,
        };
        Ok(Node { at: Range { start, end: self.at }, value })
    }

    fn object(&mut self, depth: usize) -> Result<Value, Unreadable> {
        let mut entries: Vec<Entry> = Vec::new();
        self.at += 1;
        if self.takes(b'}') {
            return Ok(Value::Map(entries));
        }
        loop {
            let (key, at) = self.key()?;
            self.expect(b':', "`:` behind a key")?;
            let node = self.value(depth + 1)?;
            entries.push(Entry { key, at, node });
            if !self.takes(b',') {
                self.expect(b'}', "`,` or `}`")?;
                return distinct(entries).map(Value::Map);
            }
        }
    }

    fn key(&mut self) -> Result<(String, Range), Unreadable> {
        self.space();
        if self.peek() != Some(b'"') {
            return Err(self.wrong("a key in quotes"));
        }
        let start = self.at;
        let key = self.string()?;
        Ok((key, Range { start, end: self.at }))
    }

    fn array(&mut self, depth: usize) -> Result<Value, Unreadable> {
        let mut items = Vec::new();
        self.at += 1;
        if self.takes(b']') {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if !self.takes(b',') {
                self.expect(b']', "`,` or `]`")?;
                return Ok(Value::List(items));
            }
        }
    }

    /// The escapes of a string are `serde_json`'s business; here only its end is found.
    fn string(&mut self) -> Result<String, Unreadable> {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.peek().filter(|byte| *byte != b'"') {
            self.at += if byte == b'\\' { 2 } else { 1 };
        }
        if self.at >= self.text.len() {
            let at = Range { start, end: start + 1 };
            self.at = self.text.len();
            return Err(Unreadable::new(at, "syntax", "this is not JSON: the string has no end"));
        }
        self.at += 1;
        let wrong = |error: serde_json::Error| {
            let at = Range { start, end: self.at };
            Unreadable::new(at, "syntax", format!("this is not JSON: {}", what(&error)))
        };
        serde_json::from_str(&self.text[start..self.at]).map_err(wrong)
    }

    fn word(&mut self) -> Result<Value, Unreadable> {
        let start = self.at;
        let rest = &self.text[start..];
        let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))).unwrap_or(rest.len());
        let value = match &rest[..length] {
            "null" => Some(Value::Null),
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            word => number(word),
        };
        let value = value.ok_or_else(|| self.wrong("a value"))?;
        self.at += length;
        Ok(value)
    }
}

fn number(word: &str) -> Option<Value> {
    let number: serde_json::Number = serde_json::from_str(word).ok()?;
    number.as_i64().map(Value::Whole).or_else(|| number.as_f64().map(Value::Float))
}

/// The error without serde's place, which counts from the string.
fn what(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_wrong(text: &str, code: &str, start: usize) {
        let (_, problem) = documents(text, 0);
        let problem = problem.unwrap_or_else(|| panic!("{text} is wrong"));
        assert_eq!((problem.code, problem.at.start), (code, start), "{text}: {}", problem.message);
    }

    #[test]
    fn what_is_no_json_is_shown_where_it_stands() {
        check_wrong("{", "syntax", 1);
        check_wrong("{\"a\" 1}", "syntax", 5);
        check_wrong("{\"a\": 1,}", "syntax", 8);
        check_wrong("{\"a\": [1 2]}", "syntax", 9);
        check_wrong("{\"a\": 01}", "syntax", 6);
        check_wrong("{\"a\": \"b", "syntax", 6);
        check_wrong("{\"a\": \"\\x\"}", "syntax", 6);
        check_wrong("{\"a\": \"\\", "syntax", 6);
        check_wrong("{\"a\": tru}", "syntax", 6);
        check_wrong("{\"a\": 1, \"a\": 2}", "duplicate-key", 9);
        check_wrong(&format!("{{\"a\":{}", "[".repeat(100_000)), "too-deep", 5 + DEEPEST);
        check_wrong(&format!("[{}0]", "0,".repeat(MOST_VALUES)), "too-many-values", 2 * MOST_VALUES - 1);
    }

    #[test]
    fn objects_follow_each_other() {
        let (documents, problem) = documents("{\"a\": [1, 2.5, null, true]}\n{\"b\": \"\\ud83d\\ude00\"}", 0);
        assert_eq!((documents.len(), problem), (2, None));
        assert_eq!(documents[0].get("a").unwrap().node.items()[1].value, Value::Float(2.5));
        assert_eq!(documents[1].get("b").unwrap().node.value, Value::Text("😀".to_owned()));
    }
}
