// The race of one replication as an interactive drawing. Reads `rollsim/race/v1` and decides nothing: what is shaded, and why a
// request was lost, stands in the data.

const SVG = "http://www.w3.org/2000/svg";
const LANE = 46;
const NAMES = 74;
const AXIS = 26;
const SHAPES = {
  failed_connect_refused: "M-5-3 -3-5 0-2 3-5 5-3 2 0 5 3 3 5 0 2 -3 5 -5 3 -2 0Z",
  failed_connect_timeout: "M-2-6H2V-2H6V2H2V6H-2V2H-6V-2H-2Z",
  failed_host_unreachable: "M0-6 6 5H-6Z",
  failed_reset: "M0-6 6 0 0 6 -6 0Z",
  failed_eof: "M-5-5H5V5H-5Z",
  failed_truncated: "M-6-5H6L0 6Z",
  failed_timeout: "M-5-6H5L1 0 5 6H-5L-1 0Z",
  failed_http_502: "M-6-3H6V3H-6Z",
  failed_http_503: "M-3-6H3V6H-3Z",
  failed_http_504: "M-6 0 -3-5H3L6 0 3 5H-3Z",
};

function make(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** A length of time in the unit that suits it. */
function span(seconds) {
  const size = Math.abs(seconds);
  if (size >= 1 || size === 0) return `${seconds.toFixed(3)} s`;
  return size >= 1e-4 ? `${(seconds * 1e3).toFixed(1)} ms` : `${(seconds * 1e6).toFixed(0)} µs`;
}

/** Round values on an axis, at most about `most`. */
function ticks(from, to, most) {
  const least = Math.max((to - from) / most, 1e-9);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((candidate) => candidate >= least * 0.999);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const found = [];
  for (let index = Math.ceil(from / step); index * step <= to; index++) found.push((index * step).toFixed(decimals));
  return found;
}

class RaceView {
  /** Draws into `host`; `tell` is called with a lost request, or null, when one is looked at. */
  constructor(host, tell) {
    this.host = host;
    this.tell = tell;
    this.hidden = new Set();
    this.now = null;
    this.svg = make("svg", { class: "race", role: "group", tabindex: "0" });
    this.filters = element("fieldset", { class: "filters" });
    host.replaceChildren(this.toolbar(), this.filters, this.svg);
    this.svg.addEventListener("keydown", (event) => this.onKey(event));
    this.svg.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    this.dragToZoom();
    new ResizeObserver(() => this.draw()).observe(host);
  }

  toolbar() {
    const button = (label, text, act) => {
      const named = /\w/.test(text) ? {} : { "aria-label": label };
      const node = element("button", { type: "button", title: label, ...named }, text);
      node.addEventListener("click", act);
      return node;
    };
    return element("div", { class: "toolbar" },
      button("Zoom in", "+", () => this.zoom(0.5)), button("Zoom out", "−", () => this.zoom(2)),
      button("Earlier", "←", () => this.pan(-0.3)), button("Later", "→", () => this.pan(0.3)),
      button("Show the whole rollout", "Whole rollout", () => this.whole()),
      button("Show the next lost request", "Next lost request", () => this.nextLoss()),
      element("span", { class: "hint" }, "drag to zoom; keys + − ← →; Tab walks through the lost requests"));
  }

  show(race, keepView) {
    const same = keepView && this.race && this.from !== undefined;
    this.race = race;
    this.chosen = null;
    if (!same) this.whole(false);
    this.drawFilters();
    this.draw();
    this.tell(null);
  }

  whole(draw = true) {
    const margin = (this.race.to_s - this.race.from_s) * 0.04 + 0.2;
    [this.from, this.to] = [this.race.from_s - margin, this.race.to_s + margin];
    if (draw) this.draw();
  }

  setView(from, to) {
    if (!(to - from > 1e-6)) return;
    [this.from, this.to] = [from, to];
    this.draw();
  }

  zoom(factor, around = (this.from + this.to) / 2) {
    this.setView(around - (around - this.from) * factor, around + (this.to - around) * factor);
  }

  pan(share) {
    const by = (this.to - this.from) * share;
    this.setView(this.from + by, this.to + by);
  }

  shown() {
    return this.race.lost.filter((lost) => !this.hidden.has(lost.kind));
  }

  nextLoss() {
    const all = this.shown();
    if (all.length === 0) return;
    const next = all[(all.indexOf(this.chosen) + 1) % all.length];
    this.setView(next.met_s - 0.15, next.met_s + 0.15);
    this.choose(next);
  }

  choose(lost) {
    this.chosen = lost;
    this.svg.querySelectorAll(".lost").forEach((mark) => mark.classList.toggle("chosen", mark.lost === lost));
    this.tell(lost);
  }

  onKey(event) {
    const act = { "+": () => this.zoom(0.5), "-": () => this.zoom(2), ArrowLeft: () => this.pan(-0.2), ArrowRight: () => this.pan(0.2) }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  onWheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.time(event));
  }

  dragToZoom() {
    let start = null;
    this.svg.addEventListener("pointerdown", (event) => { start = event.button === 0 ? event : null; });
    this.svg.addEventListener("pointerup", (event) => {
      if (start && Math.abs(event.clientX - start.clientX) > 8) {
        const [one, other] = [this.time(start), this.time(event)];
        this.setView(Math.min(one, other), Math.max(one, other));
      }
      start = null;
    });
  }

  time(event) {
    const x = event.clientX - this.svg.getBoundingClientRect().left;
    return this.from + ((x - NAMES) / (this.width - NAMES)) * (this.to - this.from);
  }

  x(at) {
    const share = (at - this.from) / (this.to - this.from);
    return NAMES + Math.min(1, Math.max(0, share)) * (this.width - NAMES);
  }

  drawFilters() {
    const kinds = new Map();
    this.race.lost.forEach((lost) => kinds.set(lost.kind, lost.kind_words));
    this.filters.replaceChildren(element("legend", {}, "Lost requests shown"));
    this.filters.hidden = kinds.size === 0;
    for (const [kind, words] of kinds) {
      const box = element("input", { type: "checkbox", "data-kind": kind });
      box.checked = !this.hidden.has(kind);
      box.addEventListener("change", () => {
        this.hidden[box.checked ? "delete" : "add"](kind);
        this.draw();
      });
      const count = this.race.lost.filter((lost) => lost.kind === kind).length;
      const mark = make("svg", { class: "mark", viewBox: "-8 -8 16 16", "aria-hidden": "true" }, make("path", { d: SHAPES[kind] }));
      this.filters.append(element("label", {}, box, mark, ` ${words} (${count})`));
    }
  }

  /** Moves the cursor of the animation; null takes it away. */
  at(now) {
    this.now = now;
    if (!this.veil) return;
    const [x, shown] = now === null ? [this.width, "none"] : [this.x(now), "inline"];
    this.veil.setAttribute("x", x);
    this.veil.setAttribute("width", Math.max(0, this.width - x));
    this.cursor.setAttribute("transform", `translate(${x})`);
    this.cursor.style.display = this.veil.style.display = shown;
  }

  draw() {
    if (!this.race) return;
    this.width = Math.max(280, this.host.clientWidth);
    const homeless = this.race.lost.some((lost) => lost.pod === null);
    const lanes = this.race.pods.length + (homeless ? 1 : 0);
    this.height = lanes * LANE + AXIS;
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.svg.setAttribute("height", this.height);
    this.svg.setAttribute("aria-label", this.describe());
    this.svg.replaceChildren(...this.grid(lanes), ...this.race.pods.map((pod, row) => this.lane(pod, row)));
    if (homeless) this.svg.append(this.name("no pod", lanes - 1));
    this.svg.append(...this.moments());
    this.veil = make("rect", { class: "veil", y: 0, height: this.height - AXIS });
    this.cursor = make("line", { class: "cursor", y1: 0, y2: this.height - AXIS });
    this.svg.append(this.veil, this.cursor, ...this.marks(lanes - 1));
    this.at(this.now);
  }

  describe() {
    const { pods, n_lost: lost, scenario, replication } = this.race;
    return `${scenario}, replication ${replication}: ${pods.length} pods over time, ${lost} lost requests`;
  }

  grid(lanes) {
    const bottom = lanes * LANE;
    const stripes = Array.from({ length: Math.ceil(lanes / 2) }, (_, index) =>
      make("rect", { class: "stripe", x: 0, y: index * 2 * LANE, width: this.width, height: LANE }));
    const lines = ticks(this.from, this.to, this.width / 90).map((tick) => {
      const x = this.x(Number(tick));
      return make("g", { class: "tick" }, make("line", { x1: x, x2: x, y1: 0, y2: bottom }),
        make("text", { x, y: bottom + 16 }, `${tick} s`));
    });
    return [...stripes, ...lines];
  }

  name(text, row) {
    return make("text", { class: "name", x: 4, y: row * LANE + LANE / 2 + 4 }, text);
  }

  lane(pod, row) {
    const top = row * LANE;
    const group = make("g", {}, make("title", {}, pod.verdict || pod.name), this.name(pod.name, row));
    const bar = (stretch, style, y, height) => stretch && group.append(this.bar(stretch, style, top + y, height));
    bar(pod.hook, "hook", 5, 7);
    bar(pod.draining, "draining", 5, 7);
    bar(pod.listening, "listening", 15, 12);
    bar(pod.routed, "partly", 29, 12);
    bar(pod.routed_everywhere, "routed", 29, 12);
    pod.exposed.forEach(([stretch, everywhere]) => bar(stretch, everywhere ? "exposed" : "partly-exposed", 13, 30));
    return group;
  }

  bar([from, to], style, y, height) {
    const left = from === null ? NAMES : this.x(from);
    const right = to === null ? this.width : this.x(to);
    const inView = (from === null || from < this.to) && (to === null || to > this.from);
    const narrow = style.includes("exposed") ? 1 : 0;
    return make("rect", { class: style, x: left, y, height, width: inView ? Math.max(right - left, narrow) : 0 });
  }

  moments() {
    const lines = [[this.race.since_template_change ? 0 : null, "template change"], [this.race.complete_s, "complete"]];
    return lines.filter(([at]) => at !== null && at >= this.from && at <= this.to).map(([at, words]) =>
      make("g", { class: "moment" }, make("title", {}, words),
        make("line", { x1: this.x(at), x2: this.x(at), y1: 0, y2: this.height - AXIS })));
  }

  marks(lastRow) {
    const inView = this.shown().filter((lost) => lost.met_s >= this.from && lost.met_s <= this.to);
    return inView.map((lost) => this.mark(lost, lost.pod === null ? lastRow : lost.pod));
  }

  mark(lost, row) {
    const where = lost.pod === null ? "no pod" : this.race.pods[lost.pod].name;
    const mark = make("g", {
      class: "lost", tabindex: "0", role: "button", transform: `translate(${this.x(lost.met_s)} ${row * LANE + LANE / 2 + 5})`,
      "aria-label": `Lost request: ${lost.kind_words}, on ${where}, at ${span(lost.met_s)}`,
    }, make("circle", { r: 9 }), make("path", { d: SHAPES[lost.kind] }));
    mark.lost = lost;
    mark.classList.toggle("chosen", lost === this.chosen);
    for (const name of ["pointerenter", "focus", "click"]) mark.addEventListener(name, () => this.choose(lost));
    return mark;
  }
}

