// What actions/download-artifact does with `name` or `pattern`, from the folder STAND_IN_ARTIFACTS.
const { cpSync, existsSync, readdirSync } = require("node:fs");
const { join } = require("node:path");

const { STAND_IN_ARTIFACTS: store, INPUT_NAME: name, INPUT_PATTERN: pattern, INPUT_PATH: path } = process.env;
const all = existsSync(store) ? readdirSync(store) : [];
const matches = new RegExp(
  `^${(pattern || "*").replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`,
);
const copy = (from, to) => cpSync(join(store, from), to, { recursive: true, verbatimSymlinks: true });
if (name) {
  if (!all.includes(name)) {
    console.log(`::error::Unable to download artifact(s): Artifact not found for name: ${name}`);
    process.exit(1);
  }
  copy(name, path);
} else {
  const found = all.filter((each) => matches.test(each));
  for (const each of found) copy(each, join(path, each));
  console.log(`Total of ${found.length} artifact(s) downloaded`);
}
