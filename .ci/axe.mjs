// node axe.mjs CHROMIUM PAGES [PICTURES]: what .ci/axe says of every page in the folder PAGES.
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [executablePath, pages, pictures] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const wrong = [];
let looks = 0;

// In the page: elements that are wider than the window, or cut a text off that is not meant to be.
const layout = () => {
  const out = [], root = document.documentElement;
  if (root.scrollWidth > innerWidth) out.push(`scrolls sideways: ${root.scrollWidth} > ${innerWidth}`);
  for (const e of document.body.querySelectorAll("*")) {
    if (e.closest("svg, .vh, [hidden], .skip, .who")) continue; // of long names, plots show the beginning
    const box = e.getBoundingClientRect();
    if (box.width > 0 && (box.right > innerWidth + 1 || box.left < -1)) out.push(`outside: ${e.tagName}.${e.className} ${e.textContent.slice(0, 40)}`);
    if (e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 2 && getComputedStyle(e).display !== "inline") out.push(`overflows: ${e.tagName}.${e.className} ${e.scrollWidth} > ${e.clientWidth} ${e.textContent.slice(0, 40)}`);
  }
  return out.slice(0, 5);
};

// In the page: each table that sorts does, each filter narrows and says so.
const behaviour = () => {
  const out = [];
  if (!document.documentElement.classList.contains("js")) return ["the script did not run"];
  const said = document.getElementById("said");
  for (const head of document.querySelectorAll("th[data-sort]")) {
    const rows = () => Array.from(head.closest("table").tBodies[0].rows);
    const before = rows().length;
    head.firstChild.click();
    const up = rows().map(r => r.innerText);
    head.firstChild.click();
    if (rows().length !== before) out.push("sorting lost rows");
    if (head.getAttribute("aria-sort") !== "descending" || !said.textContent.includes("descending")) out.push("sorting is not announced");
    const cells = rows().map(r => r.children[Array.from(head.parentNode.children).indexOf(head)]);
    const keys = cells.map(c => head.dataset.sort === "text" ? c.textContent : c.dataset.n).filter(k => k !== undefined && k !== "");
    if (new Set(keys).size > 1 && rows().map(r => r.innerText).join("\n") === up.join("\n")) out.push(`${head.textContent}: both orders are the same`);
  }
  for (const form of document.querySelectorAll("form.filter:not([hidden])")) {
    const field = form.querySelector("input"), table = document.getElementById(form.dataset.for);
    field.value = "no such text anywhere";
    field.dispatchEvent(new Event("input", { bubbles: true }));
    if (Array.from(table.tBodies[0].rows).some(r => !r.hidden) || !said.textContent.startsWith("0 of ")) out.push("a filter let through");
    field.value = "";
    field.dispatchEvent(new Event("input", { bubbles: true }));
    if (Array.from(table.tBodies[0].rows).some(r => r.hidden)) out.push("a filter stuck");
  }
  return out;
};

// In the page, as it is printed: every fold is open.
const folds = () => Array.from(document.querySelectorAll("details > :not(summary)")).filter(e => e.getBoundingClientRect().height === 0).map(e => `folded in print: ${e.tagName}.${e.className}`).slice(0, 3);

const look = async (browser, file) => {
  const name = file.replace(".html", ""), large = name === "many";
  const page = await browser.newPage(), asked = [];
  page.on("request", q => asked.push(q.url()));
  page.on("console", m => wrong.push(`${name}: console: ${m.text()}`));
  page.on("pageerror", e => wrong.push(`${name}: ${e.message}`));
  await page.setViewport({ width: 1280, height: 900 });
  await page.goto(pathToFileURL(join(pages, file)).href);
  for (const width of [360, 780, 1280]) {
    await page.setViewport({ width, height: 900 });
    for (const value of ["light", "dark"]) {
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value }]);
      const where = `${name} at ${width} px, ${value}`;
      looks++;
      if (pictures && !large) {
        mkdirSync(pictures, { recursive: true });
        await page.screenshot({ path: join(pictures, `${name}-${width}-${value}.png`), fullPage: true });
      }
      await page.evaluate(() => document.querySelectorAll("details").forEach(d => { d.dataset.was = d.open ? "1" : ""; d.open = true; }));
      if (value === "light") wrong.push(...(await page.evaluate(layout)).map(w => `${where}: ${w}`));
      if (!large && width !== 780) {
        await page.evaluate(axe);
        const found = await page.evaluate(() => axe.run({ resultTypes: ["violations"] }));
        for (const v of found.violations) wrong.push(`${where}: ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + " " + (n.any[0]?.message ?? "")).join(" | ")}`);
      }
      await page.evaluate(() => document.querySelectorAll("details").forEach(d => { d.open = d.dataset.was === "1"; }));
    }
  }
  await page.emulateMediaType("print");
  wrong.push(...(await page.evaluate(folds)).map(w => `${name}: ${w}`));
  await page.emulateMediaType("screen");
  wrong.push(...(await page.evaluate(behaviour)).map(w => `${name}: ${w}`));
  if (asked.length !== 1) wrong.push(`${name}: asked for ${asked.slice(1, 4)}`);
  await page.close();
};
// Two browsers: a page is looked at on one processor.
const files = readdirSync(pages).filter(f => f.endsWith(".html")).sort();
await Promise.all([1, 2].map(async () => {
  const browser = await puppeteer.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  while (files.length > 0) await look(browser, files.shift());
  await browser.close();
}));
for (const w of wrong.slice(0, 40)) console.log(w);
console.log(`${looks} looks, ${wrong.length} complaints`);
process.exit(wrong.length > 0 ? 1 : 0);
