//! What starts the shards of a sweep on engines that exist: a Kubernetes Indexed Job and a Slurm array script. Both set the
//! index of a shard in the environment, where `rollsim sweep --shards N` finds it.

/// What an engine is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emission {
    /// Name of the scenario.
    pub scenario: String,
    /// The file as the user named it.
    pub file: String,
    /// Its text.
    pub text: String,
    /// Arguments that change it: `--set`, `--seed` and their values.
    pub changes: Vec<String>,
    /// Number of shards.
    pub shards: u64,
    /// The container image with rollsim in it.
    pub image: String,
    /// Where parts go, if that was said.
    pub out: Option<String>,
}

/// A ConfigMap with the scenario, a claim for the parts, and an Indexed Job with a pod for each shard. A pod that fails is
/// started again for its index alone (`backoffLimitPerIndex`, Kubernetes 1.33); one that finds its part written ends at
/// once.
pub fn k8s_job(emission: &Emission) -> String {
    let name = object_name(&emission.scenario);
    let args = ["sweep", "/scenario/scenario.toml", "--quiet", "--out", "/parts", "--shards"].map(str::to_owned);
    let args = args.into_iter().chain([emission.shards.to_string()]).chain(emission.changes.iter().cloned());
    let args: Vec<String> = args.map(|argument| format!("            - {}\n", quoted(&argument))).collect();
    let (text, args, image, shards) = (quoted(&emission.text), args.concat(), quoted(&emission.image), emission.shards);
    let parallelism = shards.min(100);
    format!(
        r#"# kubectl apply -f this file; when the Job is complete, copy the parts from the claim and: rollsim merge part-*.jsonl
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
data:
  scenario.toml: {text}
---
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
              cpu: "1"
              memory: 256Mi
          volumeMounts:
            - name: scenario
              mountPath: /scenario
            - name: parts
              mountPath: /parts
      volumes:
        - name: scenario
          configMap:
            name: {name}
        - name: parts
          persistentVolumeClaim:
            claimName: {name}
"#
    )
}

/// A batch script for `sbatch`: an array with a task for each shard.
pub fn slurm(emission: &Emission) -> String {
    let name = object_name(&emission.scenario);
    let out = emission.out.clone().unwrap_or_else(|| format!("output/{name}"));
    let arguments = [emission.file.clone(), "--quiet".into(), "--out".into(), out.clone(), "--shards".into()];
    let arguments = arguments.into_iter().chain([emission.shards.to_string()]).chain(emission.changes.iter().cloned());
    let arguments: Vec<String> = arguments.map(|argument| shell(&argument)).collect();
    let (arguments, last, out) = (arguments.join(" "), emission.shards - 1, shell(&out));
    format!(
        "#!/bin/sh\n\
         # sbatch this file; when all tasks are done: rollsim merge {out}/part-*.jsonl\n\
         #SBATCH --job-name={name}\n\
         #SBATCH --array=0-{last}\n\
         #SBATCH --cpus-per-task=1\n\
         #SBATCH --mem=256M\n\
         set -eu\n\
         exec rollsim sweep {arguments} --threads \"${{SLURM_CPUS_PER_TASK:-1}}\"\n"
    )
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
