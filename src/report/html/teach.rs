//! The page of `rollsim teach`: a guided lesson and a playground, with the simulator compiled to WebAssembly inside.

use std::collections::BTreeMap;

use super::{CSS, RACE_SCRIPT, base64, filled, in_script};

const TEMPLATE: &str = include_str!("teach.html");
/// Built by `wasm/build.sh`; the hash of its sources stands beside it.
const MODULE: &[u8] = include_bytes!("rollsim.wasm");

/// Scenarios that the page can start from.
const SCENARIOS: [(&str, &str); 6] = [
    ("article-no-hook", include_str!("../../../scenarios/article-no-hook.toml")),
    ("article-with-hook", include_str!("../../../scenarios/article-with-hook.toml")),
    ("article-close", include_str!("../../../scenarios/article-close.toml")),
    ("hook-longer-than-grace", include_str!("../../../scenarios/hook-longer-than-grace.toml")),
    ("article-ingress-dynamic", include_str!("../../../scenarios/article-ingress-dynamic.toml")),
    ("article-ingress-reload", include_str!("../../../scenarios/article-ingress-reload.toml")),
];

/// The page.
///
/// # Panics
///
/// If the shipped scenarios cannot be written as JSON, which texts always can.
pub fn teach() -> String {
    let scenarios = serde_json::to_string(&BTreeMap::from(SCENARIOS)).expect("texts are JSON");
    filled(
        TEMPLATE,
        &[
            ("css", CSS),
            ("version", env!("CARGO_PKG_VERSION")),
            ("module", &base64(MODULE)),
            ("scenarios", &in_script(&scenarios)),
            ("race.js", RACE_SCRIPT),
            ("settings.js", include_str!("settings.js")),
            ("lesson.js", include_str!("lesson.js")),
            ("teach.js", include_str!("teach.js")),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_loads_nothing() {
        let page = teach();
        for reference in ["src=\"http", "href=\"http", "url(http", "import(", "fetch(", "XMLHttpRequest"] {
            assert!(!page.contains(reference), "{reference}");
        }
        assert!(page.ends_with("</html>\n"));
    }

    #[test]
    fn the_module_is_webassembly_without_imports() {
        assert_eq!(&MODULE[..4], b"\0asm");
        // A section of imports has the number 2 and stands behind that of types, which is 1.
        let (length, width) = leb128(&MODULE[9..]);
        assert_eq!(MODULE[8], 1);
        assert_eq!(MODULE[9 + width + length], 3, "functions follow types: nothing is imported");
    }

    fn leb128(bytes: &[u8]) -> (usize, usize) {
        let width = bytes.iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
        let value = bytes[..width].iter().rev().fold(0, |value, byte| value << 7 | usize::from(byte & 0x7f));
        (value, width)
    }
}
