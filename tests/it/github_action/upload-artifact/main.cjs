// Uploads files as an artifact, as the published action does: below the deepest folder that all of
// them share.
const fs = require("node:fs");
const path = require("node:path");
const modules = process.env.STANDIN_MODULES;
const { DefaultArtifactClient } = require(`${modules}/@actions/artifact`);
const glob = require(`${modules}/@actions/glob`);

function shared(paths) {
  if (paths.length === 1) {
    const [only] = paths;
    const isFile = fs.existsSync(only) && fs.statSync(only).isFile();
    return isFile ? path.dirname(only) : only;
  }
  const parts = paths.map((one) => path.normalize(one).split(path.sep));
  const same = parts[0].findIndex((part, at) => parts.some((other) => other[at] !== part));
  return parts[0].slice(0, same < 0 ? parts[0].length : same).join(path.sep);
}

async function main() {
  const globber = await glob.create(process.env.INPUT_PATH);
  const found = await globber.glob();
  const files = found.filter((file) => fs.statSync(file).isFile());
  if (files.length === 0) {
    console.log(`::warning::No files were found with the provided path: ${process.env.INPUT_PATH}`);
    return;
  }
  const client = new DefaultArtifactClient();
  const root = shared(globber.getSearchPaths());
  const { id } = await client.uploadArtifact(process.env.INPUT_NAME, files, root);
  console.log(`Artifact ${process.env.INPUT_NAME} has been successfully uploaded: ${files.length}`);
  fs.appendFileSync(process.env.GITHUB_OUTPUT, `artifact-url=https://example.com/artifacts/${id}\n`);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
