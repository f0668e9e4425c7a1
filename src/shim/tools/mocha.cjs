// Between evenly and mocha: `node mocha.cjs list|run FILE OPTIONS... -- FILES...`.
//
// `list` writes evenly's listing to FILE: each test file, and the tests in it, which mocha loads
// but does not run. `run` runs these files and no others, whatever `spec` the configuration has,
// prints what mocha's own reporter prints, and writes JUnit to FILE: `classname` is the file's
// path, `name` the titles from outside to inside. A test that a broken hook kept from running has
// an error. A file without tests whose hooks hold for all comes with each group.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");
const { pathToFileURL } = require("node:url");

const SEPARATOR = " › ";
/** Between the files that select a group. */
const AND = "\u001f";
const project = createRequire(path.join(process.cwd(), "evenly.js"));

/** A file of mocha's own; since mocha 12 some end in `.cjs`. */
function own(name) {
  const root = path.dirname(project.resolve("mocha/package.json"));
  const files = [".cjs", ".js"].map((ending) => path.join(root, `${name}${ending}`));
  return files.find((file) => fs.existsSync(file)) || files[0];
}

const shown = (file) => {
  const inside = path.relative(process.cwd(), file || "");
  return inside.split(path.sep).join("/");
};

/** Each test below a suite, with a name of its own inside its file. */
function testsOf(root) {
  const found = [];
  const copies = new Map();
  const walk = (suite, titles) => {
    for (const test of suite.tests) {
      const file = shown(test.file);
      const name = [...titles, test.title].join(SEPARATOR);
      const key = `${file}::${name}`;
      const copy = (copies.get(key) || 0) + 1;
      copies.set(key, copy);
      found.push({ test, file, name: copy === 1 ? name : `${name} #${copy}` });
    }
    for (const inner of suite.suites) walk(inner, [...titles, inner.title]);
  };
  walk(root, []);
  return found;
}

const chosen = (runner) => {
  const all = testsOf(runner.suite);
  const grep = runner._grep;
  const keep = (test) => !grep || grep.test(test.fullTitle()) !== Boolean(runner._invert);
  return all.filter(({ test }) => keep(test));
};

/** The files with hooks outside any `describe`, which are of all tests: mocha says of no such hook
 * where it is from. */
function rootHooks() {
  const { prototype } = require(own("lib/suite"));
  const { emit, _createHook } = prototype;
  const files = new Set();
  let loading;
  prototype.emit = function (event, context, file, ...more) {
    if (event === "pre-require") loading = file;
    return emit.call(this, event, context, file, ...more);
  };
  prototype._createHook = function (...about) {
    if (this.root && loading) files.add(shown(loading));
    return _createHook.apply(this, about);
  };
  return files;
}

function list(runner, to, hooked) {
  const files = new Map();
  for (const { file, name } of chosen(runner)) {
    if (!files.has(file)) files.set(file, []);
    files.get(file).push(`${file}::${name}`);
  }
  // Hooks of a group's file hold for the groups of its command.
  const along = [...hooked].filter((file) => !files.has(file));
  const argument = (name) => [...Buffer.from([...along, name].join(AND))];
  const groups = [...files].map(([name, tests]) => ({ name, tests, argument: argument(name) }));
  fs.writeFileSync(to, JSON.stringify({ format: 1, groups }));
}

const escaped = (text) =>
  String(text)
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replace(/[&<>"\n\r\t]/g, (c) => `&#${c.charCodeAt(0)};`);

function element({ file, name, duration, bad, skipped }) {
  const time = ((duration || 0) / 1000).toFixed(6);
  const head = `<testcase classname="${escaped(file)}" name="${escaped(name)}" time="${time}"`;
  const open = `${head} file="${escaped(file)}"`;
  if (bad) {
    const { tag, message, kind, text } = bad;
    const about = `message="${escaped(message)}" type="${escaped(kind)}"`;
    return `${open}><${tag} ${about}>${escaped(text)}</${tag}></testcase>`;
  }
  return skipped ? `${open}><skipped/></testcase>` : `${open}/>`;
}

const told = (error) => {
  const isError = error && typeof error === "object";
  const message = isError && error.message !== undefined ? error.message : String(error);
  const kind = (isError && (error.name || error.constructor?.name)) || typeof error;
  const failed = isError && (error.code === "ERR_ASSERTION" || kind.startsWith("AssertionError"));
  const text = (isError && error.stack) || message;
  return { tag: failed ? "failure" : "error", message: String(message).split("\n")[0], kind, text };
};

/** The error of a test, or of a try of it before the last, which may fail after it ended. */
function failure(test, seen) {
  let tried = test;
  while (tried && !seen.has(tried)) tried = tried.retriedTest?.();
  return tried;
}

/** What became of every test, the hooks that broke, and what these kept from running. */
function written(runner, seen, hooks) {
  const cases = chosen(runner).map(({ test, file, name }) => {
    const result = { file, name, duration: test.duration };
    const failed = failure(test, seen);
    if (failed) return { ...result, bad: told(seen.get(failed)) };
    if (test.state === "passed") return result;
    if (test.isPending()) return { ...result, skipped: true };
    const message = "it did not run: a hook broke, or the run was given up";
    return { ...result, bad: { tag: "error", message, kind: "NotRun", text: message } };
  });
  for (const { hook, error } of hooks) {
    const file = shown(hook.file || hook.ctx?.currentTest?.file);
    cases.push({ file, name: hook.fullTitle(), duration: hook.duration, bad: told(error) });
  }
  return `<testsuites><testsuite name="mocha">\n${cases.map(element).join("\n")}
</testsuite></testsuites>\n`;
}

const [, , act, to, ...given] = process.argv;
const hooked = require.main === module && act === "list" ? rootHooks() : new Set();

/** The reporter: mocha's own `spec`, and a file. */
function Reporter(runner, options) {
  if (act === "list") {
    // Then suites that come late, with `--delay`, are there, and what `only` leaves out is not.
    runner.once("start", () => list(runner, to, hooked));
    return;
  }
  const { Spec } = require(own("lib/reporters/index"));
  const spec = new Spec(runner, options);
  const seen = new Map();
  const hooks = [];
  runner.on("fail", (test, error) => {
    if (test.type === "hook") hooks.push({ hook: test, error });
    else seen.set(test, error);
  });
  runner.once("end", () => fs.writeFileSync(to, written(runner, seen, hooks)));
  this.spec = spec;
  this.stats = spec.stats;
}

async function main() {
  const cut = given.lastIndexOf("--");
  const options = given.slice(0, cut);
  const files = [...new Set(given.slice(cut + 1).flatMap((file) => file.split(AND)))];
  const { loadOptions } = require(own("lib/cli/options"));
  const cli = await import(pathToFileURL(own("lib/cli/cli")));
  const run = cli.main ?? cli.default.main;
  const argv = [...options, "--reporter", __filename, ...(act === "list" ? ["--dry-run"] : [])];
  const args = loadOptions([...argv, ...(act === "list" ? files : [])]);
  if (act === "run") args._ = files;
  // It says of no test that it fails: it would end without saying why.
  if (act === "list") args.forbidPending = args["forbid-pending"] = false;
  args.parallel = false;
  // The files of a command are several groups: what one comes to does not end the others.
  args.bail = false;
  run(argv, args);
}

module.exports = Reporter;
if (require.main === module) main();
