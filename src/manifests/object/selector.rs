//! Label selectors with expressions, as budgets and workloads have them.

use super::{Labels, find};
use crate::manifests::fields::{At, Fields};

/// A LabelSelector.
#[derive(Debug, Clone, Default)]
pub struct Selector {
    /// `matchLabels`.
    pub labels: Labels,
    /// `matchExpressions`.
    pub expressions: Vec<Requirement>,
}

/// `matchExpressions[]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// `key`.
    pub key: String,
    /// `operator`.
    pub operator: String,
    /// `values`.
    pub values: Vec<String>,
}

impl Selector {
    /// Whether it asks for nothing, and so selects everything.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.expressions.is_empty()
    }

    /// Whether `labels` have all that it asks for.
    pub fn matches(&self, labels: &Labels) -> bool {
        let has = |(key, wanted): &(String, At<String>)| find(labels, key).is_some_and(|it| it.value == wanted.value);
        self.labels.iter().all(has) && self.expressions.iter().all(|expression| expression.matches(labels))
    }
}

impl Requirement {
    /// As in apimachinery pkg/labels/selector.go, Requirement.Matches: what is absent is in no set. The API server refuses
    /// any other operator.
    fn matches(&self, labels: &Labels) -> bool {
        let found = find(labels, &self.key);
        let is_in = found.is_some_and(|found| self.values.contains(&found.value));
        match self.operator.as_str() {
            "In" => is_in,
            "NotIn" => !is_in,
            "Exists" => found.is_some(),
            "DoesNotExist" => found.is_none(),
            _ => false,
        }
    }
}

pub(super) fn selector(fields: &Fields<'_>) -> Selector {
    let text = |fields: &Fields<'_>, name| fields.text(name).map(|text| text.value).unwrap_or_default();
    let requirement = |fields: &Fields<'_>| Requirement {
        key: text(fields, "key"),
        operator: text(fields, "operator"),
        values: fields.texts("values"),
    };
    Selector {
        labels: fields.strings("matchLabels"),
        expressions: fields.maps("matchExpressions").iter().map(requirement).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Spot;

    fn check(operator: &str, values: &[&str], labels: &[(&str, &str)], expected: bool) {
        let at = |value: &str| At { value: value.to_owned(), at: Spot::default() };
        let labels: Labels = labels.iter().map(|(key, value)| ((*key).to_owned(), at(value))).collect();
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let requirement = Requirement { key: "app".to_owned(), operator: operator.to_owned(), values };
        let selector = Selector { labels: Vec::new(), expressions: vec![requirement] };
        assert_eq!(selector.matches(&labels), expected, "{operator} {labels:?}");
    }

    #[test]
    fn expressions_select_as_the_api_says() {
        check("In", &["a", "b"], &[("app", "b")], true);
        check("In", &["a"], &[("app", "b")], false);
        check("In", &["a"], &[], false);
        check("NotIn", &["a"], &[("app", "b")], true);
        check("NotIn", &["a"], &[], true);
        check("NotIn", &["a"], &[("app", "a")], false);
        check("Exists", &[], &[("app", "")], true);
        check("Exists", &[], &[("other", "")], false);
        check("DoesNotExist", &[], &[], true);
        check("DoesNotExist", &[], &[("app", "")], false);
    }
}
