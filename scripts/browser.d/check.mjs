// Opens pages and looks at them as a browser does. Called by scripts/browser.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { unreadable, wider } from "./look.mjs";

const [chromium, readers, out, ...pages] = process.argv.slice(2);
if (!out || pages.length === 0) {
  console.error("usage: scripts/browser check OUT PAGE...");
  process.exit(2);
}
const require = createRequire(join(resolve(readers), "package.json"));
const { default: puppeteer } = await import(pathToFileURL(require.resolve("puppeteer-core")));
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const SECTIONS = [
  "summary", "ledger", "latency", "latency-over-time", "rate", "devices", "capacity",
  "configuration",
];
const VIEWS = [
  { name: "light", scheme: "light", width: 1200, height: 900 },
  { name: "dark", scheme: "dark", width: 1200, height: 900 },
  { name: "phone", scheme: "light", width: 390, height: 844 },
  { name: "phone-dark", scheme: "dark", width: 390, height: 844 },
  { name: "print", scheme: "light", width: 700, height: 990, media: "print" },
];

mkdirSync(out, { recursive: true });
const browser = await puppeteer.launch({
  executablePath: chromium,
  headless: "shell",
  args: ["--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
});
const findings = [];
for (const path of pages) {
  const url = pathToFileURL(resolve(path)).href;
  for (const view of VIEWS) {
    const found = (what) => findings.push(`${basename(path)}, ${view.name}: ${what}`);
    const page = await browser.newPage();
    page.on("console", (said) => found(`console: ${said.text()}`));
    page.on("pageerror", (error) => found(`error: ${error.message}`));
    page.on("request", (request) => {
      const asked = request.url();
      if (asked !== url && !asked.startsWith("data:")) found(`fetches ${asked}`);
    });
    await page.setViewport({ width: view.width, height: view.height });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: view.scheme }]);
    await page.emulateMediaType(view.media ?? "screen");
    await page.goto(url, { waitUntil: "load" });
    const missing = await page.evaluate(
      (ids) => ids.filter((id) => !document.querySelector(`section#${id} > h2`)), SECTIONS);
    for (const id of missing) found(`no section #${id}`);
    const wide = await page.evaluate(wider);
    if (wide > 0) found(`the page is ${wide} px wider than its window`);
    for (const what of await page.evaluate(unreadable)) found(what);
    const base = join(out, `${basename(path, ".html")}-${view.name}.png`);
    await page.screenshot({ path: base, fullPage: true });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
    for (const of of violations) {
      const line = `${of.impact}: ${of.id}, ${of.help} (${of.nodes[0]?.target})`;
      if (of.impact === "serious" || of.impact === "critical") found(line);
      else console.log(`${basename(path)}, ${view.name}: minor: ${line}`);
    }
    await page.close();
  }
}
await browser.close();
for (const line of findings) console.error(line);
console.log(`${pages.length * VIEWS.length} views looked at, ${findings.length} findings`);
process.exit(findings.length > 0 ? 1 : 0);
