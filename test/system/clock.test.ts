import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { within } from "../../src/system/clock.ts";

const CLOCK = new URL("../../src/system/clock.ts", import.meta.url).href;

describe("within", () => {
  it("gives what the promise comes to", async () => {
    expect(await within(60_000, Promise.resolve(7))).toBe(7);
  });

  it("gives undefined when that takes longer, or is not waited for any more", async () => {
    const never = new Promise<number>(() => {});
    expect(await within(1, never)).toBeUndefined();
    expect(await within(60_000, never, AbortSignal.abort())).toBeUndefined();
    const ending = new AbortController();
    const waiting = within(60_000, never, ending.signal);
    ending.abort();
    expect(await waiting).toBeUndefined();
  });

  it("passes an error on", async () => {
    await expect(within(60_000, Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  });

  it("holds its process no longer than the promise does", async () => {
    const script = `import { within } from "${CLOCK}"; await within(600_000, Promise.resolve());`;
    const ended = await execa(process.execPath, ["--input-type=module", "-e", script], { timeout: 30_000 });
    expect(ended.timedOut).toBe(false);
  });
});
