//! Findings as SARIF 2.1.0, which code hosts show beside the lines (OASIS, Static Analysis Results Interchange Format).

use serde_json::{Value, json};

use super::{ALL, Finding, Hazard, Level};

/// One run with all rules and results.
pub fn render(findings: &[Finding]) -> String {
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "rollsim",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": ALL.iter().map(rule).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(result).collect::<Vec<_>>(),
        }],
    });
    format!("{log:#}\n")
}

fn rule(hazard: &Hazard) -> Value {
    json!({
        "id": hazard.code,
        "shortDescription": { "text": hazard.title },
        "fullDescription": { "text": hazard.why },
        "help": { "text": format!("Mended by {}. Source: {}", hazard.mend, hazard.source) },
        "defaultConfiguration": { "level": level(hazard.level) },
    })
}

const fn level(level: Level) -> &'static str {
    level.name()
}

fn result(finding: &Finding) -> Value {
    let place = &finding.place;
    let index = ALL.iter().position(|hazard| hazard.code == finding.hazard.code);
    let text = match &finding.patch {
        Some(patch) => format!("{}\n\n{patch}", finding.message),
        None => finding.message.clone(),
    };
    let mut result = json!({
        "ruleId": finding.hazard.code,
        "ruleIndex": index,
        "level": level(finding.level),
        "message": { "text": text },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&place.file) },
            "region": {
                "startLine": place.line,
                "startColumn": place.column,
                "endColumn": place.column + place.len.max(1),
            },
        } }],
    });
    if let Some(reason) = &finding.ignored {
        result["suppressions"] = json!([{ "kind": "inSource", "justification": reason }]);
    }
    result
}

/// A path as a URI reference: what may not stand in one is percent-encoded.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let encode = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    path.replace('\\', "/").bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_uris() {
        assert_eq!(uri("k8s/a b.yaml"), "k8s/a%20b.yaml");
        assert_eq!(uri("<stdin>"), "%3Cstdin%3E");
        assert_eq!(uri("k8s\\ä.yaml"), "k8s/%C3%A4.yaml");
    }
}
