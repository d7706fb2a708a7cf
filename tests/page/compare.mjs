// Every shipped scenario, simulated by the module and by the program: the results have to be the same bytes.
//
//   node tests/page/compare.mjs MODULE PROGRAM [REPLICATIONS]

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { start } from "./module.mjs";

const [module, program, replications = "2"] = process.argv.slice(2);
const ask = await start(module);
const files = readdirSync("scenarios", { recursive: true }).filter((name) => name.endsWith(".toml")).map((name) => `scenarios/${name}`).sort();

function native(file) {
  const arguments_ = ["run", file, "--replications", replications, "--format", "json", "--out", "none", "--quiet"];
  return execFileSync(program, arguments_, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

let failed = 0;
for (const name of files) {
  const request = { task: "result", name, text: readFileSync(name, "utf8"), replications: Number(replications) };
  const [ours, theirs] = [ask(request), native(name)];
  if (ours === theirs) continue;
  failed += 1;
  const line = ours.split("\n").findIndex((text, index) => text !== theirs.split("\n")[index]);
  console.error(`${name}: line ${line + 1}: module ${ours.split("\n")[line]}, program ${theirs.split("\n")[line]}`);
}
console.log(`${files.length - failed} passed, ${failed} failed: scenarios with the same result in WebAssembly`);
process.exit(failed === 0 && files.length > 0 ? 0 : 1);
