// Uses a report.html as a person would, in a real Chromium: `node report.cjs CASE FILE [PICTURES]`.
"use strict";
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { chromium } = require("playwright-core");

const [wanted, file, pictures] = process.argv.slice(2);
const url = pathToFileURL(path.resolve(file)).href;

/** Opens the page; whatever it must never do is an error. */
async function open(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const page = await context.newPage();
  const faults = [];
  page.on("dialog", (dialog) => {
    faults.push("a dialog: " + dialog.message());
    dialog.dismiss();
  });
  page.on("pageerror", (error) => faults.push("an error: " + error.message));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push("on the console: " + message.text());
  });
  page.on("request", (request) => {
    if (request.url() !== url) faults.push("a request: " + request.url());
  });
  await page.goto(url, { waitUntil: "load" });
  const check = () => assert.deepEqual(faults, []);
  return { context, page, check };
}

async function picture(page, name) {
  if (pictures) await page.screenshot({ path: path.join(pictures, name + ".png"), fullPage: true });
}

const found = (page) => page.locator("#found").textContent();
const names = (page) => page.locator("#list .row .name").allTextContents();

async function search(page, text) {
  await page.locator("#search").fill(text);
  await page.waitForTimeout(0);
}

const CASES = {
  /** Four tests: `fails`, `errs`, `fine`, `skip`; group output in red. */
  async use(browser) {
    const { page, check } = await open(browser);
    assert.match(await page.title(), /^failed: 4 tests, 2 failed$/);
    const order = await page.locator("h1, h2").allTextContents();
    assert.equal(order[0], "failed");
    assert.equal(order[1], "Ledger");
    assert.match(order[2], /^Failures/);
    assert.equal(await found(page), "4 tests of 4");

    await page.keyboard.press("/");
    await page.keyboard.type("fi");
    await page.locator("#found", { hasText: "1 test of 4" }).waitFor();
    assert.deepEqual(await names(page), ["ju:c::fine"]);
    await page.keyboard.press("ArrowDown");
    assert.equal(await page.evaluate(() => document.activeElement.id), "list");
    await page.keyboard.press("Enter");
    assert.equal(await page.locator("#detail-title").textContent(), "ju:c::fine");
    assert.match(await page.locator("#detail-body").textContent(), /evenly run --only ju:c::fine/);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("#detail").isVisible(), false);
    await page.keyboard.press("/");
    await page.keyboard.press("Escape");
    await page.locator("#found", { hasText: "4 tests of 4" }).waitFor();

    await page.getByRole("button", { name: "errored" }).click();
    assert.deepEqual(await names(page), ["ju:c::errs"]);
    await page.getByRole("button", { name: "failed" }).click();
    assert.equal(await found(page), "2 tests of 4");
    await page.locator("#list").focus();
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    assert.equal(await page.locator("details.test[open] .name", { hasText: "fails" }).count(), 1);
    await page.getByRole("button", { name: "failed" }).click();
    await page.getByRole("button", { name: "errored" }).click();
    await page.locator("#order").selectOption("outcome");
    assert.equal((await names(page))[0], "ju:c::fails");

    await page.locator("details.output summary").first().click();
    assert.equal(await page.locator("details.output .f1", { hasText: "red alert" }).first().isVisible(), true);
    await picture(page, "light");
    check();
  },

  async narrow(browser) {
    const { page, check } = await open(browser, { viewport: { width: 400, height: 800 }, colorScheme: "dark" });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 400, `${wide} pixels wide`);
    const back = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const [red] = back.match(/\d+/g).map(Number);
    assert.ok(red < 64, `the dark page is ${back}`);
    await picture(page, "dark-narrow");
    check();
  },

  async bare(browser) {
    const { page, check } = await open(browser, { javaScriptEnabled: false });
    const text = await page.locator("body").innerText();
    for (const part of [/failed: 2 of 4 tests failed/, /ran exactly once/, /ju:c::fails/, /Timeline/]) {
      assert.match(text, part);
    }
    assert.ok((await page.locator(".lane rect").count()) > 0);
    check();
  },

  async print(browser) {
    const { page, check } = await open(browser);
    const pdf = await page.pdf({ format: "A4" });
    assert.ok(pdf.length > 5000);
    if (pictures) fs.writeFileSync(path.join(pictures, "print.pdf"), pdf);
    check();
  },

  /** What can be checked of roles, names, contrast and focus by a program. */
  async access(browser) {
    const axe = require.resolve("axe-core/axe.min.js");
    for (const colorScheme of ["light", "dark"]) {
      const { page } = await open(browser, { bypassCSP: true, colorScheme });
      await page.evaluate(() => {
        for (const entry of document.querySelectorAll("details")) entry.open = true;
      });
      await page.addScriptTag({ path: axe });
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3).join(" ")}`);
      assert.deepEqual(told, [], colorScheme);
    }
  },

  /** Names, messages and outputs that would set `pwned` if any of them ran. */
  async hostile(browser) {
    const { page, check } = await open(browser);
    await page.evaluate(() => {
      for (const entry of document.querySelectorAll("details")) entry.open = true;
    });
    const rows = await names(page);
    assert.ok(rows.length > 5);
    for (let at = 0; at < rows.length; at += 1) {
      await page.locator("#list .row").nth(at).click();
      if (await page.locator("#detail").isVisible()) await page.keyboard.press("Escape");
    }
    await search(page, "<img");
    await search(page, "");
    for (const target of await page.locator("main a").all()) {
      assert.match(await target.getAttribute("href"), /^#o\d+$/);
    }
    assert.equal(await page.evaluate(() => globalThis.pwned), undefined);
    assert.equal(await page.locator("main img, main iframe, main object, main svg script").count(), 0);
    check();
  },

  /** 100,000 tests, the last of which is called `last`. */
  async large(browser) {
    const { page, check } = await open(browser);
    assert.equal(await found(page), "100,000 tests of 100,000");
    assert.ok((await page.locator("#list .row").count()) < 200, "only what is seen is drawn");
    await page.locator("#list").focus();
    await page.keyboard.press("End");
    await page.locator("#list .row .name", { hasText: "zz last" }).waitFor();
    await search(page, "zz last");
    await page.locator("#found", { hasText: "1 test of 100,000" }).waitFor();
    const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
    console.log(`first paint after ${Math.round(paint)} ms`);
    check();
  },
};

(async () => {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  try {
    await CASES[wanted](browser);
  } finally {
    await browser.close();
  }
})();
