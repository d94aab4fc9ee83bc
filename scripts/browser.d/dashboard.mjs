// Uses a dashboard as a person does: clicks, types, goes by keyboard, in light,
// dark and on a phone. Called by scripts/browser. Readings must go on coming
// meanwhile.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { unreadable, wider } from "./look.mjs";

const [chromium, readers, out, address] = process.argv.slice(2);
if (!address) {
  console.error("usage: scripts/browser dashboard OUT URL");
  process.exit(2);
}
const require = createRequire(join(resolve(readers), "package.json"));
const { default: puppeteer } = await import(pathToFileURL(require.resolve("puppeteer-core")));
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

mkdirSync(out, { recursive: true });
const browser = await puppeteer.launch({
  executablePath: chromium,
  headless: "shell",
  args: ["--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
});
const findings = [];
const origin = new URL(address).origin;

async function open(name, scheme, width, height) {
  const page = await browser.newPage();
  const found = (what) => findings.push(`${name}: ${what}`);
  page.on("console", (said) => found(`console: ${said.text()}`));
  page.on("pageerror", (error) => found(`error: ${error.message}`));
  page.on("request", (request) => {
    const asked = request.url();
    if (!asked.startsWith(origin) && !asked.startsWith("data:")) found(`fetches ${asked}`);
  });
  await page.setViewport({ width, height });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(address, { waitUntil: "load" });
  return { page, found };
}

/// What a person would see at once, and a checker of accessibility too.
async function look(name, page, found) {
  const wide = await page.evaluate(wider);
  if (wide > 0) found(`the page is ${wide} px wider than its window`);
  for (const what of await page.evaluate(unreadable)) found(what);
  await page.screenshot({ path: join(out, `${name}.png`), fullPage: true });
  // The checker brings a script of its own, which the page's policy forbids.
  const { violations } = await page.evaluate(`${axe}; axe.run(document, { resultTypes: ["violations"] })`);
  for (const of of violations) {
    const line = `${of.impact}: ${of.id}, ${of.help} (${of.nodes[0]?.target})`;
    if (of.impact === "serious" || of.impact === "critical") found(line);
    else console.log(`${name}: minor: ${line}`);
  }
}

const text = (page, selector) => page.$eval(selector, (of) => of.textContent);
const shown = (page) => page.$$eval(".tiles div", (tiles) => Object.fromEntries(
  tiles.map((of) => [of.querySelector("dt").textContent, of.querySelector("dd").textContent])));
const number = (value) => Number(value.replaceAll(",", ""));

// In light: the whole round.
{
  const { page, found } = await open("light", "light", 1200, 900);
  for (const id of ["heart-rate", "rate", "latency", "distribution", "zones"]) {
    if (!(await page.$(`figure#${id}`))) found(`no figure #${id}`);
  }
  if (!(await page.$("#heart-rate svg.plot.wide rect"))) found("no bar");
  const before = number((await shown(page))["readings shown"]);
  // A table that was opened stays open while the page renews itself.
  await page.click("#heart-rate summary");
  await page.waitForFunction(
    (before) => {
      const tile = [...document.querySelectorAll(".tiles div")]
        .find((of) => of.querySelector("dt").textContent === "readings shown");
      return Number(tile.querySelector("dd").textContent.replaceAll(",", "")) > before;
    },
    { timeout: 30_000 }, before,
  ).catch(() => found(`it shows ${before} readings and does not go on`));
  if (!(await page.$("#heart-rate details[open]"))) found("renewing closed a table");
  await look("light", page, found);

  // One wearable, its highest, all that is kept: by clicking.
  const wearable = await page.$eval("#devices option", (of) => of.value);
  await page.type("input[name=device]", wearable);
  await page.select("select[name=agg]", "max");
  await page.select("select[name=last]", "all");
  await Promise.all([page.waitForNavigation(), page.click("button[type=submit]")]);
  const link = page.url();
  for (const part of [`device=${wearable}`, "agg=max", "last=all"]) {
    if (!link.includes(part)) found(`the address ${link} has no ${part}`);
  }
  if (link.includes("from=")) found(`the address ${link} says what was not asked`);
  const title = await text(page, "#heart-rate figcaption strong");
  if (!title.includes(`wearable ${wearable}:`) || !title.includes("maximum")) found(`the chart is "${title}"`);
  if ((await shown(page)).wearables !== "1") found("more than the wearable is shown");
  await look("device", page, found);
  const share = await page.$eval("#share", (of) => of.href);
  const csv = await page.evaluate(async () => {
    const answer = await fetch(document.getElementById("csv").href);
    return [answer.headers.get("content-disposition"), await answer.text()];
  });
  if (!csv[0].includes("attachment") || !csv[1].startsWith("from,to,device,readings")) {
    found(`the CSV is ${csv[0]}: ${csv[1].slice(0, 60)}`);
  }
  // Whoever gets the link sees the same.
  await page.goto(share, { waitUntil: "load" });
  if ((await text(page, "#heart-rate figcaption strong")) !== title) found("the link shows another view");

  // Nobody is called so.
  await page.goto(`${origin}/?device=nobody`, { waitUntil: "load" });
  if (!(await text(page, "#board")).includes("No reading of wearable nobody")) {
    found("an unknown wearable is not said to be unknown");
  }
  await page.close();
}

// By keyboard alone: to the picker, a wearable, Enter.
{
  const { page, found } = await open("keyboard", "light", 1200, 900);
  await page.focus("a.skip");
  const reached = [];
  for (let n = 0; n < 40; n += 1) {
    await page.keyboard.press("Tab");
    const name = await page.evaluate(() => document.activeElement.name ?? "");
    reached.push(name);
    if (name === "device") break;
  }
  if (reached.at(-1) !== "device") found(`tabbing reaches ${reached}, not the picker`);
  const wearable = await page.$eval("#devices option", (of) => of.value);
  await page.keyboard.type(wearable);
  // The first Enter may take what the picker offers.
  await page.keyboard.press("Escape");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")])
    .catch(() => found("Enter shows nothing"));
  if (!page.url().includes(`device=${wearable}`)) found(`Enter leads to ${page.url()}`);
  await page.close();
}

for (const [name, scheme, width] of [
  ["dark", "dark", 1200], ["phone", "light", 390], ["phone-dark", "dark", 390],
]) {
  const { page, found } = await open(name, scheme, width, 844);
  await look(name, page, found);
  await page.close();
}
await browser.close();
for (const line of findings) console.error(line);
console.log(`a round through the dashboard, ${findings.length} findings`);
process.exit(findings.length > 0 ? 1 : 0);
