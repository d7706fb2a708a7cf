//! Scenario files as a user writes them: every wrong one gives a diagnostic that shows the way out, every shipped one
//! is read and settles to text that reads back to the same scenario.

use std::path::Path;

use rollsim::scenario::{Source, read, render, settled_toml};

/// A name, a file, and the `--set` given with it.
pub(crate) type Wrong = (&'static str, &'static str, &'static [&'static str]);

pub(crate) const WRONG: &[Wrong] = &[
    ("unknown key", "[deployment]\nmax_sruge = 1\n", &[]),
    ("Kubernetes' own spelling", "[pod]\nterminationGracePeriodSeconds = 30\n", &[]),
    ("key in the wrong table", "replicas = 3\n", &[]),
    ("wrong unit", "[run]\nduration = \"10 parsecs\"\n", &[]),
    ("bare number", "[pod]\npre_stop.sleep = 10\n", &[]),
    ("both fenceposts 0", "[deployment]\nmax_surge = 0\nreplicas = 3\nmax_unavailable = 0\n", &[]),
    ("negative number", "[deployment]\nreplicas = -3\n", &[]),
    ("negative duration", "[deployment]\nmin_ready = \"-3s\"\n", &[]),
    ("huge number", "[deployment]\nreplicas = 1000000000000\n", &[]),
    ("number beyond all types", "[run]\nseed = 999999999999999999999999999999999999999999999\n", &[]),
    ("empty file", "", &[]),
    ("only a comment", "# nothing yet\n", &[]),
    ("unknown profile", "[pod.server]\nprofile = \"nginx-sigtrem\"\n", &[]),
    ("two hooks", "[pod.pre_stop]\nsleep = \"5s\"\nexec = { duration = \"5s\" }\n", &[]),
    ("hook without action", "[pod.pre_stop]\n", &[]),
    ("hook without duration", "[pod]\npre_stop.exec = { fails_readiness = true }\n", &[]),
    ("sleep beyond grace", "[pod]\ntermination_grace_period = \"10s\"\npre_stop.sleep = \"15s\"\n", &[]),
    ("distribution upside down", "[rollout]\nat = { uniform = [\"30s\", \"10s\"] }\n", &[]),
    ("p99 below median", "[pod]\nboot = { lognormal = { median = \"80ms\", p99 = \"20ms\" } }\n", &[]),
    ("unknown distribution", "[pod]\nboot = { unifrom = [\"1s\", \"2s\"] }\n", &[]),
    ("quantiles that fall", "[delays]\nkp_sync = { quantiles = [[0.0, \"2s\"], [1.0, \"1s\"]] }\n", &[]),
    ("array of the wrong length", "[delays]\nkp_sync = { triangular = [\"2s\", \"1s\"] }\n", &[]),
    ("syntax error", "[run]\nduration = \"10s\nseed = 1\n", &[]),
    ("duplicate key", "[run]\nseed = 1\nseed = 2\n", &[]),
    ("wrong type", "[run]\nreplications = \"many\"\n[cluster]\nnodes = [1]\n", &[]),
    ("quoted number", "[deployment]\nreplicas = \"3\"\nmax_surge = \"1\"\n", &[]),
    ("table expected", "deployment = 3\n", &[]),
    ("array of tables expected", "[clients]\nrate = \"5/s\"\n", &[]),
    ("bad version", "[cluster]\nversion = \"2.0\"\n", &[]),
    ("version as a number", "[cluster]\nversion = 1.34\n", &[]),
    ("not a number", "[kube_proxy]\ninitial_tokens = nan\n", &[]),
    ("infinite rate", "[[clients]]\nrate = \"inf/s\"\n", &[]),
    ("rate without unit", "[[clients]]\nrate = 500\n", &[]),
    ("not modelled", "[rollout]\nkind = \"recreate\"\n[[clients]]\nvia = \"pod\"\n", &[]),
    (
        "no such balancer",
        "[[clients]]\nvia = \"ingress\"\n[load_balancer]\ntarget = \"ingress\"\npreset = \"alb\"\n",
        &[],
    ),
    ("reload of what does not", "[ingress]\nreload = \"1s\"\nnext_upstream = [\"error\", \"http_500\"]\n", &[]),
    ("connections of an open client", "[[clients]]\nprofile = \"open\"\nconnections = 8\n", &[]),
    ("open arrivals of a paced client", "[[clients]]\nprofile = \"paced\"\narrivals = \"poisson\"\n", &[]),
    ("no such node", "[cluster]\nnodes = 2\n[nodes.2.delays]\nkp_sync = \"1s\"\n[[clients]]\nnode = 2\n", &[]),
    ("unknown delay and mechanism", "delays.kp_snyc = \"1s\"\nmodel.without = [\"conntrack\"]\n", &[]),
    (
        "nodes in front of a headless Service",
        "[service]\nkind = \"headless\"\n[load_balancer]\ntarget = \"instance\"\n[[clients]]\nvia = \"load_balancer\"\n",
        &[],
    ),
    (
        "rules in front of a headless Service",
        "[service]\nkind = \"headless\"\n[ingress]\n",
        &["ingress.target=service"],
    ),
    (
        "Service that Kubernetes would refuse",
        "[service]\nkind = \"cluster_ip\"\nexternal_traffic_policy = \"local\"\n[[clients]]\ntraffic = \"external\"\n",
        &[],
    ),
    (
        "newer than the cluster",
        "[cluster]\nversion = \"1.21\"\nkernel = \"5\"\n[service]\ninternal_traffic_policy = \"local\"\n\
         traffic_distribution = \"prefer_close\"\n[kube_proxy]\nmode = \"nftables\"\n",
        &[],
    ),
    ("no such zone", "[cluster]\nzones = 0\n[nodes.0]\nzone = \"eu-1a\"\n[[clients]]\ndns = \"never\"\n", &[]),
    ("two ends", "[run]\nduration = \"60s\"\nend = { after_old_pods_gone = \"2s\" }\n", &[]),
    ("too many requests", "run.duration = \"24h\"\n[[clients]]\nrate = \"100000/s\"\n", &[]),
    ("name that is a path", "name = \"../../etc/passwd\"\n", &[]),
    ("wrong value in a --set", "name = \"a\"\n", &["run.seed=1", "pod.pre_stop.sleep=5"]),
    ("second hook in a --set", "[pod.pre_stop]\nexec = { duration = \"5s\" }\n", &["pod.pre_stop.sleep=5s"]),
    ("--set that is none", "name = \"a\"\n", &["pod.pre_stop.sleep", "=5"]),
    ("--set through a value", "deployment.replicas = 3\n", &["deployment.replicas.x=5"]),
    (
        "several at once",
        "[deployment]\nreplicas = 0\nmaxUnavailable = 0\n[pod]\nboot = 20\n[service]\nkind = node_port\n[cluster]\nsize = \"big\"\n",
        &["deployment.replicsa=2"],
    ),
];

