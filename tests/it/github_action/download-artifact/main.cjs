// Downloads all artifacts whose names fit into one folder.
const modules = process.env.STANDIN_MODULES;
const { DefaultArtifactClient } = require(`${modules}/@actions/artifact`);

async function main() {
  const pieces = (process.env.INPUT_NAME || process.env.INPUT_PATTERN).split("*");
  const escaped = pieces.map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const fits = new RegExp(`^${escaped.join("[^/]*")}$`);
  const client = new DefaultArtifactClient();
  const { artifacts } = await client.listArtifacts({ latest: true });
  for (const { id, name } of artifacts.filter((artifact) => fits.test(artifact.name))) {
    await client.downloadArtifact(id, { path: process.env.INPUT_PATH });
    console.log(`Downloaded ${name}`);
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
