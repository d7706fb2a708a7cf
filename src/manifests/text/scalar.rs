//! What a YAML scalar without quotes means to kubectl: YAML 1.1, as the Go library beneath it (go.yaml.in/yaml/v2) resolves
//! it. So `on` and `yes` are true and `0644` is octal.

use super::node::Value;

/// The value of a plain scalar.
pub(super) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => Value::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Value::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => Value::Float(f64::NAN),
        _ => number(text).unwrap_or_else(|| Value::Text(text.to_owned())),
    }
}

fn number(text: &str) -> Option<Value> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return None;
    }
    let plain = text.replace('_', "");
    whole(&plain).map(Value::Whole).or_else(|| float(&plain).map(Value::Float))
}

fn whole(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0b" | "0B") => (2, &digits[2..]),
        Some("0o" | "0O") => (8, &digits[2..]),
        _ if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    let unsigned = digits.starts_with(|c: char| c.is_digit(radix));
    if unsigned { i64::from_str_radix(&format!("{sign}{digits}"), radix).ok() } else { None }
}

fn float(text: &str) -> Option<f64> {
    let only = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
    let is_number = text.contains(|c: char| c.is_ascii_digit()) && text.chars().all(only);
    if is_number { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Value) {
        assert_eq!(resolve(text), expected, "{text}");
    }

    #[test]
    fn scalars_are_read_as_kubectl_reads_them() {
        check("", Value::Null);
        check("~", Value::Null);
        check("on", Value::Bool(true));
        check("No", Value::Bool(false));
        check("3", Value::Whole(3));
        check("-3", Value::Whole(-3));
        check("+3", Value::Whole(3));
        check("1_000", Value::Whole(1_000));
        check("0755", Value::Whole(493));
        check("0o17", Value::Whole(15));
        check("0x1F", Value::Whole(31));
        check("0b101", Value::Whole(5));
        check("0", Value::Whole(0));
        check("1.5", Value::Float(1.5));
        check("1e3", Value::Float(1e3));
        check("089", Value::Float(89.0));
        check("99999999999999999999", Value::Float(99_999_999_999_999_999_999.0));
        for text in ["25%", "1.27-alpine", "10s", "0x", "-", ".", "1.2.3", "nginx", "oN", "--3", "0b12"] {
            check(text, Value::Text(text.to_owned()));
        }
    }
}
