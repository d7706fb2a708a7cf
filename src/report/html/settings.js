// The settings are one TOML text. Sliders edit single lines of it, so that what a reader wrote stays; a key that the text does not
// have is read from the settled scenario, which has all of them.

const UNITS = { ns: 1e-9, us: 1e-6, "µs": 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };

/** "1m30s" in seconds. */
function seconds(text) {
  return [...text.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)].reduce((sum, [, number, unit]) => sum + Number(number) * UNITS[unit], 0);
}

function isHead(line) {
  return /^\s*\[/.test(line);
}

/** The lines of a table, from behind its head to before the next head; null if it is not there. */
function tableLines(lines, head) {
  const at = lines.findIndex((line) => line.replace(/#.*/, "").trim() === head);
  if (at < 0) return null;
  const next = lines.findIndex((line, index) => index > at && isHead(line));
  return { at, from: at + 1, to: next < 0 ? lines.length : next };
}

function keyLine(lines, table, key) {
  const index = lines.slice(table.from, table.to).findIndex((line) => line.split("=")[0].trim() === key);
  return index < 0 ? -1 : table.from + index;
}

/** The value of a key as text, without quotes; undefined if the text does not have it. */
function getKey(text, head, key) {
  const lines = text.split("\n");
  const table = tableLines(lines, head);
  const at = table ? keyLine(lines, table, key) : -1;
  if (at < 0) return undefined;
  const value = lines[at].slice(lines[at].indexOf("=") + 1).trim();
  return /^"([^"]*)"/.exec(value)?.[1] ?? value.replace(/\s*#.*/, "");
}

/** The text with `key = value` in this table. */
function setKey(text, head, key, value) {
  const lines = text.replace(/\n+$/, "").split("\n");
  const table = tableLines(lines, head);
  if (!table) return [...lines, "", head, `${key} = ${value}`, ""].join("\n");
  const at = keyLine(lines, table, key);
  if (at >= 0) lines[at] = `${key} = ${value}`;
  else lines.splice(table.from, 0, `${key} = ${value}`);
  return `${lines.join("\n")}\n`;
}

/** The text without this table. */
function dropTable(text, head) {
  const lines = text.split("\n");
  const table = tableLines(lines, head);
  if (!table) return text;
  lines.splice(table.at, table.to - table.at);
  return lines.join("\n").replace(/\n{3,}/g, "\n\n");
}

/** The text without this key. */
function dropKey(text, head, key) {
  const lines = text.split("\n");
  const table = tableLines(lines, head);
  const at = table ? keyLine(lines, table, key) : -1;
  if (at >= 0) lines.splice(at, 1);
  return lines.join("\n");
}

const secondsKnob = (id, label, head, key, stops) => ({
  id, label, stops,
  read: (settled) => { const value = getKey(settled, head, key); return value === undefined ? undefined : seconds(value); },
  write: (text, value) => setKey(text, head, key, `"${value}s"`),
  show: (value) => `${value} s`,
});

function readHook(settled) {
  const sleep = getKey(settled, "[pod.pre_stop]", "sleep");
  const exec = getKey(settled, "[pod.pre_stop]", "exec") ?? getKey(settled, "[pod.pre_stop]", "http");
  return sleep ? seconds(sleep) : exec ? seconds(/duration\s*=\s*"([^"]*)"/.exec(exec)?.[1] ?? "0s") : 0;
}

function writeHook(text, value) {
  const without = dropTable(text, "[pod.pre_stop]");
  return Number(value) === 0 ? without : setKey(without, "[pod.pre_stop]", "sleep", `"${value}s"`);
}

const CLIENTS = {
  "fortio": { profile: '"fortio"', keep_alive: "true" },
  "fortio, Connection: close": { profile: '"fortio"', keep_alive: "false" },
  "paced, no retry": { profile: '"paced"', keep_alive: "true" },
  "paced, Connection: close": { profile: '"paced"', keep_alive: "false" },
  "open loop": { profile: '"open"', keep_alive: "true" },
};

function readClient(settled) {
  const of = (key) => getKey(settled, "[[clients]]", key);
  const found = Object.entries(CLIENTS).find(([, client]) => client.profile === `"${of("profile")}"` && client.keep_alive === of("keep_alive"));
  return found?.[0];
}

function writeClient(text, name) {
  const { profile, keep_alive: keepAlive } = CLIENTS[name];
  const cleared = profile === '"open"' ? dropKey(text, "[[clients]]", "connections") : text;
  return setKey(setKey(cleared, "[[clients]]", "keep_alive", keepAlive), "[[clients]]", "profile", profile);
}

function readQuantity(head, key) {
  return (settled) => getKey(settled, head, key);
}

/** What can be set without typing. */
const KNOBS = [
  { id: "hook", label: "preStop sleep", stops: [0, 0.1, 0.2, 0.5, 1, 2, 3, 5, 8, 9, 10, 12, 15, 20, 30], read: readHook, write: writeHook, show: (value) => (Number(value) === 0 ? "none" : `${value} s`) },
  secondsKnob("grace", "Grace period", "[pod]", "termination_grace_period", [1, 2, 5, 10, 15, 20, 30, 45, 60]),
  secondsKnob("probe", "Readiness probe, period", "[pod.readiness_probe]", "period", [1, 2, 5, 10, 20, 30]),
  secondsKnob("sync", "kube-proxy, minimum sync period", "[kube_proxy]", "min_sync_period", [0, 0.1, 0.5, 1, 2, 5, 10, 30]),
  {
    id: "replicas", label: "Replicas", stops: [1, 2, 3, 4, 5, 6, 8, 10, 15, 20],
    read: (settled) => Number(getKey(settled, "[deployment]", "replicas")),
    write: (text, value) => setKey(text, "[deployment]", "replicas", value), show: (value) => `${value}`,
  },
  {
    id: "surge", label: "maxSurge", choices: ["0", "1", "2", "3", "25%", "50%", "100%"], read: readQuantity("[deployment]", "max_surge"),
    write: (text, value) => setKey(value === "0" ? setKey(text, "[deployment]", "max_unavailable", "1") : text,
      "[deployment]", "max_surge", value.endsWith("%") ? `"${value}"` : value),
  },
  { id: "client", label: "Client", choices: Object.keys(CLIENTS), read: readClient, write: writeClient },
];
