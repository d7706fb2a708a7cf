//! What starts the shards of a sweep on engines that exist: a Kubernetes Indexed Job and a Slurm array script. Both set the
//! index of a shard in the environment, where `rollsim sweep --shards N` finds it.

use thiserror::Error;

/// What an engine is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emission {
    /// Name of the scenario.
    pub scenario: String,
    /// The file as the user named it.
    pub file: String,
    /// Its text.
    pub text: String,
    /// The files that it names.
    pub traces: Vec<Trace>,
    /// Arguments that change the scenario or how it is run: `--set`, `--check` and the like, with their values.
    pub changes: Vec<String>,
    /// Number of shards.
    pub shards: u64,
    /// Number of points.
    pub points: u64,
    /// Threads of each shard.
    pub threads: Option<u64>,
    /// The container image with rollsim in it.
    pub image: String,
    /// Where parts go, if that was said.
    pub out: Option<String>,
}

/// A trace of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The path that the scenario names, from the folder in which it lies.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Why an engine cannot be told so.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EmissionError {
    /// A task of an array starts without the stdin of whoever submitted it.
    #[error("--emit slurm needs the scenario as a file: a task cannot read it from this stdin (-)")]
    Stdin,
    /// A shard leaves its part or nothing.
    #[error("a shard leaves nothing but its part: --out none makes no sense")]
    NoPart,
    /// A pod has a file system of its own.
    #[error(
        "--out {0} is a folder of this machine, where no pod can write: the Job's parts go to a PersistentVolumeClaim"
    )]
    Elsewhere(String),
    /// A volume holds its files below one folder.
    #[error("the trace {0:?} does not lie in or below the folder of the scenario, and so cannot be mounted beside it")]
    Outside(String),
    /// The API server takes no larger ones.
    #[error(
        "the scenario and its traces are {0} bytes, and a ConfigMap holds 1048576: put the file into the image and start the shards yourself"
    )]
    TooLarge(usize),
}

/// Limit of the data of a ConfigMap (Kubernetes, `MaxSecretSize`).
const LARGEST_MAP: usize = 1 << 20;

/// `kubectl apply` keeps the object in an annotation, which has 256 KiB at most; on the server's side it does not.
const LARGEST_APPLIED: usize = 250_000;

/// Memory of a shard in MB: the program and the points in flight, and, if no lock tells that nobody else runs the shard, its
/// rows, about 8 kB each.
fn memory_mb(emission: &Emission) -> u64 {
    const ALONE: u64 = 256;
    const ROWS_IN_A_MB: u64 = 100;
    ALONE + emission.points.div_ceil(emission.shards).div_ceil(ROWS_IN_A_MB)
}

/// A ConfigMap with the scenario and the files it names, a claim for the parts, and an Indexed Job with a pod for each shard.
/// A pod that fails is started again for its index alone (`backoffLimitPerIndex`, Kubernetes 1.33); one that finds its part
/// written ends at once.
///
/// # Errors
///
/// If the files do not fit into a ConfigMap, or an argument has no meaning in a pod.
pub fn k8s_job(emission: &Emission) -> Result<String, EmissionError> {
    if let Some(out) = &emission.out {
        return Err(EmissionError::Elsewhere(out.clone()));
    }
    let name = object_name(&emission.scenario);
    let args = ["sweep", "/scenario/scenario.toml", "--quiet", "--out", "/parts", "--shards"].map(str::to_owned);
    let args = args.into_iter().chain([emission.shards.to_string()]).chain(emission.changes.iter().cloned());
    let args = args.chain(emission.threads.iter().flat_map(|threads| ["--threads".to_owned(), threads.to_string()]));
    let args: Vec<String> = args.map(|argument| format!("            - {}\n", quoted(&argument))).collect();
    let (args, image, shards) = (args.concat(), quoted(&emission.image), emission.shards);
    let Mounted { data, items, apply } = mounted(emission)?;
    let (parallelism, memory, cpu) = (shards.min(100), memory_mb(emission), emission.threads.unwrap_or(1));
    Ok(format!(
        r#"# {apply} this file; when the Job is complete, copy the parts from the claim and: rollsim merge part-*-of-{shards}.jsonl
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
data:
{data}---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {name}
spec:
  accessModes: [ReadWriteMany]
  resources:
    requests:
      storage: 1Gi
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
spec:
  completionMode: Indexed
  completions: {shards}
  parallelism: {parallelism}
  backoffLimitPerIndex: 3
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: rollsim
          image: {image}
          command: [rollsim]
          args:
{args}          resources:
            requests:
              cpu: "{cpu}"
              memory: {memory}M
          volumeMounts:
            - name: scenario
              mountPath: /scenario
            - name: parts
              mountPath: /parts
      volumes:
        - name: scenario
          configMap:
            name: {name}
            items:
{items}        - name: parts
          persistentVolumeClaim:
            claimName: {name}
"#
    ))
}

