//! The scenario that says what a measured run's row says.

use std::fmt::Write;

use crate::measured::MeasuredRun;

/// The text of the scenario: the row's settings, and the conditions common to all measured runs (their README): one
/// node, version 1.20, a readiness probe each second, iptables over nf_tables, a client on the same machine. `delays` is
/// its `[delays]` table, as `rollsim calibrate` prints it.
pub fn scenario_text(run: &MeasuredRun, delays: &str) -> String {
    let mut text = String::new();
    add_run(&mut text, run);
    add_pod(&mut text, run);
    add_server(&mut text, run);
    add_proxy(&mut text, run);
    add_client(&mut text, run);
    let _ = write!(text, "\n{delays}");
    text
}

/// The measuring program saw the end of the old pods so long after the Deployment was complete and the last of them had
/// exited (`runs.csv` and `pods.csv`: median 3.61 s, quartiles 3.60 and 4.00 s, n = 83), in milliseconds.
const END_SEEN_AFTER_MS: u32 = 3_610;

/// The patch comes five to six seconds after the client starts; a run goes on for some time after the old pods ended.
fn add_run(text: &mut String, run: &MeasuredRun) {
    let stated = match run.min_sync_s {
        period if period >= 10.0 => 13,
        period if period >= 5.0 => 7,
        _ => 2,
    };
    let after_ms = stated * 1_000 + END_SEEN_AFTER_MS;
    let _ = write!(
        text,
        "name = {:?}\n[run]\nend = {{ after_old_pods_gone = \"{after_ms}ms\" }}\n\
         [rollout]\nat = {{ uniform = [\"5s\", \"6s\"] }}\n\
         [cluster]\nversion = \"1.20\"\nservices = {}\n\
         [deployment]\nreplicas = {}\nmax_surge = {}\nmax_unavailable = {}\n",
        run.scenario,
        run.preloaded_services,
        run.replicas,
        amount(&run.max_surge),
        amount(&run.max_unavailable),
    );
}

/// A number as it is, a percentage as a string.
fn amount(text: &str) -> String {
    if text.ends_with('%') { format!("{text:?}") } else { text.to_owned() }
}

fn add_pod(text: &mut String, run: &MeasuredRun) {
    let _ = write!(
        text,
        "[pod]\ntermination_grace_period = \"{}s\"\n\
         [pod.readiness_probe]\nperiod = \"1s\"\nfailure_threshold = 2\n",
        run.grace_s
    );
    if let Some(seconds) = hook_seconds(&run.prestop) {
        let fails = run.prestop.starts_with("rm ");
        let _ = write!(text, "[pod.pre_stop]\nexec = {{ duration = \"{seconds}s\", fails_readiness = {fails} }}\n");
    }
}

/// The length of `sleep N`, alone or after another command.
fn hook_seconds(command: &str) -> Option<&str> {
    command.rsplit_once("sleep ").map(|(_, seconds)| seconds.trim())
}

fn add_server(text: &mut String, run: &MeasuredRun) {
    let slow = run.handler.starts_with("slow200");
    let profile = match run.handler.as_str() {
        "slow200-ignore" => "ignores-signal",
        "slow200-drain" => "nginx-sigquit",
        "slow200-exit" => "nginx-sigterm",
        _ if run.stop_signal == "SIGQUIT" => "nginx-sigquit",
        _ => "nginx-sigterm",
    };
    let (workers, service_time) = if slow { ("\"unlimited\"", "200ms") } else { ("1", "100us") };
    let _ = write!(
        text,
        "[pod.server]\nprofile = \"{profile}\"\nworkers = {workers}\nservice_time = \"{service_time}\"\n\
         keep_alive_requests = {}\nkeep_alive_timeout = \"65s\"\n",
        run.keepalive_requests.unwrap_or(1e6)
    );
}

/// At the longer periods the run before had often left the proxy's bucket of tokens less than full.
fn add_proxy(text: &mut String, run: &MeasuredRun) {
    let tokens = if run.min_sync_s >= 5.0 { "[0.0, 2.0]" } else { "2.0" };
    let _ = write!(
        text,
        "[kube_proxy]\niptables_backend = \"nft\"\nmin_sync_period = \"{}s\"\ninitial_tokens = {tokens}\n",
        run.min_sync_s
    );
}

fn add_client(text: &mut String, run: &MeasuredRun) {
    let retry = if run.client.ends_with("-retry") { "reused_once" } else { "none" };
    let _ = write!(
        text,
        "[[clients]]\nprofile = \"paced\"\narrivals = \"spaced\"\nconnections = 8\nrate = \"{}/s\"\nkeep_alive = {}\nretry = \"{retry}\"\n\
         notices_close = false\nconnect_timeout = \"3s\"\nrequest_timeout = \"3s\"\n",
        run.rate_rps,
        run.keeps_alive(),
    );
}
