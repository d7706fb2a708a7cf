// Pages in a headless Chromium: every check opens a page of its own, and no page may ask the network for anything, log an error
// or break a serious rule of axe.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const require = createRequire(process.env.PAGE_MODULES ?? import.meta.url);
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** Runs checks one by one and counts them. */
export class Checks {
  constructor(executablePath) {
    this.executablePath = executablePath;
    this.passed = 0;
    this.failures = [];
  }

  async start() {
    this.browser = await chromium.launch({ executablePath: this.executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  }

  /** Opens a file at this width and hands the page to `look`. */
  async check(what, file, look, { width = 1280, height = 900, hash = "" } = {}) {
    const context = await this.browser.newContext({ viewport: { width, height } });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    const url = pathToFileURL(file).href + hash;
    const troubles = watch(page, url);
    try {
      await page.goto(url);
      await page.waitForSelector("body[data-ready]");
      await look(page);
      if (troubles.length > 0) throw new Error(troubles.join("\n"));
      this.passed += 1;
      console.log(`ok      ${what}`);
    } catch (error) {
      this.failures.push(what);
      console.log(`FAILED  ${what}\n${[error.message, ...troubles].join("\n")}`);
    }
    await context.close();
  }

  async finish() {
    await this.browser.close();
    console.log(`${this.passed} passed, ${this.failures.length} failed: checks of pages in Chromium`);
    process.exitCode = this.failures.length === 0 && this.passed > 0 ? 0 : 1;
  }
}

function watch(page, url) {
  const troubles = [];
  page.on("console", (message) => message.type() === "error" && troubles.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => troubles.push(`script: ${error.message}`));
  page.on("request", (request) => {
    const asked = request.url();
    if (asked.replace(/#.*/, "") !== url.replace(/#.*/, "") && !asked.startsWith("data:")) troubles.push(`request: ${asked}`);
  });
  return troubles;
}

export function equal(found, expected, what) {
  if (found !== expected) throw new Error(`${what}: found ${found}, expected ${expected}`);
}

export function ensure(holds, what) {
  if (!holds) throw new Error(what);
}

/** No rule of axe of serious or critical impact is broken. */
export async function accessible(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document));
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const lines = serious.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join("\n  ")}`);
  ensure(serious.length === 0, `axe:\n${lines.join("\n")}`);
}

/** Nothing is wider than the window. */
export async function fits(page) {
  const [content, window_] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  ensure(content <= window_, `the page is ${content} pixels wide in a window of ${window_}`);
}
