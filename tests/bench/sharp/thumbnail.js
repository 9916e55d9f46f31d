// Convert pictures like lambdas/thumbnail, with sharp: node thumbnail.js TIMES FILE…
// Print the mean processor seconds of a picture. With TIMES 0, write FILE.png once, without loss.
const fs = require("node:fs");
const sharp = require("sharp");

sharp.concurrency(1); // A function of 1024 MB has less than one processor.
sharp.cache(false); // On Lambda, no picture is converted twice.

const square = (file) =>
  sharp(file).autoOrient().resize(512, 512, { fit: "cover" }).flatten({ background: "white" });
const picture = (file) => square(file).jpeg({ quality: 85 }).toBuffer();

async function main([times, ...names]) {
  const files = names.map((name) => fs.readFileSync(name));
  if (times === "0") return square(files[0]).png().toFile(`${names[0]}.png`);
  if (times > 1) await picture(files[0]); // So that initialization is not measured.
  const started = process.cpuUsage();
  for (let time = 0; time < times; time++) for (const file of files) await picture(file);
  const { user, system } = process.cpuUsage(started);
  console.log((user + system) / 1e6 / times / files.length);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
