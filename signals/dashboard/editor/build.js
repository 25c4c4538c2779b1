// Bundle the editor and collect the licences of what goes into it: `npm ci && npm run build`.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const OUT = "dist";
const made = await build({
  entryPoints: ["src.js"], bundle: true, minify: true, format: "esm", target: "es2022", write: false, metafile: true,
  legalComments: "none",
});
rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT);
const code = made.outputFiles[0].contents;
const hash = createHash("sha256").update(code).digest("hex").slice(0, 12);
writeFileSync(`${OUT}/editor-${hash}.js`, code); // browsers keep it: a new one needs a new name

const packages = new Set();
for (const input of Object.keys(made.metafile.inputs)) {
  const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
  if (found) packages.add(found[1]);
}
const texts = [...packages].sort().map((name) => {
  const folder = `node_modules/${name}`;
  const { version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  if (!file || !existsSync(`${folder}/${file}`)) throw new Error(`${name} brings no licence text`);
  return `${name} ${version} (${license})\n\n${readFileSync(`${folder}/${file}`, "utf8").trim()}\n`;
});
writeFileSync(`${OUT}/LICENSES.txt`, `The policy editor bundles these packages.\n\n${texts.join("\n---\n\n")}`);
console.log(`editor-${hash}.js: ${(code.length / 1024).toFixed(0)} kB, ${packages.size} packages`);
