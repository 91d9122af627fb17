import { access } from "node:fs/promises";
import { type Browser, chromium } from "playwright-core";

/** Where distributions and GitHub's runners keep a Chromium; `CHROMIUM` names another one. */
const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
];

/** The machine's own Chromium, or null where there is none. */
export async function findChromium(): Promise<string | null> {
  for (const path of [process.env["CHROMIUM"], ...PLACES]) {
    if (path === undefined) continue;
    const found = await access(path).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return null;
}

/** @throws Error when the machine has no Chromium */
export async function launchChromium(): Promise<Browser> {
  const executablePath = await findChromium();
  if (executablePath === null) {
    throw new Error(`no Chromium at ${PLACES.join(", ")}: install one, or name it in CHROMIUM`);
  }
  // As root, in a container, its sandbox cannot be had.
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
}
