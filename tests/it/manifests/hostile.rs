//! Broken and hostile files: each gives an error with a place, in bounded time and memory, and no panic.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rollsim::manifests::{Selection, drafts, settle};
use rollsim::scenario::Problem;

use super::objects;

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  labels: {app: web}
spec:
  replicas: 3
  minReadySeconds: 0
  progressDeadlineSeconds: 600
  selector:
    matchLabels: {app: web}
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 25%}
  template:
    metadata:
      labels: {app: web}
    spec:
      terminationGracePeriodSeconds: 30
      containers:
      - name: web
        image: nginx:1.27
        command: [nginx]
        args: [-g, daemon off;]
        ports:
        - containerPort: 80
          name: http
        readinessProbe:
          httpGet: {path: /, port: http}
          initialDelaySeconds: 0
          periodSeconds: 2
          timeoutSeconds: 1
          successThreshold: 1
          failureThreshold: 3
        lifecycle:
          preStop:
            sleep: {seconds: 5}
";

/// What is wrong with a text; settled as far as it goes.
fn problems(text: &str) -> Vec<Problem> {
    let objects = match objects(&[("a.yaml", text)]) {
        Ok(objects) => objects,
        Err(problems) => return problems,
    };
    match drafts(&objects, &Selection::default()) {
        Ok((drafts, _)) => settle(&objects.texts, &drafts[0], None, &[]).err().unwrap_or_default(),
        Err(problems) => problems,
    }
}

/// An error with a place, soon; else what is missing.
fn complaint(name: &str, text: &str) -> Option<String> {
    let begun = Instant::now();
    let problems = problems(text);
    let took = begun.elapsed();
    let shown = rollsim::scenario::render(&problems, false);
    let is_placed = problems.iter().all(|problem| problem.place.is_some());
    let is_right =
        took < Duration::from_secs(120) && problems.iter().any(Problem::is_error) && is_placed && !shown.is_empty();
    (!is_right).then(|| format!("{name} after {took:?}: {shown}"))
}

/// Each field with a value of each wrong type: 20 fields, 5 values.
fn wrong_types() -> Vec<(String, String)> {
    let fields = [
        "replicas: 3",
        "minReadySeconds: 0",
        "progressDeadlineSeconds: 600",
        "matchLabels: {app: web}",
        "strategy:\n    type: RollingUpdate\n    rollingUpdate: {maxSurge: 1, maxUnavailable: 25%}",
        "type: RollingUpdate",
        "rollingUpdate: {maxSurge: 1, maxUnavailable: 25%}",
        "maxSurge: 1",
        "maxUnavailable: 25%",
        "terminationGracePeriodSeconds: 30",
        "image: nginx:1.27",
        "command: [nginx]",
        "args: [-g, daemon off;]",
        "containerPort: 80",
        "httpGet: {path: /, port: http}",
        "path: /",
        "initialDelaySeconds: 0",
        "periodSeconds: 2",
        "failureThreshold: 3",
        "seconds: 5",
    ];
    let values = ["[[1]]", "true", "1.5", "{a: {b: c}}", "-7"];
    let mut texts = Vec::new();
    for field in fields {
        let (name, _) = field.split_once(':').unwrap();
        for value in values {
            // A mapping in place of a mapping is right as far as it goes.
            let takes_mapping = ["strategy", "rollingUpdate", "httpGet"].contains(&name) && value.starts_with('{');
            let value = if takes_mapping { "text" } else { value };
            texts.push((format!("{name}: {value}"), DEPLOYMENT.replacen(field, &format!("{name}: {value}"), 1)));
        }
    }
    texts
}

/// The text cut off, or a byte of it replaced, where that breaks it.
fn broken() -> Vec<(String, String)> {
    let signs = [
        "}",
        "]",
        "\"",
        "'",
        "{{ .Values.x }}",
        "* ",
        "& ",
        "@",
        "`",
        ": :",
        "|x",
        "{a: ",
        "[1, ",
        "<<: 3\n",
        "- - }",
        "a: b: c",
    ];
    let mut texts = Vec::new();
    for sign in signs {
        for key in ["kind", "name", "replicas", "image"] {
            let changed = DEPLOYMENT.replacen(&format!("{key}: "), &format!("{key}: {sign}"), 1);
            texts.push((format!("{sign:?} at {key}"), changed));
        }
    }
    texts
}

