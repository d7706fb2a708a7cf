//! `recommend` finds the smallest hook, says when there is none and what helps instead, and its answers hold.

use rollsim::model::spec::Scenario;
use rollsim::recommend::{NeverOver, Question, Recommendation, recommend};
use rollsim::record::Metric;
use rollsim::replications;
use rollsim::stats::sparse_mean;

use super::common::{count, runs, scenario, shipped, values};

const QUESTION: Question = Question {
    target: 1e-5,
    confidence: 0.99,
    longest_s: 60,
    strategies: false,
    container: String::new(),
    workload: None,
};

fn asked(scenario: &Scenario, question: &Question) -> Recommendation {
    tried(scenario, question).unwrap()
}

fn tried(scenario: &Scenario, question: &Question) -> Result<Recommendation, NeverOver> {
    replications::on_threads(None, || recommend(scenario, question, &|_| ())).unwrap()
}

/// The article's answer, simulated afresh with another seed: below the target with the confidence asked for, and a second less
/// is above it.
#[test]
fn the_article_s_answer_holds() {
    let base = shipped("article-no-hook", &[]);
    let found = asked(&base, &QUESTION);
    let answer = found.answer.as_ref().unwrap();
    assert!(answer.sleep_s >= 1 && answer.grace_s == 10, "{answer:?}");
    let sleep = format!("pod.pre_stop.sleep={}s", answer.sleep_s);
    let afresh = runs(&shipped("article-no-hook", &[&sleep, "run.seed=31"]), count(400, 4_000));
    let loss = sparse_mean(&values(&afresh, Metric::Failed), 20.0, 0.99).unwrap();
    assert!(loss.bounds.high() <= 1e-5 * found.requests, "{loss:?}");
    let shorter = found.curve.iter().rfind(|point| point.sleep_s < answer.sleep_s).unwrap();
    assert!(shorter.loss.failed > 1e-5 * found.requests, "{shorter:?}");
}

#[test]
fn threads_change_nothing() {
    let base = shipped("article-no-hook", &["run.duration=40s"]);
    let one = replications::on_threads(Some(1), || recommend(&base, &QUESTION, &|_| ())).unwrap();
    assert_eq!(one, replications::on_threads(Some(3), || recommend(&base, &QUESTION, &|_| ())).unwrap());
}

/// A node that takes 4 s for its rules needs 5 s of sleep or more.
#[test]
fn a_slow_node_needs_a_longer_hook() {
    let found =
        asked(&shipped("three-nodes-one-late", &["clients.0.rate=100/s"]), &Question { target: 1e-4, ..QUESTION });
    let answer = found.answer.unwrap();
    assert!((5..=11).contains(&answer.sleep_s), "{answer:?}");
    assert!(found.knee_s.is_some_and(|knee| knee <= answer.sleep_s));
}

/// A closed loop over kept-alive connections that does not look before it writes loses a request at each cut, whatever the hook.
const CUT: &str = "[run]\nduration = \"40s\"\n[rollout]\nat = \"5s\"\n[pod]\ntermination_grace_period = \"5s\"\n\
                   [pod.readiness_probe]\nperiod = \"1s\"\n[[clients]]\nprofile = \"paced\"\nrate = \"100/s\"\nconnections = 10\n\
                   notices_close = false\n";

#[test]
fn where_no_hook_suffices_it_says_so_and_names_what_does() {
    let found = asked(&scenario(CUT, &[]), &Question { longest_s: 10, ..QUESTION });
    assert!(found.answer.is_none() && found.patch.is_none(), "{found:?}");
    let remains = found.remains.unwrap();
    assert!(remains.met.first().is_some_and(|part| part.what.contains("idle connection closed")), "{:?}", remains.met);
    let helpful: Vec<&str> =
        remains.remedies.iter().filter(|one| one.loss.share < 1e-5).map(|one| one.set.as_str()).collect();
    assert!(helpful.contains(&"clients.N.retry=reused_once"), "{:?}", remains.remedies);
}

