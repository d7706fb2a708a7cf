//! Reads one table of the tree key by key. Each key's parser gives a value or a [`Fault`], which goes to the log and
//! leaves the default in place, so that reading goes on. What nobody asked for is an unknown key.

use crate::scenario::diagnostic::Severity;
use crate::scenario::log::{Draft, Fault, Log};
use crate::scenario::source::Span;
use crate::scenario::suggest;
use crate::scenario::tree::{EMPTY, Entry, Node, Table, Value};

/// A table that is being read.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    log: &'a Log,
    /// The dotted key of the table; empty for the whole file.
    path: String,
    table: &'a Table,
    /// Where the table stands; the beginning of the file if it is absent.
    at: Span,
    asked: Vec<String>,
}

impl<'a> Fields<'a> {
    /// Reads a whole file.
    pub(super) fn root<T>(log: &'a Log, table: &'a Table, read: impl FnOnce(&mut Fields<'a>) -> T) -> T {
        Fields::over(log, String::new(), (table, Span::default()), read)
    }

    fn over<T>(
        log: &'a Log,
        path: String,
        (table, at): (&'a Table, Span),
        read: impl FnOnce(&mut Fields<'a>) -> T,
    ) -> T {
        let mut fields = Fields { log, path, table, at, asked: Vec::new() };
        let value = read(&mut fields);
        fields.refuse_the_rest();
        value
    }

    /// The dotted key of `name` in this table.
    pub(super) fn key(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Whether the text has this key.
    pub(super) fn has(&self, name: &str) -> bool {
        self.table.get(name).is_some()
    }

    /// Every key the text has in this table.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.table.entries.iter().map(|entry| entry.key.as_str())
    }

    /// The entry of a key, which counts as known from now on.
    pub(super) fn entry(&mut self, name: &str) -> Option<&'a Entry> {
        self.log.know(&self.key(name));
        self.asked.push(name.to_owned());
        self.table.get(name)
    }

    /// The value of a key, if it is there and right.
    pub(super) fn get<T>(&mut self, name: &str, parse: impl Fn(&Node) -> Result<T, Fault>) -> Option<T> {
        let node = &self.entry(name)?.node;
        parse(node).map_err(|fault| self.error(name, node.at, fault)).ok()
    }

    /// The value of a key, or what holds without it.
    pub(super) fn or<T>(&mut self, name: &str, parse: impl Fn(&Node) -> Result<T, Fault>, default: T) -> T {
        self.get(name, parse).unwrap_or(default)
    }

    /// Reads a table inside this one; an absent one is read as if it were empty.
    pub(super) fn section<T>(&mut self, name: &str, read: impl FnOnce(&mut Fields<'a>) -> T) -> T {
        let table = self.table_at(name).unwrap_or((&EMPTY, Span::default()));
        Fields::over(self.log, self.key(name), table, read)
    }

    /// Reads a table inside this one, if it is there.
    pub(super) fn optional<T>(&mut self, name: &str, read: impl FnOnce(&mut Fields<'a>) -> T) -> Option<T> {
        let table = self.table_at(name)?;
        Some(Fields::over(self.log, self.key(name), table, read))
    }

    /// Reads each table of an array of tables; `None` if the key is absent or wrong.
    pub(super) fn each<T>(&mut self, name: &str, mut read: impl FnMut(&mut Fields<'a>) -> T) -> Option<Vec<T>> {
        let node = &self.entry(name)?.node;
        let Value::Array(items) = &node.value else {
            self.error(name, node.at, not_an_array_of_tables(name, node));
            return None;
        };
        let read_one = |(index, item)| self.element(&format!("{name}.{index}"), item, &mut read);
        Some(items.iter().enumerate().filter_map(read_one).collect())
    }

    fn element<T>(&self, name: &str, item: &'a Node, read: impl FnOnce(&mut Fields<'a>) -> T) -> Option<T> {
        match &item.value {
            Value::Table(table) => Some(Fields::over(self.log, self.key(name), (table, item.at), read)),
            _ => {
                self.error(name, item.at, not_a_table(item));
                None
            }
        }
    }

    fn table_at(&mut self, name: &str) -> Option<(&'a Table, Span)> {
        let node = &self.entry(name)?.node;
        match &node.value {
            Value::Table(table) => Some((table, node.at)),
            _ => {
                self.error(name, node.at, not_a_table(node));
                None
            }
        }
    }

    /// Refuses a key if the text has it.
    pub(super) fn refuse(&mut self, name: &str, fault: Fault) {
        if let Some(entry) = self.table.get(name) {
            self.asked.push(name.to_owned());
            self.error(name, entry.at, fault);
        }
    }

    /// Reports what is wrong with the value of `name`.
    pub(super) fn error(&self, name: &str, at: Span, fault: Fault) {
        let key = self.key(name);
        let message = format!("`{key}` {}", fault.message);
        self.log.error(&key, at, Fault { message, ..fault });
    }

    /// Reports that the value of `name` contradicts what stands at `other`.
    pub(super) fn contradict(&self, name: &str, at: Span, fault: Fault, other: Span) {
        let key = self.key(name);
        let message = format!("`{key}` {}", fault.message);
        let fault = Fault { message, ..fault }.at(at);
        self.log.push(Draft { severity: Severity::Error, key, fault, other: Some(other) });
    }

    /// Reports what is wrong with this table as a whole.
    pub(super) fn complain(&self, fault: Fault) {
        let message = format!("`{}` {}", self.path, fault.message);
        self.log.error(&self.path, self.at, Fault { message, ..fault });
    }

    fn refuse_the_rest(&self) {
        for entry in self.table.entries.iter().filter(|entry| !self.asked.contains(&entry.key)) {
            let fault = Fault::new("unknown-key", format!("unknown key {}{}", quoted(&entry.key), self.inside()));
            self.log.error(&self.key(&entry.key), entry.at, fault.help(self.suggestion(&entry.key)));
        }
    }

    fn inside(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!(" in `{}`", self.path) }
    }

    /// The nearest known key here, or a key of that name elsewhere, or all the known keys.
    fn suggestion(&self, key: &str) -> String {
        if let Some(near) = suggest::key(key, &self.asked) {
            return format!("did you mean `{near}`?");
        }
        match self.log.known_elsewhere(&suggest::snake_case(key)).first() {
            Some(elsewhere) => format!("did you mean `{elsewhere}`?"),
            None if self.asked.is_empty() => "no keys are known here".to_owned(),
            None => {
                let mut known = self.asked.clone();
                known.dedup();
                format!("known keys here: {}", known.join(", "))
            }
        }
    }
}

fn quoted(key: &str) -> String {
    format!("`{}`", crate::scenario::tree::shortened(key))
}

fn not_a_table(node: &Node) -> Fault {
    Fault::new("wrong-type", format!("must be a table, found {}", node.describe()))
}

fn not_an_array_of_tables(name: &str, node: &Node) -> Fault {
    Fault::new("wrong-type", format!("must be an array of tables, found {}", node.describe()))
        .help(format!("write `[[{name}]]` with two pairs of brackets"))
}
