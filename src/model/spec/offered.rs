//! How much clients ask of the pods, as far as that can be told before anything runs.

use crate::model::spec::{Arrivals, ClientSpec, DelayId, LEAST_CYCLE, Scenario};

impl Scenario {
    /// The share of the time at work of the old pods' workers that the offered load asks for when it is highest; where a CPU
    /// limit lets fewer be at work, of those. Zero where nothing limits them. Of a rate that changes it is the highest of the
    /// run: the busiest time of a [`ShapeSpec`](super::ShapeSpec), a burst, the mean from the first to the last time of a trace.
    pub fn offered_utilisation(&self) -> f64 {
        let Some(cores) = self.pod.server.cores() else { return 0.0 };
        let work: f64 = self.clients.iter().map(|client| self.highest_rate(client) * self.mean_work_secs(client)).sum();
        work / (cores * f64::from(self.deployment.replicas))
    }

    /// Requests a second that a client sends when it sends most. A closed loop sends no more than its connections carry if
    /// nobody waits for a worker.
    fn highest_rate(&self, client: &ClientSpec) -> f64 {
        let rate = client.rate.as_per_second();
        match client.arrivals {
            Arrivals::Think => self.offered_rate(client),
            Arrivals::Together | Arrivals::Staggered | Arrivals::Spaced => rate.min(self.closed_rate(client, 0.0)),
            Arrivals::Constant | Arrivals::Poisson => rate,
            Arrivals::Bursty => rate * client.burst.peak(),
            Arrivals::Daily => rate * client.shape.highest_within(self.horizon()),
            Arrivals::Trace => self.trace_rate(client),
        }
    }

    /// The mean rate of a trace from its first time to its last, over a second at least.
    fn trace_rate(&self, client: &ClientSpec) -> f64 {
        let within = client.trace.partition_point(|at| *at < self.horizon());
        let times = &client.trace[..within];
        let (Some(first), Some(last)) = (times.first(), times.last()) else { return 0.0 };
        times.len() as f64 / last.saturating_sub(*first).as_secs_f64().max(1.0)
    }

    /// Requests a second that a client sends on average while every request is answered without waiting.
    pub fn offered_rate(&self, client: &ClientSpec) -> f64 {
        let rate = client.rate.as_per_second();
        match client.arrivals {
            Arrivals::Think => self.closed_rate(client, client.think_time.mean_secs()),
            Arrivals::Daily => rate * client.shape.mean(),
            Arrivals::Trace => client.trace.len() as f64 / self.horizon().as_secs_f64(),
            _ => rate,
        }
    }

    /// Requests a second of all connections of a closed loop that pause between an answer and the next request.
    fn closed_rate(&self, client: &ClientSpec, pause: f64) -> f64 {
        let answered = self.delays.get(DelayId::RttPod).mean_secs() + self.mean_work_secs(client);
        let cycle = pause + answered + self.pod.server.response_time.as_secs_f64();
        f64::from(client.all_connections()) / cycle.max(LEAST_CYCLE.as_secs_f64())
    }

    /// How long a worker is at a request of a client on average, in seconds.
    pub fn mean_work_secs(&self, client: &ClientSpec) -> f64 {
        self.pod.server.service_time.mean_secs() * client.work.mean()
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::{Source, read};

    /// The offered utilisation of a scenario of one pod with four workers of 40 ms, its client that of `client`.
    fn of(client: &str, sets: &[&str]) -> f64 {
        let text = format!(
            "[deployment]\nreplicas = 1\n[delays]\nrtt_pod = \"1ms\"\n[run]\nduration = \"60s\"\n[pod.server]\n\
             workers = 4\nservice_time = \"40ms\"\n[[clients]]\n{client}"
        );
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        match read(&Source::new("test.toml", text), &sets) {
            Ok((scenario, _)) => scenario.offered_utilisation(),
            Err(problems) => panic!("{}", crate::scenario::render(&problems, false)),
        }
    }

    fn check(client: &str, sets: &[&str], expected: f64) {
        let got = of(client, sets);
        assert!((got - expected).abs() < 1e-3 * expected.max(1.0), "{client} {sets:?}: {got}, not {expected}");
    }

    #[test]
    fn the_offered_load_knows_the_work_of_a_request_and_the_cpu_limit() {
        let open = "profile = \"open\"\nrate = \"8/s\"";
        check(open, &[], 0.08);
        check(open, &["clients.0.work=10"], 0.8);
        check(open, &["pod.server.cpu_limit=0.5"], 0.64);
        check(open, &["pod.server.workers=\"unlimited\""], 0.0);
        check(open, &["pod.server.workers=\"unlimited\"", "pod.server.cpu_limit=0.5"], 0.64);
    }

    #[test]
    fn a_loop_offers_what_its_connections_carry_and_not_the_rate_it_does_not_have() {
        // 50 connections, one after another without a pause; ten users who think for a second.
        let per_worker = |connections: f64, cycle: f64| connections / cycle * 0.040 / 4.0;
        check("profile = \"hey\"", &[], per_worker(50.0, 0.041));
        check("profile = \"k6\"", &[], per_worker(10.0, 1.041));
        check("profile = \"fortio\"\nconnections = 2\nrate = \"500/s\"", &[], per_worker(2.0, 0.041));
        check("profile = \"fortio\"\nconnections = 40\nrate = \"50/s\"", &[], 0.5);
    }

    #[test]
    fn of_a_rate_that_changes_the_highest_of_the_run_is_offered() {
        let rate = "profile = \"open\"\nrate = \"10/s\"\n";
        let burst = "arrivals = \"bursty\"\nburst = { on = \"1s\", off = \"4s\", quiet = 0 }";
        check(&format!("{rate}{burst}"), &[], 0.5);
        let shape = "arrivals = \"daily\"\nshape = [[\"0s\", 1], [\"30s\", 5], [\"600s\", 1]]";
        check(&format!("{rate}{shape}"), &[], 0.5);
        check("profile = \"open\"\narrivals = \"trace\"\ntrace = [\"1s\", \"2s\", \"3s\"]", &[], 0.015);
    }
}
