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

  /**
   * A second run: `breaks` fails now, `mends` passes, `slow` takes 9.5 s, `young` is new, `gone` is
   * not there, `known` is quarantined, `wobbly` is flaky; on a database, with a worker too many.
   */
  async changes(browser) {
    const { page, check } = await open(browser);
    assert.match((await page.locator("h2").allTextContents())[1], /^Changes since run 1$/);
    const inside = (id) => page.locator(`#${id} li`).allTextContents();
    assert.deepEqual(await inside("new-failures"), ["failed ju:c::breaks"]);
    assert.deepEqual(await inside("fixed"), ["passed ju:c::mends"]);
    assert.deepEqual(await inside("slower"), ["passed ju:c::slow took 9.5 s, usually 1.5 s"]);
    assert.deepEqual(await inside("added"), ["passed ju:c::young"]);
    assert.deepEqual(await inside("removed"), ["ju:c::gone"]);
    const removed = page.locator("#removed li");
    assert.equal(await removed.isVisible(), true);
    await page.locator("#removed summary").click();
    assert.equal(await removed.isVisible(), false);

    const entry = page.locator("#failures details.test", { hasText: "ju:c::breaks" });
    await entry.locator("summary").first().click();
    assert.equal(await entry.locator(".rerun").isVisible(), false);
    await page.locator("#new-failures a").click();
    await entry.locator(".rerun").waitFor();
    assert.match(await entry.locator("summary").first().textContent(), /new/);

    const known = page.locator("#quarantined details.test");
    assert.equal(await known.count(), 1);
    assert.match(await known.textContent(), /quarantined until 9999-12-31: a known one/);
    assert.equal(await page.locator("#failures", { hasText: "ju:c::known" }).count(), 0);
    assert.match(await page.locator("#quarantine").textContent(), /matches no test/);

    const wobbly = page.locator("#flaky details.test");
    await wobbly.locator("details.earlier summary").click();
    assert.equal(await wobbly.getByText("wobbly is wrong").first().isVisible(), true);
    assert.match(await wobbly.textContent(), /flaky in the last run too/);
    assert.match(await wobbly.textContent(), /try 1: failed.*last try: passed/s);

    const lanes = page.locator("#timeline .lane");
    assert.equal(await lanes.count(), 4);
    for (const lane of await lanes.all()) {
      assert.match(await lane.getAttribute("aria-label"), /^shard 1, worker \d: \d groups? in .*, idle \d/);
    }
    const database = page.locator("#timeline rect.database title").first();
    assert.match(await database.textContent(), /^database main, /);
    for (const part of ["planning", "idle", "good", "bad"]) {
      assert.ok((await page.locator(`#timeline rect.${part}`).count()) > 0, part);
    }
    assert.match(await page.locator("#timeline table").textContent(), /1\/1main/);

    const finds = { "is:new-failure": ["breaks"], "is:fixed": ["mends"], "is:slower": ["slow"] };
    Object.assign(finds, { "is:new": ["young"], "is:quarantined": ["known"], "is:constructor": [] });
    for (const [word, expected] of Object.entries(finds)) {
      await search(page, word);
      assert.deepEqual(await names(page), expected.map((name) => "ju:c::" + name), word);
    }
    await search(page, "is:slower");
    await page.locator("#list").focus();
    await page.keyboard.press("Enter");
    assert.match(await page.locator("#detail-body").textContent(), /passed · slower · 9.5 s/);
    await page.keyboard.press("Escape");
    await picture(page, "changes");
    check();
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
      assert.match(await target.getAttribute("href"), /^#[ot]\d+$/);
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
