// The guided lesson: each step asks for a guess about a scenario, then simulates it and says why.

const LESSON = [
  {
    title: "The article", scenario: "article-no-hook", unit: "requests lost of 30,000",
    ask: "Three nginx pods are replaced one by one, surge 1, unavailable 0. fortio sends 500 requests a second for a minute over 8 kept-alive connections. No hook. How many of the 30,000 requests are lost?",
    value: (answer) => metric(answer, "failed").mean,
    tell: (answer) => `On average ${mean(answer, "failed")} are lost; the article counted 4. Not thousands: only the few connections of the pod that stops have to be opened again, and most of them reach a pod that lives. Lost are those that a rule still sends to the closed listener, in the orange window of the playground: from the end of the listener to the end of its rule.`,
  },
  {
    title: "Pinned connections", scenario: "article-no-hook", unit: "sockets opened",
    ask: "The same rollout. fortio keeps 8 connections open. How many sockets does it open in all, first ones included?",
    value: (answer) => metric(answer, "connections_opened").mean,
    tell: (answer) => `${mean(answer, "connections_opened")} on average; the article counted 23. A kept-alive connection is pinned to its pod by conntrack: taking the pod out of the rules does not move it. It ends when its server closes it, and the reconnect may go to the next pod to be replaced. The 8 first ones, those cut, and the reconnects that were refused make the number.`,
  },
  {
    title: "The hook", scenario: "article-with-hook", unit: "requests lost of 30,000",
    ask: "Now each old pod gets a preStop hook that fails its readiness probe and sleeps for 10 s: it serves on while the rules change. How many are lost?",
    value: (answer) => metric(answer, "failed").mean,
    tell: (answer) => `${lossWords(answer)} The hook delays the kill chain until the unroute chain has ended. Connections are still cut after it, but a reconnect finds only living pods. Try 0.5 s in the playground: the hook has only to outlast the slowest rule.`,
  },
  {
    title: "Longer than grace", scenario: "hook-longer-than-grace", unit: "requests lost of about 1,200",
    ask: "Requests take 4 s now, 20 a second, on a server that drains: it answers what it has before it exits. The hook is a command of 15 s, but the grace period is 10 s. How many requests of a minute are lost?",
    value: (answer) => metric(answer, "failed").mean,
    tell: (answer) => `${lossWords(answer)} When the grace period ends, the hook is given up, and the kubelet leaves 2 s from the stop signal to SIGKILL. What a pod has in service needs up to 4 s: what is older than that is answered, the rest is cut. The hook counts against the grace period, so keep the grace period above hook plus drain. (A native sleep beyond the grace period is refused by Kubernetes, and by this page.)`,
  },
  {
    title: "Through an ingress", scenario: "article-ingress-dynamic", unit: "requests lost of 30,000",
    ask: "Without a hook again, but through an ingress controller with two replicas that keep their own lists of pods and try another pod when one refuses. How many does the client see fail?",
    value: (answer) => metric(answer, "failed").mean,
    tell: (answer) => `${lossWords(answer)} A refused connect becomes another try that nobody sees. What is left are requests that wait for an address where nobody answers any more, longer than the client does.`,
  },
  {
    title: "Connection: close", scenario: "article-close", unit: "requests lost of 30,000",
    ask: "No hook, no ingress, and a client that closes its connection after each request. How many are lost now?",
    value: (answer) => metric(answer, "failed").mean,
    tell: (answer) => `${lossWords(answer)} Every request opens a connection and meets the rules afresh, so all of each window counts: rate × window ÷ pods in the rules, for each old pod. Keep-alive hides most of the race; it does not end it.`,
  },
];

function metric(answer, name) {
  return answer.result.metrics[name];
}

function number(value) {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value === 0 ? "0" : value.toLocaleString("en", { maximumFractionDigits: digits });
}

/** A mean with its interval and n. */
function mean(answer, name) {
  const { mean: value, ci95, n } = metric(answer, name);
  return `${number(value)} (95 % interval ${ci95 ? `${number(ci95[0])} to ${number(ci95[1])}` : "unknown"}, n = ${n})`;
}

/** Nothing lost is a bound, never a zero. */
function lossWords(answer) {
  const failed = metric(answer, "failed");
  if (failed.max > 0) return `On average ${mean(answer, "failed")} are lost.`;
  const { n, ci95 } = answer.result.probability.any_failed;
  return `None was lost in ${n} simulated rollouts: fewer than ${number(100 * ci95[1])} % of the rollouts lose any, with 95 % confidence.`;
}

class Lesson {
  constructor(simulate, open) {
    this.simulate = simulate;
    this.open = open;
    this.host = document.getElementById("lesson");
    this.steps = document.getElementById("steps");
    LESSON.forEach((step, index) => {
      const button = element("button", { type: "button" }, `${index + 1}. ${step.title}`);
      button.addEventListener("click", () => this.show(index, true));
      this.steps.append(element("li", {}, button));
    });
    this.show(0, false);
  }

  show(index, focus) {
    const step = LESSON[index];
    this.steps.querySelectorAll("button").forEach((button, other) => {
      if (other === index) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
    });
    const guess = element("input", { type: "number", min: "0", step: "any", id: "guess" });
    const reveal = element("button", { type: "submit", class: "main" }, "Reveal");
    const form = element("form", { class: "toolbar" }, element("label", { for: "guess" }, `Your guess (${step.unit})`), guess, reveal);
    const told = element("div", { id: "told", "aria-live": "polite" });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      told.replaceChildren(...this.reveal(index, guess.value));
    });
    this.host.replaceChildren(element("h3", {}, `${index + 1}. ${step.title}`), element("p", {}, step.ask), form, told);
    if (focus) this.host.focus();
  }

  reveal(index, guess) {
    const step = LESSON[index];
    const answer = this.simulate(step.scenario);
    const open = element("button", { type: "button" }, "Look at it in the playground");
    open.addEventListener("click", () => this.open(step.scenario));
    const buttons = element("div", { class: "toolbar" }, open);
    if (index + 1 < LESSON.length) {
      const next = element("button", { type: "button", class: "main" }, `Next: ${LESSON[index + 1].title}`);
      next.addEventListener("click", () => this.show(index + 1, true));
      buttons.append(next);
    }
    const value = step.value(answer);
    const yours = guess === "" ? [] : [element("p", {}, `You guessed ${guess}; simulated: ${number(value)}.`)];
    return [...yours, element("p", { class: `verdict${metric(answer, "failed").mean > 0 ? " loses" : ""}`, "data-value": value }, step.tell(answer)), buttons];
  }
}