/// What the ConfigMap holds, and where a pod finds it.
struct Mounted {
    data: String,
    items: String,
    apply: &'static str,
}

fn mounted(emission: &Emission) -> Result<Mounted, EmissionError> {
    if let Some(trace) = emission.traces.iter().find(|trace| !is_below(&trace.path)) {
        return Err(EmissionError::Outside(trace.path.clone()));
    }
    let traces = emission.traces.iter().enumerate();
    let traces = traces.map(|(index, trace)| (format!("trace-{index}.csv"), trace.path.as_str(), trace.text.as_str()));
    let scenario = ("scenario.toml".to_owned(), "scenario.toml", emission.text.as_str());
    let files: Vec<(String, &str, &str)> = std::iter::once(scenario).chain(traces).collect();
    let bytes: usize = files.iter().map(|(key, _, text)| key.len() + text.len()).sum();
    if bytes > LARGEST_MAP {
        return Err(EmissionError::TooLarge(bytes));
    }
    let data: Vec<String> = files.iter().map(|(key, _, text)| format!("  {key}: {}\n", quoted(text))).collect();
    let item = |(key, path, _): &(String, &str, &str)| {
        format!("              - key: {key}\n                path: {}\n", quoted(path))
    };
    let data = data.concat();
    let apply = if data.len() > LARGEST_APPLIED { "kubectl apply --server-side -f" } else { "kubectl apply -f" };
    Ok(Mounted { items: files.iter().map(item).collect(), apply, data })
}

/// Whether a path of a volume may be so: it leads down, and not over the scenario.
fn is_below(path: &str) -> bool {
    let up = path.split('/').any(|part| part.is_empty() || part == "." || part == "..");
    !up && !path.contains('\\') && path != "scenario.toml"
}

/// A batch script for `sbatch`: an array with a task for each shard.
///
/// # Errors
///
/// If the scenario is on stdin, or no part is to be left.
pub fn slurm(emission: &Emission) -> Result<String, EmissionError> {
    if emission.file == "-" {
        return Err(EmissionError::Stdin);
    }
    if emission.out.as_deref() == Some("none") {
        return Err(EmissionError::NoPart);
    }
    let name = object_name(&emission.scenario);
    let out = emission.out.clone().unwrap_or_else(|| format!("output/{name}"));
    let arguments = [emission.file.clone(), "--quiet".into(), "--out".into(), out.clone(), "--shards".into()];
    let arguments = arguments.into_iter().chain([emission.shards.to_string()]).chain(emission.changes.iter().cloned());
    let arguments: Vec<String> = arguments.map(|argument| shell(&argument)).collect();
    let (arguments, shards, last, out) = (arguments.join(" "), emission.shards, emission.shards - 1, shell(&out));
    let (memory, threads) = (memory_mb(emission), emission.threads.unwrap_or(1));
    Ok(format!(
        "#!/bin/sh\n\
         # sbatch this file; when all tasks are done: rollsim merge {out}/part-*-of-{shards}.jsonl\n\
         #SBATCH --job-name={name}\n\
         #SBATCH --array=0-{last}\n\
         #SBATCH --cpus-per-task={threads}\n\
         #SBATCH --mem={memory}M\n\
         set -eu\n\
         exec rollsim sweep {arguments} --threads \"${{SLURM_CPUS_PER_TASK:-1}}\"\n"
    ))
}