#[test]
fn every_wrong_file_is_told_what_is_wrong() {
    let told: Vec<String> = WRONG.iter().map(tell).collect();
    insta::assert_snapshot!(told.join("\n"));
}

fn tell((name, text, sets): &Wrong) -> String {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let problems = read(&Source::new("a.toml", *text), &sets).expect_err(name);
    format!("=== {name}\n{}", render(&problems, false))
}

#[test]
fn a_binary_file_is_told_so() {
    let problem = Source::from_bytes("a.toml", b"\x7fELF\x02\x01\x00\xff\xfe").unwrap_err();
    insta::assert_snapshot!(render(&[problem], false));
}

#[test]
fn warnings_come_with_the_scenario() {
    let text = "[cluster]\nversion = \"1.28\"\n[deployment]\nmax_surge = 0\n[pod]\npre_stop.sleep = \"30s\"\n\
                [run]\nduration = \"10s\"\n";
    let (_, warnings) = read(&Source::new("a.toml", text), &[]).unwrap();
    insta::assert_snapshot!(render(&warnings, false));
}

#[test]
fn every_shipped_scenario_settles_and_reads_back() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    for file in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if file.extension().is_some_and(|extension| extension == "toml") {
            let source = Source::from_bytes(&file.display().to_string(), &std::fs::read(&file).unwrap()).unwrap();
            check_settles(&source);
        }
    }
}

fn check_settles(source: &Source) {
    let (scenario, _) = read(source, &[]).unwrap_or_else(|problems| panic!("{}", render(&problems, false)));
    let again = Source::new("settled.toml", settled_toml(&scenario));
    let (same, _) = read(&again, &[]).unwrap_or_else(|problems| panic!("{}", render(&problems, false)));
    assert_eq!(same, scenario, "{}", source.name);
}