fn bombs() -> Vec<(String, String)> {
    let nest = |open: &str, n: usize| open.repeat(n);
    let levels = |fan: usize| -> String {
        let line =
            |level: usize| format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); fan].join(","));
        (1..40).map(line).collect()
    };
    let merges: String =
        (1..40).map(|level| format!("a{level}: &a{level}\n  k{level}: 1\n  <<: [*a{0}, *a{0}]\n", level - 1)).collect();
    let mut texts: Vec<(String, String)> = vec![
        ("alias bomb".into(), format!("a0: &a0 x\n{}", levels(10))),
        ("alias bomb of two".into(), format!("a0: &a0 x\n{}", levels(2))),
        ("merge bomb".into(), format!("a0: &a0 {{k0: 1}}\n{merges}b: [{}]\n", vec!["*a39"; 60_000].join(","))),
        ("endless alias".into(), "a: &a\n  b: *a\n".into()),
        ("endless merge".into(), "a: &a\n  <<: *a\n".into()),
        ("no anchor".into(), "a: *b\n".into()),
        ("a million keys".into(), (0..1_100_000).map(|n| format!("k{n}: 1\n")).collect()),
        ("a million equal keys".into(), "k: 1\n".repeat(400_000)),
        ("a long line".into(), format!("a: {}", "x".repeat(512 << 10))),
        ("a long string".into(), format!("a: \"{}", "x".repeat(512 << 10))),
        ("a long key".into(), format!("{}: 1\n{}", "x".repeat(2_000), "y".repeat(64 << 10))),
        ("a long block".into(), format!("a: |\n{}", "  x\n".repeat(128 << 10))),
        ("newlines".into(), "\n".repeat(512 << 10)),
        ("comments".into(), "# x\n".repeat(128 << 10)),
        ("spaces".into(), " ".repeat(512 << 10)),
        ("tabs".into(), "\t".repeat(64 << 10)),
        ("commas".into(), format!("[{}", ",".repeat(64 << 10))),
        ("directives".into(), format!("{}---\na: 1", "%TAG !e! tag:x,2000:\n".repeat(10_000))),
        ("json bomb".into(), format!("{{\"a\": {}", nest("[", 64 << 10))),
        ("nul bytes".into(), "a: \0\0\0\n".into()),
        ("control characters".into(), "\u{1}\u{2}\u{7f}: 1".into()),
        (
            "a huge number".into(),
            DEPLOYMENT.replacen("replicas: 3", &format!("replicas: {}", "9".repeat(1_000_000)), 1),
        ),
        ("a huge octal".into(), DEPLOYMENT.replacen("replicas: 3", "replicas: 0777777777777777777777777", 1)),
        ("infinity".into(), DEPLOYMENT.replacen("replicas: 3", "replicas: .inf", 1)),
        ("a list of lists".into(), format!("apiVersion: v1\nkind: List\nitems: {}", nest("[", 60) + &nest("]", 60))),
        ("lists in lists".into(), lists_in_lists()),
        ("not an object".into(), "just text".into()),
        ("a number".into(), "42".into()),
        ("empty".into(), String::new()),
        ("only a mark".into(), "---\n".into()),
        ("only a byte order mark".into(), "\u{feff}".into()),
    ];
    for open in ["[", "{", "- ", "? ", "a: {", "- - ", "[{", "!!seq [", "&a ["] {
        texts.push((format!("{open:?} nested"), nest(open, 100_000)));
    }
    texts.push(("mappings nested".into(), (0..2_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect()));
    texts
}

fn lists_in_lists() -> String {
    let mut text = "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"x\"}}".to_owned();
    for _ in 0..50 {
        text = format!("{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{text}]}}");
    }
    text
}

#[test]
fn two_hundred_broken_and_hostile_texts_are_refused_with_a_place() {
    let texts = [wrong_types(), broken(), bombs()].concat();
    assert!(texts.len() >= 200, "{}", texts.len());
    let complaints: Vec<String> = texts.iter().filter_map(|(name, text)| complaint(name, text)).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert_eq!(problems(DEPLOYMENT), []);
}

/// The program in 600 MB of address space, with a file of its own.
fn check_program(name: &str, bytes: &[u8]) {
    let path = std::env::temp_dir().join(format!("rollsim-hostile-{}-{name}.yaml", std::process::id()));
    fs::write(&path, bytes).unwrap();
    let begun = Instant::now();
    let limited = "ulimit -v 600000 && exec \"$0\" \"$@\"";
    let output = Command::new("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_rollsim"), "check", path.to_str().unwrap()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let took = begun.elapsed();
    fs::remove_file(&path).unwrap();
    assert_eq!(output.status.code(), Some(2), "{name}: {stderr}");
    assert!(stderr.contains(".yaml:"), "{name}: {stderr}");
    assert!(stderr.len() < 100_000 && took < Duration::from_secs(120), "{name}: {took:?}");
}

/// The text many times, so that it has about so many bytes.
fn repeated(text: &str, mebibytes: usize) -> Vec<u8> {
    text.repeat((mebibytes << 20) / text.len()).into_bytes()
}

#[cfg(target_os = "linux")]
#[test]
fn a_hundred_megabytes_cost_no_more_than_a_few() {
    check_program("keys", &repeated("a: b\n", 100));
    let utf_16: Vec<u8> = "apiVersion: v1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check_program("utf-16", &utf_16);
    let noise = |n: u32| n.wrapping_mul(2_654_435_761).to_le_bytes();
    check_program("binary", &(0..1 << 18).flat_map(noise).collect::<Vec<u8>>());
    if std::env::var_os("ROLLSIM_SLOW").is_some() {
        check_program("one-line", &repeated("x", 100));
        check_program("newlines", &repeated("\n", 15));
        check_program("spaces", &repeated(" ", 15));
        check_program("comments", &repeated("# x\n", 15));
        check_program("values", &repeated("- 1\n", 15));
        check_program("anchors", &repeated("- &a x\n", 15));
        check_program("documents", &repeated("--- a\n", 15));
        check_program("numbers", &[b"{\"a\": [".to_vec(), repeated("1,", 15)].concat());
    }
}
