// What actions/upload-artifact does, into the folder STAND_IN_ARTIFACTS: with one path its contents are the root.
const { cpSync, existsSync, mkdirSync, readdirSync } = require("node:fs");
const { basename, join } = require("node:path");

const paths = process.env.INPUT_PATH.split("\n")
  .map((each) => each.trim())
  .filter((each) => existsSync(each));
const target = join(process.env.STAND_IN_ARTIFACTS, process.env.INPUT_NAME);
if (paths.length === 0) {
  console.log(`::warning::No files were found with the provided path: ${process.env.INPUT_PATH}`);
} else {
  mkdirSync(target, { recursive: true });
  for (const path of paths) {
    for (const name of paths.length === 1 ? readdirSync(path) : [""]) {
      cpSync(join(path, name), join(target, name === "" ? basename(path) : name), { recursive: true });
    }
  }
  console.log(`Artifact ${process.env.INPUT_NAME} has been successfully uploaded`);
}
