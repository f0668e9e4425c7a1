// Between evenly and vitest: `node vitest.mjs JUNIT OPTIONS... -- FILES...`.
//
// Runs exactly these files: vitest itself takes a file's name as a part of a path, and runs what
// else has it. JUnit goes to JUNIT; the terminal gets vitest's own output.
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const project = createRequire(path.join(process.cwd(), "evenly.js"));
const { startVitest, parseCLI, BaseSequencer } = await import(
  pathToFileURL(project.resolve("vitest/node"))
);

const [, , junit, ...given] = process.argv;
const cut = given.lastIndexOf("--");
const files = given.slice(cut + 1).map((file) => path.resolve(file));
const wanted = new Set(files);

/** Takes out what was found by a part of its path alone. */
class Exactly extends BaseSequencer {
  async sort(specs) {
    const kept = specs.filter((spec) => wanted.has(path.resolve(spec.moduleId ?? spec[1])));
    return super.sort(kept);
  }
}

/** A file as the listing names it, whatever `root` the configuration has. */
const shown = (file) => path.relative(process.cwd(), file).split(path.sep).join("/");
const classnameTemplate = ({ filepath }) => shown(filepath);
const told = { outputFile: junit, addFileAttribute: true, classnameTemplate };

const { options } = parseCLI(["vitest", "run", ...given.slice(0, cut)]);
const vitest = await startVitest("test", files, {
  ...options,
  run: true,
  watch: false,
  fileParallelism: false,
  // vitest's JUnit calls a test passed that `bail` kept from running.
  bail: 0,
  sequence: { ...options.sequence, sequencer: Exactly },
  reporters: ["default", ["junit", told]],
});
// As vitest itself ends: also where something would keep the process.
await vitest?.exit();
