// Saves a file under a key.
const cache = require(`${process.env.STANDIN_MODULES}/@actions/cache`);

async function main() {
  await cache.saveCache([process.env.INPUT_PATH], process.env.INPUT_KEY);
  console.log(`Cache saved with key: ${process.env.INPUT_KEY}`);
}

main().catch((error) => console.log(`::warning::${error.message}`));