#[test]
fn a_grace_that_is_too_short_grows_with_the_hook() {
    let text = CUT.replace("notices_close = false", "keep_alive = false").replace("period = \"5s\"", "period = \"1s\"");
    let found = asked(&scenario(&text, &["delays.kp_sync=2s"]), &Question { target: 1e-4, ..QUESTION });
    let answer = found.answer.unwrap();
    assert!(answer.grace_s >= answer.sleep_s + answer.drain_s && answer.grace_given_s == 1, "{answer:?}");
    assert!(found.warnings.iter().any(|doubt| doubt.code == "grace-too-short"));
    assert!(found.patch.unwrap().contains(&format!("terminationGracePeriodSeconds: {}\n", answer.grace_s)));
}

/// One start in a thousand takes 5 s, in which a pod that is routed refuses some 800 requests: that few rollouts lose nothing says
/// little where none has told how much one loses.
#[test]
fn a_loss_that_nobody_saw_is_not_taken_for_one_request() {
    let slow = r#"pod.boot={ quantiles = [[0.0, "0s"], [0.999, "0s"], [0.99901, "5s"], [1.0, "5s"]] }"#;
    let sets = [
        slow,
        "clients.0.keep_alive=false",
        "delays.unroute=0s",
        "run.seed=3",
        "pod.pre_stop.sleep=0s",
        "pod.server.profile=nginx-sigquit",
    ];
    let found = asked(&shipped("toy-rollout", &sets), &Question { target: 1e-2, ..QUESTION });
    assert!(found.as_given.losing == 0 && found.as_given.failed_bounds[1] > 2.5, "2.5 are lost: {:?}", found.as_given);
    assert!(found.assumptions.iter().any(|said| said.contains("no rollout lost anything")), "{:?}", found.assumptions);
}

/// Each pod of a StatefulSet waits for the one before: the run has to last for all their hooks.
#[test]
fn where_pods_stop_in_turn_none_stops_after_the_run() {
    let text = CUT.replace("[rollout]", "[workload]\nkind = \"stateful_set\"\nreplicas = 5\n[rollout]");
    let sets = ["kube_proxy.min_sync_period=20s", "pod.server.profile=nginx-sigquit", "run.duration=60s"];
    let found = asked(&scenario(&text, &sets), &Question { target: 2e-3, longest_s: 15, ..QUESTION });
    let longest = found.curve.last().unwrap();
    assert!(longest.sleep_s == 15 && longest.loss.failed > 15.0, "17.6 are lost in a run of 600 s: {longest:?}");
    assert!(
        found.answer.is_none() && found.warnings.iter().all(|doubt| doubt.code != "not-over"),
        "{:?}",
        found.warnings
    );
}

#[test]
fn a_rollout_that_is_never_over_has_no_answer() {
    assert_eq!(tried(&shipped("progress-deadline", &[]), &QUESTION), Err(NeverOver));
}

/// Where as much may be lost as is, no hook is recommended.
#[test]
fn a_loss_within_the_target_needs_no_hook() {
    let found = asked(&shipped("article-no-hook", &[]), &Question { target: 1e-2, ..QUESTION });
    let answer = found.answer.unwrap();
    assert_eq!((answer.sleep_s, answer.action), (0, "exec"));
    assert!(found.patch.unwrap().contains("preStop: null"));
}

/// Every key of the answer is described by its schema, and every required key is there.
#[test]
fn the_schema_describes_the_answer() {
    use rollsim::report::schema;
    use serde_json::Value;
    let found = asked(&shipped("article-no-hook", &[]), &Question { target: 1e-2, ..QUESTION });
    let (value, schema) =
        (serde_json::to_value(&found).unwrap(), serde_json::from_str::<Value>(schema::RECOMMEND).unwrap());
    let check = |definition: &str, value: &Value| {
        let definition = &schema["$defs"][definition];
        let keys = value.as_object().unwrap();
        keys.keys().for_each(|key| assert!(definition["properties"].get(key).is_some(), "{key}"));
        let required = definition["required"].as_array().unwrap();
        required.iter().for_each(|key| assert!(keys.contains_key(key.as_str().unwrap()), "{key}"));
    };
    check("recommendation", &value);
    check("loss", &value["as_given"]);
    check("answer", &value["answer"]);
    check("loss", &value["answer"]["verified"]);
    check("curve_point", &value["curve"][0]);
}
