// The page: starts the module, keeps numbers and pictures in step with the settings, and runs the animation.

const byId = (id) => document.getElementById(id);
const SCENARIOS = JSON.parse(byId("scenarios").textContent);

/** The simulator: a request in, an answer out. */
class Simulator {
  static async start(base64) {
    const bytes = Uint8Array.from(atob(base64.trim()), (letter) => letter.charCodeAt(0));
    const { instance } = await WebAssembly.instantiate(bytes, {});
    return new Simulator(instance.exports);
  }

  constructor(exports) {
    this.exports = exports;
  }

  ask(request) {
    const text = new TextEncoder().encode(JSON.stringify(request));
    const place = this.exports.alloc(text.length);
    new Uint8Array(this.exports.memory.buffer, place, text.length).set(text);
    const answer = this.exports.answer(place, text.length);
    const bytes = new Uint8Array(this.exports.memory.buffer, answer, this.exports.answer_length());
    return JSON.parse(new TextDecoder().decode(bytes));
  }
}

/** How many replications a change is worth: as many as a slider's move has time for, by what the last ones took. */
class Budget {
  constructor() {
    this.replications = 10;
  }

  note(milliseconds) {
    const next = this.replications * Math.min(2, QUICK_MS / milliseconds);
    this.replications = Math.max(1, Math.min(MOST, Math.round(next)));
  }

  /** Once nothing moves any more. */
  get calm() {
    return Math.min(MOST, Math.max(20, this.replications * 8));
  }
}

/** So long may a page stand still after a change. */
const QUICK_MS = 60;
const MOST = 1000;

class Playground {
  constructor(simulator) {
    this.simulator = simulator;
    this.budget = new Budget();
    this.name = "playground.toml";
    this.view = new RaceView(byId("race"), (lost) => this.tellWhy(lost));
    this.animation = new Animation(this.view, (now) => this.atTime(now));
    this.buildKnobs();
    byId("toml").addEventListener("input", () => this.changed());
    byId("replication").addEventListener("change", () => this.simulate({ calm: true, replication: Number(byId("replication").value) }));
    byId("scenario").append(...Object.keys(SCENARIOS).map((name) => element("option", {}, name)));
    byId("scenario").addEventListener("change", () => this.open(byId("scenario").value));
    document.querySelectorAll("button.copy").forEach((button) => button.addEventListener("click", () => this.copy(button)));
  }

  buildKnobs() {
    for (const knob of KNOBS) {
      const input = knob.choices
        ? element("select", { id: knob.id }, ...knob.choices.map((choice) => element("option", {}, choice)))
        : element("input", { id: knob.id, type: "range", min: 0, max: knob.stops.length - 1, step: 1 });
      const output = element("output", { for: knob.id, id: `${knob.id}-value` });
      byId("knobs").append(element("div", { class: "knob" }, element("label", { for: knob.id }, knob.label, output), input));
      input.addEventListener("input", () => {
        const value = knob.choices ? input.value : knob.stops[Number(input.value)];
        byId("toml").value = knob.write(byId("toml").value, value);
        this.changed();
      });
    }
    byId("knobs").addEventListener("submit", (event) => event.preventDefault());
  }

  open(name) {
    byId("scenario").value = name;
    byId("toml").value = SCENARIOS[name];
    this.changed(true);
  }

  /** The text has changed: what it says is simulated at once, and more of it when nothing moves any more. */
  changed(whole = false) {
    this.simulate({ whole });
    clearTimeout(this.calm);
    this.calm = setTimeout(() => this.simulate({ calm: true, keep: true }), 350);
    history.replaceState(null, "", this.link());
  }

