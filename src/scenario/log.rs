//! Collects what is wrong while a scenario is read, so that a user sees all of it at once.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::scenario::diagnostic::{Problem, Severity};
use crate::scenario::source::{Span, Text};
use crate::scenario::tree::SyntaxError;

/// A file of garbage has a problem on each line; nobody reads more than these.
const MOST: usize = 200;

/// Why a value cannot be used, before it is known which key it belongs to.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    /// Continues the sentence that the key begins.
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// The part of the value that is wrong, if not the whole.
    pub(super) at: Option<Span>,
}

impl Fault {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Fault {
        Fault { code, message: message.into(), help: None, at: None }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Fault {
        Fault { help: Some(help.into()), ..self }
    }

    /// Help, if there is none yet.
    pub(super) fn help_unless(self, help: &str) -> Fault {
        Fault { help: self.help.or_else(|| Some(help.to_owned())), ..self }
    }

    /// Points at a part of the value; the innermost call wins.
    pub(super) fn at(self, at: Span) -> Fault {
        Fault { at: self.at.or(Some(at)), ..self }
    }
}

/// Everything found so far.
#[derive(Debug)]
pub(super) struct Log {
    texts: Vec<Text>,
    found: RefCell<Vec<(Option<Span>, Problem)>>,
    known: RefCell<BTreeSet<String>>,
}

/// A problem before its places are turned into lines and columns.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) severity: Severity,
    pub(super) key: String,
    pub(super) fault: Fault,
    pub(super) other: Option<Span>,
}

impl Log {
    pub(super) fn new(texts: Vec<Text>) -> Log {
        Log { texts, found: RefCell::default(), known: RefCell::default() }
    }

    /// The value of `key` is wrong.
    pub(super) fn error(&self, key: &str, at: Span, fault: Fault) {
        let fault = fault.at(at);
        self.push(Draft { severity: Severity::Error, key: key.to_owned(), fault, other: None });
    }

    pub(super) fn push(&self, draft: Draft) {
        if self.found.borrow().len() >= MOST {
            return;
        }
        let problem = Problem {
            severity: draft.severity,
            code: draft.fault.code,
            message: draft.fault.message,
            place: draft.fault.at.map(|at| self.texts[at.text].place(at.start, at.end)),
            other: draft.other.map(|at| self.texts[at.text].place(at.start, at.end)),
            help: draft.fault.help,
            key: Some(draft.key).filter(|key| !key.is_empty()),
        };
        self.found.borrow_mut().push((draft.fault.at, problem));
    }

    /// Adds a finished problem and says where the text has its value.
    pub(super) fn place(&self, problem: Problem, at: Option<Span>) {
        let place = at.map(|at| self.texts[at.text].place(at.start, at.end));
        self.found.borrow_mut().push((at, Problem { place, ..problem }));
    }

    /// Remembers a key that scenarios may have, for suggestions.
    pub(super) fn know(&self, key: &str) {
        self.known.borrow_mut().insert(key.to_owned());
    }

    /// The known dotted keys that end in `name`.
    pub(super) fn known_elsewhere(&self, name: &str) -> Vec<String> {
        let ending = format!(".{name}");
        self.known.borrow().iter().filter(|key| key.ends_with(&ending)).cloned().collect()
    }

    pub(super) fn any_error(&self) -> bool {
        self.found.borrow().iter().any(|(_, problem)| problem.is_error())
    }

    /// Whether the value of `key`, a part of it or a table around it is known to be wrong.
    pub(super) fn is_wrong(&self, key: &str) -> bool {
        let touches = |other: &str| within(other, key) || within(key, other);
        self.found.borrow().iter().any(|(_, problem)| problem.is_error() && problem.key.as_deref().is_some_and(touches))
    }

    /// Adds the syntax errors, in place of what was found on the same lines: those values are the parser's guesses.
    pub(super) fn add_syntax_errors(&self, errors: &[SyntaxError]) {
        let line_of = |at: Span| (at.text, self.texts[at.text].line_of(at.start));
        let broken: BTreeSet<_> = errors.iter().map(|error| line_of(error.at)).collect();
        self.found.borrow_mut().retain(|(at, _)| at.is_none_or(|at| !broken.contains(&line_of(at))));
        for error in errors {
            self.error("", error.at, self.syntax_fault(error));
        }
    }

    fn syntax_fault(&self, error: &SyntaxError) -> Fault {
        if error.message.starts_with("duplicate key") {
            return Fault::new("duplicate-key", error.message.clone()).help("a key stands once in its table");
        }
        let fault = Fault::new("syntax", format!("this is not TOML: {}", error.message));
        match self.texts[error.at.text].bare_word(error.at) {
            Some(word) => fault.help(format!("a string stands in quotes: \"{word}\"")),
            None => fault,
        }
    }

    /// All problems in the order of the text; those without a place last.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|(at, _)| (at.is_none(), *at));
        found.into_iter().map(|(_, problem)| problem).collect()
    }
}

/// Whether `inner` is `outer` or a key below it.
pub(super) fn within(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
