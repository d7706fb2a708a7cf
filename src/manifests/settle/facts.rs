//! What is known of a scenario, key by key, and how well.

use std::fmt::Display;

use crate::scenario::{Problem, Severity, Spot, Statement, Text};

/// How well a key is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The manifest says so.
    Read,
    /// The manifest says something that makes it likely, such as the name of an image.
    Guessed,
    /// The manifest does not say; this is our choice.
    Assumed,
    /// The user says so.
    Said,
}

impl Basis {
    /// The word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Basis::Read => "read",
            Basis::Guessed => "guessed",
            Basis::Assumed => "assumed",
            Basis::Said => "said",
        }
    }
}

/// A key with its value, where it comes from and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Key, value and place.
    pub statement: Statement,
    /// How well it is known.
    pub basis: Basis,
    /// Why; empty where the manifest simply says so.
    pub why: String,
}

/// The facts of one scenario, as they are found, and the doubts about them.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    texts: &'a [Text],
    pub(super) facts: Vec<Fact>,
    pub(super) doubts: Vec<Problem>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(texts: &'a [Text]) -> Facts<'a> {
        Facts { texts, facts: Vec::new(), doubts: Vec::new() }
    }

    /// The manifest says it.
    pub(super) fn read(&mut self, key: &str, value: impl Display, at: Spot) {
        self.push(key, value, at, Basis::Read, "");
    }

    /// The manifest makes it likely.
    pub(super) fn guess(&mut self, key: &str, value: impl Display, at: Spot, why: &str) {
        self.push(key, value, at, Basis::Guessed, why);
    }

    /// Our choice.
    pub(super) fn assume(&mut self, key: &str, value: impl Display, at: Spot, why: &str) {
        self.push(key, value, at, Basis::Assumed, why);
    }

    fn push(&mut self, key: &str, value: impl Display, at: Spot, basis: Basis, why: &str) {
        let statement = Statement { key: key.to_owned(), value: value.to_string(), at };
        self.facts.push(Fact { statement, basis, why: why.to_owned() });
    }

    /// The manifest says something that the simulator leaves out.
    pub(super) fn not_simulated(&mut self, at: Spot, message: impl Into<String>, help: Option<&str>) {
        self.doubts.push(Problem {
            severity: Severity::Warning,
            code: "not-simulated",
            key: None,
            message: message.into(),
            place: self.texts.get(at.text).map(|text| text.place(at.start, at.end)),
            other: None,
            help: help.map(str::to_owned),
        });
    }
}

/// A TOML string.
pub(super) fn quoted(text: impl Display) -> String {
    serde_json::Value::from(text.to_string()).to_string()
}

/// A number of seconds as a TOML string.
pub(super) fn seconds(seconds: impl Display) -> String {
    format!("\"{seconds}s\"")
}
