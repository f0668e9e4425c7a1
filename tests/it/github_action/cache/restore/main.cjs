// Restores a file by its key, or by how a key begins.
const cache = require(`${process.env.STANDIN_MODULES}/@actions/cache`);

async function main() {
  const prefixes = process.env["INPUT_RESTORE-KEYS"].split("\n").filter((line) => line !== "");
  const key = await cache.restoreCache([process.env.INPUT_PATH], process.env.INPUT_KEY, prefixes);
  console.log(key ? `Cache restored from key: ${key}` : "Cache not found");
}

main().catch((error) => console.log(`::warning::${error.message}`));
