// Builds dist/ anew and fails when the committed one is another: a change of source without its build, or the
// other way round. `git status` also sees files that are new.
import { execa } from "execa";

await execa("npm", ["run", "--silent", "build"], { stdout: "ignore", stderr: "inherit" });
const { stdout } = await execa("git", ["status", "--porcelain", "dist"]);
if (stdout !== "") {
  console.error(`dist/ is not what the source builds. Run \`npm run build\` and commit:\n${stdout}`);
  process.exitCode = 1;
}