/** The chain of causes of a lost request, as HTML. */
function causes(lost, race) {
  if (!lost) {
    const words = race.n_lost === 0 ? "No request was lost in this replication." : "Point at a mark, or Tab to it, to see why that request was lost.";
    return [element("p", { class: "hint" }, words)];
  }
  const list = element("ol", { class: "causes" }, ...lost.sentences.map((sentence) => element("li", {}, sentence)));
  if (lost.late.length === 0) return [list];
  const total = lost.late.reduce((sum, [, length]) => sum + length, 0) || 1;
  const rows = lost.late.map(([words, length]) => element("li", {},
    element("span", { class: "bar", style: `inline-size:${(100 * length) / total}%` }), `${words} ${span(length)}`));
  return [list, element("p", {}, "What the way out of the routes waited for:"), element("ul", { class: "segments" }, ...rows)];
}

/** All lost requests as a table, for those who do not look at drawings, and for paper. */
function lostTable(race) {
  const heads = ["sent, s", "pod", "client saw", "it met", "why"];
  const row = (lost) => {
    const cells = [lost.sent_s.toFixed(6), lost.pod === null ? "no pod" : race.pods[lost.pod].name, lost.kind_words, lost.met_words, lost.sentences.slice(2).join(" ")];
    return element("tr", {}, ...cells.map((text, index) => element(index === 0 ? "th" : "td", index === 0 ? { scope: "row" } : {}, text)));
  };
  const table = element("table", { class: "sortable" },
    element("caption", {}, `${race.lost.length} of ${race.n_lost} lost requests of replication ${race.replication}`),
    element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, ...race.lost.map(row)));
  sortable(table);
  const scroll = element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "table of lost requests" }, table);
  return element("details", {}, element("summary", {}, "The lost requests as a table"), scroll);
}