/// A name that Kubernetes takes: lower case letters, digits and `-`, at most 50 of them.
fn object_name(scenario: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = format!("rollsim-{scenario}").chars().map(safe).take(50).collect();
    name.trim_end_matches('-').to_owned()
}

/// As a string of JSON, which is one of YAML.
fn quoted(text: &str) -> String {
    super::store::json(&text)
}

/// As one word of a POSIX shell.
fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emission() -> Emission {
        Emission {
            scenario: "tiny".into(),
            file: "tiny.toml".into(),
            text: "name = \"tiny\"".into(),
            traces: Vec::new(),
            changes: vec!["--check".into()],
            shards: 2,
            points: 100_000,
            threads: None,
            image: "rollsim".into(),
            out: None,
        }
    }

    fn trace(path: &str, text: &str) -> Emission {
        Emission { traces: vec![Trace { path: path.into(), text: text.into() }], ..emission() }
    }

    #[test]
    fn the_memory_of_a_shard_follows_its_points() {
        assert!(slurm(&emission()).unwrap().contains("#SBATCH --mem=756M\n"));
        assert!(k8s_job(&emission()).unwrap().contains("memory: 756M\n"));
        assert!(slurm(&Emission { points: 52, ..emission() }).unwrap().contains("#SBATCH --mem=257M\n"));
    }

    #[test]
    fn a_job_of_a_scenario_with_a_trace_mounts_it_where_it_is_named() {
        let job = k8s_job(&trace("traces/a.csv", "0.5\n1\n")).unwrap();
        assert!(job.contains("  trace-0.csv: \"0.5\\n1\\n\"\n"), "{job}");
        assert!(job.contains("- key: trace-0.csv\n                path: \"traces/a.csv\"\n"), "{job}");
        for path in ["/tmp/a.csv", "../a.csv", "a/../../b.csv", "scenario.toml", ""] {
            assert_eq!(k8s_job(&trace(path, "1")), Err(EmissionError::Outside(path.into())), "{path}");
        }
    }

    #[test]
    fn what_no_config_map_holds_is_refused() {
        assert!(matches!(k8s_job(&trace("a.csv", &"1\n".repeat(600_000))), Err(EmissionError::TooLarge(_))));
        let large = k8s_job(&trace("a.csv", &"1\n".repeat(150_000))).unwrap();
        assert!(large.starts_with("# kubectl apply --server-side -f this file"), "{}", &large[..80]);
    }

    #[test]
    fn arguments_that_mean_nothing_on_an_engine_are_refused_and_the_others_passed_on() {
        assert_eq!(slurm(&Emission { file: "-".into(), ..emission() }), Err(EmissionError::Stdin));
        assert_eq!(slurm(&Emission { out: Some("none".into()), ..emission() }), Err(EmissionError::NoPart));
        let elsewhere = k8s_job(&Emission { out: Some("x".into()), ..emission() });
        assert_eq!(elsewhere, Err(EmissionError::Elsewhere("x".into())));
        let two = Emission { threads: Some(2), ..emission() };
        let (script, job) = (slurm(&two).unwrap(), k8s_job(&two).unwrap());
        assert!(script.contains("--shards 2 --check --threads") && script.contains("--cpus-per-task=2\n"), "{script}");
        assert!(job.contains("- \"--check\"\n            - \"--threads\"\n            - \"2\"\n"), "{job}");
        assert!(job.contains("cpu: \"2\"") && job.contains("merge part-*-of-2.jsonl"), "{job}");
        assert!(script.contains("merge output/rollsim-tiny/part-*-of-2.jsonl"), "{script}");
    }

    #[test]
    fn names_are_those_kubernetes_takes() {
        assert_eq!(object_name("Article no_hook"), "rollsim-article-no-hook");
        assert_eq!(object_name(&"é".repeat(90)), "rollsim");
    }

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(shell("pod.pre_stop.sleep=5s"), "pod.pre_stop.sleep=5s");
        assert_eq!(shell("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(shell(""), "''");
    }
}