  link() {
    const bytes = new TextEncoder().encode(byId("toml").value);
    return `#s=${btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
  }

  /** The settings of the page's address, if it has any. */
  restore() {
    const code = /[#&]s=([\w-]+)/.exec(location.hash)?.[1];
    if (!code) return false;
    try {
      const letters = atob(code.replaceAll("-", "+").replaceAll("_", "/"));
      byId("toml").value = new TextDecoder().decode(Uint8Array.from(letters, (letter) => letter.charCodeAt(0)));
    } catch {
      return false;
    }
    this.changed(true);
    return true;
  }

  simulate({ calm = false, whole = false, keep = false, replication = null }) {
    const replications = calm ? this.budget.calm : this.budget.replications;
    const request = { task: "play", name: this.name, text: byId("toml").value, replications, savings: calm };
    if (replication !== null) request.replication = replication;
    const began = performance.now();
    const answer = this.simulator.ask(request);
    const took = performance.now() - began;
    this.showProblems(answer);
    if (!answer.result) return;
    if (!calm) this.budget.note(took);
    this.show(answer, { whole, keep: keep || replication !== null });
    this.took = performance.now() - began;
    document.body.dataset.took = this.took.toFixed(1);
    document.body.dataset.calm = calm;
  }

  showProblems(answer) {
    byId("problems").hidden = Boolean(answer.result);
    byId("problems").textContent = answer.result ? "" : answer.text;
    byId("toml").setAttribute("aria-invalid", String(!answer.result));
    const warnings = answer.result?.warnings.length ?? 0;
    byId("doubts").hidden = warnings === 0;
    byId("doubts").querySelector("summary").textContent = warnings === 1 ? "1 warning" : `${warnings} warnings`;
    byId("warnings").textContent = answer.warnings ?? "";
  }

  show(answer, { whole, keep }) {
    this.answer = answer;
    byId("settled").textContent = answer.settled;
    byId("patch").textContent = answer.patch;
    if (answer.race.story) byId("story").textContent = answer.race.story;
    byId("replication").value = answer.race.replication;
    this.showKnobs(answer.settled);
    this.showNumbers(answer);
    byId("legend").replaceChildren(...legend(answer.race).childNodes);
    this.view.show(answer.race, !whole);
    byId("connections").replaceChildren(connections(answer.race));
    byId("table").replaceChildren(...(answer.race.n_lost > 0 ? [lostTable(answer.race)] : []));
    if (keep) this.atTime(this.animation.now);
    else this.animation.load(answer.race);
  }

  showKnobs(settled) {
    for (const knob of KNOBS) {
      const value = knob.read(settled);
      const input = byId(knob.id);
      const known = value !== undefined && (!knob.choices || knob.choices.includes(value));
      if (knob.choices) input.selectedIndex = known ? knob.choices.indexOf(value) : -1;
      else input.value = known ? nearest(knob.stops, value) : 0;
      const text = value === undefined ? "none" : knob.show ? knob.show(value) : "";
      byId(`${knob.id}-value`).textContent = text;
      if (!knob.choices) input.setAttribute("aria-valuetext", text);
    }
  }

  showNumbers(answer) {
    const { metrics, probability, replications, estimator } = answer.result;
    const loses = metrics.failed.max > 0;
    byId("verdict").className = `verdict${loses ? " loses" : ""}`;
    byId("verdict").textContent = lossWords(answer);
    const any = probability.any_failed;
    const percent = (share) => `${(100 * share).toFixed(1)} %`;
    const shown = [
      ["failed", loses ? "Requests lost, mean" : "Requests lost, mean (interval: if one by one)", metrics.failed, number], ["any", "Rollouts that lose any", { mean: any.estimate, ci95: any.ci95 }, percent],
      ["opened", "Connections opened", metrics.connections_opened, number], ["severed", "Connections cut", metrics.connections_severed, number],
      ["duration", "Rollout, seconds", metrics.rollout_duration_s, number], ["exposure", "Window a pod, ms", metrics.exposure_s, (value) => number(value * 1e3)],
    ];
    byId("numbers").replaceChildren(...shown.map(([id, words, summary, write]) => numberBox(id, words, summary, write)));
    const kinds = Object.entries(metrics).filter(([name, summary]) => name.startsWith("failed_") && summary?.mean > 0);
    const list = kinds.map(([name, summary]) => `${name.slice(7).replaceAll("_", " ")} ${number(summary.mean)}`).join(", ");
    const how = estimator ? "Only the time in which something can fail is simulated; the counts are those of every request." : "Every request is simulated.";
    byId("sure").textContent = `${list ? `By kind: ${list}. ` : ""}${replications} rollouts with seed ${answer.result.seed}; intervals hold 95 %. ${how}`;
  }

  tellWhy(lost) {
    if (this.answer) byId("why").replaceChildren(...causes(lost, this.view.race));
  }

  atTime(now) {
    if (!this.answer) return;
    this.view.at(now === null || now >= this.animation.to ? null : now);
    byId("chains").replaceChildren(...chains(this.answer.race, now));
  }

  async copy(button) {
    const source = button.dataset.copy && byId(button.dataset.copy);
    const text = source ? source.value ?? source.textContent : location.href.replace(/#.*/, "") + this.link();
    try {
      await navigator.clipboard.writeText(text);
      byId("copied").textContent = "Copied.";
    } catch {
      byId("copied").textContent = source ? "The browser does not let the page copy: select the text instead." : "The link stands in the address bar.";
    }
  }
}

function nearest(stops, value) {
  const distances = stops.map((stop) => Math.abs(stop - value));
  return distances.indexOf(Math.min(...distances));
}

function numberBox(id, words, summary, write) {
  const value = element("dd", { id, "data-value": summary ? summary.mean : "" }, summary ? write(summary.mean) : "–");
  if (summary?.ci95) value.append(element("small", {}, `${write(summary.ci95[0])} to ${write(summary.ci95[1])}`));
  return element("div", {}, element("dt", {}, words), value);
}

/** Play, pause, step and scrub. */
class Animation {
  constructor(view, moved) {
    this.view = view;
    this.moved = moved;
    this.playing = false;
    byId("play-button").addEventListener("click", () => (this.playing ? this.pause() : this.play()));
    byId("step").addEventListener("click", () => this.step());
    byId("scrub").addEventListener("input", () => {
      this.pause();
      this.go(this.from + (Number(byId("scrub").value) / 1000) * (this.to - this.from));
    });
  }

  load(race) {
    this.pause();
    [this.from, this.to] = [race.from_s - 0.2, race.to_s + 0.2];
    const steps = race.pods.flatMap((pod) => [...pod.kill, ...pod.unroute].map((step) => step.at_s));
    this.events = [...new Set([...steps, ...race.lost.map((lost) => lost.met_s)])].sort((one, other) => one - other);
    this.go(this.to);
  }

  play() {
    if (this.now >= this.to) this.go(this.from);
    this.playing = true;
    this.button();
    let last = performance.now();
    const frame = (at) => {
      if (!this.playing) return;
      this.go(this.now + ((at - last) / 1000) * Number(byId("speed").value));
      last = at;
      if (this.now >= this.to) this.pause();
      else requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  pause() {
    this.playing = false;
    this.button();
  }

  button() {
    byId("play-button").textContent = this.playing ? "Pause" : "Play";
    byId("play-button").setAttribute("aria-pressed", String(this.playing));
  }

  step() {
    this.pause();
    const now = this.now >= this.to ? this.from : this.now;
    this.go(this.events.find((at) => at > now + 1e-9) ?? this.to);
  }

  go(now) {
    this.now = Math.min(this.to, Math.max(this.from, now));
    byId("scrub").value = Math.round((1000 * (this.now - this.from)) / (this.to - this.from));
    byId("clock").textContent = `${this.now.toFixed(3)} s after the template change`;
    byId("scrub").setAttribute("aria-valuetext", byId("clock").textContent);
    this.moved(this.now);
  }
}

/** The two chains of the pod that was deleted last before `now`. */
function chains(race, now) {
  const deleted = race.pods.filter((pod) => pod.deleted_s !== null).sort((one, other) => one.deleted_s - other.deleted_s);
  if (deleted.length === 0) return [element("p", { class: "hint" }, "No pod was deleted.")];
  const pod = deleted.findLast((candidate) => candidate.deleted_s <= now) ?? deleted[0];
  const chain = (style, title, steps) => element("div", { class: style }, element("b", {}, title), element("ol", {}, ...steps.map((step) =>
    element("li", { class: step.at_s <= now ? "passed" : "" }, `${span(step.at_s - pod.deleted_s)}  ${step.words}`))));
  const words = now >= Math.max(...[...pod.kill, ...pod.unroute].map((step) => step.at_s)) ? pod.verdict : "";
  return [element("h3", {}, `${pod.name}, from its deletion at ${span(pod.deleted_s)}`),
    element("div", { class: "chains" }, chain("kill", "kill", pod.kill), chain("unroute", "unroute", pod.unroute)), element("p", {}, words)];
}

/** Connections as lines of pods over time. */
function connections(race) {
  const rows = [...new Set(race.connected.map(([, slot]) => slot))].sort((one, other) => one - other).slice(0, 16);
  const [left, height, width] = [34, 14, 720];
  const x = (at) => left + ((Math.max(at, race.from_s) - race.from_s) / (race.to_s - race.from_s + 0.5)) * (width - left);
  const svg = make("svg", { viewBox: `0 0 ${width} ${rows.length * height + 4}`, role: "img", class: "connections",
    "aria-label": `Pods of ${rows.length} connections over time: ${race.connected.length} connections were established` });
  rows.forEach((slot, row) => {
    const mine = race.connected.filter(([, other]) => other === slot);
    svg.append(make("text", { x: 0, y: row * height + 11 }, `${slot}`));
    mine.forEach(([at, , pod], index) => {
      const end = index + 1 < mine.length ? mine[index + 1][0] : race.to_s + 0.5;
      if (end < race.from_s) return;
      const name = race.pods[pod].name;
      const bar = make("rect", { x: x(at), y: row * height + 2, height: height - 3, width: Math.max(1, x(end) - x(at)), fill: podColour(race, pod) });
      svg.append(make("g", {}, make("title", {}, `connection ${slot}: ${name} from ${span(at)}`), bar));
    });
  });
  const seen = [...new Set(race.connected.map(([, , pod]) => pod))].sort((one, other) => one - other).slice(0, 12);
  const key = element("ul", { class: "legend" }, ...seen.map((pod) => element("li", {},
    make("svg", { viewBox: "0 0 22 12", "aria-hidden": "true" }, make("rect", { width: 22, height: 12, fill: podColour(race, pod) })), race.pods[pod].name)));
  return element("div", {}, key, svg);
}

const OLD = ["#0072b2", "#56b4e9", "#003d5c", "#7aa6c2"];
const NEW = ["#d55e00", "#e69f00", "#8a3d00", "#f4be94"];

function podColour(race, pod) {
  const replicas = race.pods.filter((other) => other.revision === "old").length;
  return race.pods[pod].revision === "old" ? OLD[pod % OLD.length] : NEW[(pod - replicas) % NEW.length];
}

const simulator = await Simulator.start(byId("module").textContent);
const playground = new Playground(simulator);
if (!playground.restore()) playground.open("article-no-hook");
new Lesson(
  (name) => simulator.ask({ task: "play", name: `${name}.toml`, text: SCENARIOS[name], replications: playground.budget.calm }),
  (name) => {
    playground.open(name);
    byId("play").scrollIntoView();
    byId("play").focus({ preventScroll: true });
  },
);
addEventListener("hashchange", () => playground.restore());
document.body.dataset.ready = "true";
