//! Results as JSON, indented, keys in a fixed order, with a line feed at the end.

use serde::Serialize;

/// One result, of one scenario or of several.
///
/// # Panics
///
/// If a result cannot be written as JSON, which is our fault: its keys are texts and its numbers finite.
pub fn render(result: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(result);
    let text = text.unwrap_or_else(|error| panic!("a result is always JSON: {error}"));
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::result::samples;
    use crate::report::{RunResult, RunsResult};

    #[test]
    fn a_result_reads_back_as_it_was() {
        let pair = samples::pair();
        assert!(serde_json::from_str::<RunsResult>(&render(&pair)).unwrap() == pair);
        assert!(serde_json::from_str::<RunResult>(&render(&pair.runs[0])).unwrap() == pair.runs[0]);
    }

    #[test]
    fn whole_numbers_are_whole() {
        let text = render(&samples::pair().runs[0]);
        assert!(text.contains("\"p05\": 0,\n") && text.contains("\"max\": 7,\n"), "{text}");
        assert!(!text.contains(".0,") && text.ends_with("}\n"), "{text}");
    }
}
