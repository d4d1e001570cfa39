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
  const unsorted = await page.evaluate(() => {
    for (const part of document.querySelectorAll("details")) part.open = true;
    const wrong = [];
    for (const table of document.querySelectorAll("table.sortable")) {
      const name = table.closest("[aria-label]")?.getAttribute("aria-label");
      const first = table.tBodies[0].rows[0];
      if (!first) continue;
      // The column below the left edge of a head: of a head over two columns the first one.
      const edges = Array.from(first.cells, (cell) => cell.getBoundingClientRect().left);
      const buttons = Array.from(table.querySelectorAll("thead button"));
      const lefts = buttons.map((button) => button.closest("th").getBoundingClientRect().left + 2);
      buttons.forEach((button, at) => {
        const column = edges.findLastIndex((edge) => edge <= lefts[at]);
        button.click();
        if (button.closest("th").getAttribute("aria-sort") !== "ascending") wrong.push(`${name}: ${button.textContent} is dead`);
        const cells = Array.from(table.tBodies[0].rows, (row) => row.cells[column].textContent.trim());
        const plain = cells.filter((text) => /^[+−-]?\d+(\.\d+)?$/.test(text)).map((text) => Number(text.replace("−", "-")));
        if (plain.some((value, index) => index > 0 && value < plain[index - 1])) wrong.push(`${name}: ${button.textContent}`);
      });
    }
    return wrong;
  });
  for (const column of unsorted) failures.push(`sorting: ${column}`);
});
await visit("without script", { width: 1280, script: false }, async (page) => {
  const shown = await page.$$eval("details", (parts) => parts.filter((part) => !part.querySelector(":scope > summary")).length);
  if (shown > 0) failures.push(`without script: ${shown} folded parts have nothing to open them by`);
});
await browser.close();
for (const failure of failures) console.error(failure);
if (failures.length) process.exit(1);
console.log("browser: no error, no request, no sideways scroll, no serious accessibility violation");