/** What the colours mean. */
function legend(race) {
  const where = { rules: "in the rules", lists: "on the lists", names: "behind the name" }[race.routes];
  const swatches = [["listening", "listening"], ["routed", `${where} everywhere`], ["partly", `${where} somewhere`],
    ["exposed", "new connections fail"], ["hook", "preStop hook"], ["draining", "stop signal to exit"]];
  return element("ul", { class: "legend" }, ...swatches.map(([style, words]) =>
    element("li", {}, make("svg", { viewBox: "0 0 22 12", "aria-hidden": "true" }, make("rect", { class: style, width: 22, height: 12 })), words)));
}

/** A table whose columns sort by a click on their head. */
function sortable(table) {
  table.querySelectorAll("thead th").forEach((head, column) => {
    const button = element("button", { type: "button" }, ...head.childNodes);
    head.replaceChildren(button);
    button.addEventListener("click", () => sortBy(table, head, column));
  });
}

function sortBy(table, head, column) {
  const descending = head.getAttribute("aria-sort") === "ascending";
  table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const body = table.tBodies[0];
  const value = (row) => {
    const cell = row.cells[column];
    const text = cell.dataset.value ?? cell.textContent;
    return text !== "" && !Number.isNaN(Number(text)) ? Number(text) : text;
  };
  const compare = (one, other) => typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other));
  const rows = [...body.rows].sort((one, other) => compare(value(one), value(other)) * (descending ? -1 : 1));
  body.append(...rows);
}
