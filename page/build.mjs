// Builds the page: one script and one style from src/, and the licences of what is in them, into the package.
import { build } from "esbuild";
import { readFile, writeFile } from "node:fs/promises";

/** Modules of hyparquet that need not be in the script: src/left_out.js says why. */
const leftOut = {
  name: "left-out",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/(?:alp|bloom|filter|variant|wkb)\.js$/ }, ({ importer }) =>
      importer.includes("/hyparquet/") ? { path: new URL("src/left_out.js", import.meta.url).pathname } : undefined);
  },
};
const target = new URL("../fxticker/page/assets/", import.meta.url);
const options = { bundle: true, minify: true, charset: "utf8", legalComments: "none", target: "es2022" };
const out = (name) => new URL(process.argv[2] ? `file://${process.argv[2]}/${name}` : name, target);

await build({ ...options, entryPoints: ["src/main.js"], format: "iife", plugins: [leftOut], outfile: out("app.js").pathname });
await build({ ...options, entryPoints: ["src/style.css"], outfile: out("style.css").pathname });
const parts = ["hyparquet", "uplot"].map(async (name) => {
  const { version } = JSON.parse(await readFile(`node_modules/${name}/package.json`, "utf8"));
  return `${name} ${version}\n\n${await readFile(`node_modules/${name}/LICENSE`, "utf8")}`;
});
await writeFile(out("licences.txt"), (await Promise.all(parts)).join("\n\n"));
await writeFile(out("index.html"), await readFile("src/index.html"));
