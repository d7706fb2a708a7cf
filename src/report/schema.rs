//! The documentation of results as JSON Schema, for `rollsim schema`.

/// The schema of what `--format json` prints: one run, or several.
pub const RESULT: &str = include_str!("result.schema.json");

/// The schema of what `run --estimator importance --format json` prints.
pub const IMPORTANCE: &str = include_str!("importance.schema.json");

/// The schema of what `recommend --format json` prints.
pub const RECOMMEND: &str = include_str!("recommend.schema.json");

/// The schema of what `sensitivity --format json` prints.
pub const SENSITIVITY: &str = include_str!("sensitivity.schema.json");

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::record::Metric;
    use crate::report::result::samples;
    use crate::report::{Ablation, RunsResult, json};

    fn schema() -> Value {
        serde_json::from_str(RESULT).unwrap()
    }

    /// Each key of `value` is described under `definition`, and each required key is there.
    fn check(definition: &str, value: &Value) {
        let schema = schema();
        let definition = &schema["$defs"][definition];
        let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
        let described = definition["properties"].as_object().unwrap();
        assert!(keys.iter().all(|key| described.contains_key(*key)), "{keys:?}");
        let required = definition["required"].as_array().unwrap().iter().map(|key| key.as_str().unwrap());
        required.for_each(|key| assert!(value.get(key).is_some(), "{key}"));
    }

    #[test]
    fn the_schema_describes_what_is_written() {
        let metrics = samples::replications(&[3, 4]);
        let mut run = samples::result("a", &metrics);
        run.ablation.push(Ablation::new("sync_time", &metrics, &metrics));
        let runs = RunsResult::new(vec![run.clone(), run], &[&metrics, &metrics]);
        let value: Value = serde_json::from_str(&json::render(&runs)).unwrap();
        check("runs", &value);
        check("run", &value["runs"][0]);
        check("ablation", &value["runs"][0]["ablation"][0]);
        check("summary", &value["runs"][0]["metrics"]["failed"]);
        check("share", &value["runs"][0]["probability"]["any_failed"]);
        check("paired", &value["paired"][0]);
        check("difference", &value["paired"][0]["metrics"]["failed"]);
    }

    #[test]
    fn the_schema_names_every_metric() {
        let schema = schema();
        let described = schema["$defs"]["metrics"]["properties"].as_object().unwrap();
        for metric in Metric::ALL {
            assert_eq!(described[metric.name()]["description"], metric.what(), "{}", metric.name());
        }
        assert_eq!(described.len(), Metric::COUNT);
    }
}
