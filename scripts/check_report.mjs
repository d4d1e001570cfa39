// The browser's part of check_report.sh: node check_report.mjs INDEX_HTML OUTPUT_FOLDER
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [, , file, out] = process.argv;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const url = pathToFileURL(file).href;
const failures = [];
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];
const browser = await puppeteer.launch({ executablePath: process.env.BROWSER, headless: true, args: flags });

async function visit(name, { width, scheme = "light", script = true }, work) {
  const page = await browser.newPage();
  await page.setJavaScriptEnabled(script);
  await page.setViewport({ width, height: 1000 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) failures.push(`${name}: console: ${message.text()}`);
  });
  page.on("pageerror", (error) => failures.push(`${name}: ${error.message}`));
  page.on("request", (request) => {
    if (request.url() !== url && !request.url().startsWith("data:")) failures.push(`${name}: request: ${request.url()}`);
  });
  await page.goto(url, { waitUntil: "load" });
  await work(page);
  await page.close();
}

async function accessible(page, name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document));
  for (const { id, impact, help, nodes } of violations) {
    const line = `${name}: axe: ${impact}: ${id}: ${help} (${nodes.length}), first ${nodes[0].target.join(" ")}`;
    if (["serious", "critical"].includes(impact)) failures.push(line);
    else console.log(line);
  }
}

for (const scheme of ["light", "dark"]) {
  await visit(scheme, { width: 1280, scheme }, async (page) => {
    await accessible(page, scheme);
    await page.screenshot({ path: join(out, `${scheme}.png`), fullPage: true });
  });
}
await visit("narrow", { width: 380 }, async (page) => {
  const { scroll, client } = await page.evaluate(() => {
    const { scrollWidth: scroll, clientWidth: client } = document.documentElement;
    return { scroll, client };
  });
  if (scroll > client) failures.push(`narrow: the page scrolls sideways: ${scroll} > ${client} pixels`);
  await page.screenshot({ path: join(out, "narrow.png"), fullPage: true });
});
await visit("print", { width: 1000, scheme: "dark" }, (page) =>
  page.pdf({ path: join(out, "print.pdf"), format: "A4", printBackground: true }));
await visit("sorting", { width: 1280 }, async (page) => {
  const sorted = await page.evaluate(() => {
    const button = document.querySelector("table.sortable thead button");
    if (!button) return true;
    button.click();
    return button.closest("th").getAttribute("aria-sort") === "ascending";
  });
  if (!sorted) failures.push("sorting: a click on a column head does not sort");
});
await visit("without script", { width: 1280, script: false }, async () => {});
await browser.close();
for (const failure of failures) console.error(failure);
if (failures.length) process.exit(1);
console.log("browser: no error, no request, no sideways scroll, no serious accessibility violation");
