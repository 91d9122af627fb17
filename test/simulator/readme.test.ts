import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FAULT_NAMES } from "../../src/simulator/faults.ts";
import { parseRegressions, readSettings } from "../../src/simulator/settings.ts";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const section = /^## The simulator\n([\s\S]*?)^## /m.exec(read("README.md"))![1]!;
const rows = [...section.matchAll(/^\| `(VLLM_SIM_\w+)` \| (?:`(.*?)`)? *\| (.*) \|$/gm)];

describe("the README's section on the simulator", () => {
  it("lists the settings that there are, and no others", () => {
    const folder = "src/simulator";
    const source = readdirSync(new URL(`../../${folder}`, import.meta.url))
      .filter((name) => name.endsWith(".ts"))
      .map((name) => read(`${folder}/${name}`))
      .join();
    const settings = new Set(
      [...source.matchAll(/env\["(VLLM_SIM_\w+)"\]|number\("(VLLM_SIM_\w+)"/g)].map(
        (match) => match[1] ?? match[2],
      ),
    );
    expect(settings.size).toBeGreaterThan(5);
    expect(rows.map(([, name]) => name).sort()).toEqual([...settings].sort());
  });

  it("gives the true defaults", () => {
    for (const [, name = "", fallback] of rows) {
      if (fallback !== undefined) expect(readSettings({ [name]: fallback }), name).toEqual(readSettings({}));
    }
  });

  it("gives examples that can be read", () => {
    const example = (name: string): string =>
      /`([^`]+)`/.exec(rows.find(([, row]) => row === name)![3]!)![1]!;
    const planted = readSettings({
      VLLM_SIM_REGRESSION: example("VLLM_SIM_REGRESSION"),
      VLLM_SIM_FAULT: example("VLLM_SIM_FAULT"),
      VLLM_SIM_PLAN: example("VLLM_SIM_PLAN"),
    });
    expect(planted.plan).toEqual({ ttft: 0.02, itl: 0.0064, jitter: 0, spread: 0 });
    expect(planted.faults).toMatchObject({ crashAfter: 20, ignoreSigterm: true });
    const none = Object.entries(parseRegressions(""));
    for (const [name, value] of none) expect(planted.regressions, name).not.toMatchObject({ [name]: value });
  });

  it("names every fault", () => {
    for (const name of FAULT_NAMES) expect(section).toMatch(new RegExp(`\`${name}(:[A-Z]+)?\``));
  });
});
