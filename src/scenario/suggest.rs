//! "Did you mean": the nearest known name to one that is not known. Kubernetes' own spelling of a field counts as
//! near, whatever the distance: `minReadySeconds` is `min_ready` here.

/// Names at least this alike (Jaro-Winkler) are suggested.
const ALIKE: f64 = 0.8;

/// The known key nearest to `key`.
pub(super) fn key<'a>(key: &str, known: &'a [String]) -> Option<&'a str> {
    let snake = snake_case(key);
    let known = known.iter().map(String::as_str);
    known.clone().find(|name| *name == snake).or_else(|| nearest(&snake, known))
}

/// The known name nearest to `name`, if it is near at all.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Longer texts are no slip of the finger, and comparing them takes time that grows with the square.
    if name.len() > 100 {
        return None;
    }
    known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(alike, _)| *alike > ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// The name as scenario files spell it: snake case without the unit.
pub(super) fn snake_case(key: &str) -> String {
    let mut snake = String::new();
    for c in key.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(if c == '-' { '_' } else { c.to_ascii_lowercase() });
    }
    snake.strip_suffix("_seconds").map(str::to_owned).unwrap_or(snake)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubernetes_names_lead_to_ours() {
        let known = ["max_surge", "min_ready", "termination_grace_period", "pre_stop"].map(str::to_owned);
        let check = |given: &str, expected: Option<&str>| assert_eq!(key(given, &known), expected, "{given}");
        check("maxSurge", Some("max_surge"));
        check("minReadySeconds", Some("min_ready"));
        check("terminationGracePeriodSeconds", Some("termination_grace_period"));
        check("preStop", Some("pre_stop"));
        check("max_sruge", Some("max_surge"));
        check("zzz", None);
        check("", None);
    }
}
