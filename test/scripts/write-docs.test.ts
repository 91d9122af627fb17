import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { metricsPage } from "../../scripts/write-docs.ts";
import { CATALOGUE } from "../../src/measure/catalogue.ts";

describe("docs/metrics.md", () => {
  it("is what `node scripts/write-docs.ts` writes", async () => {
    const page = await readFile(new URL("../../docs/metrics.md", import.meta.url), "utf8");
    expect(page).toBe(metricsPage());
  });

  it("has a row for every metric of the catalogue", () => {
    const ids = [...metricsPage().matchAll(/^\| `([^`]+)`/gm)].map(([, id]) => id);
    expect(ids.sort()).toEqual(CATALOGUE.map(({ id }) => id).sort());
  });

  it("does not leave out a metric that has no section", () => {
    const [metric] = CATALOGUE;
    expect(() => metricsPage([{ ...metric!, id: "other.thing" }])).toThrow("no section for other.thing");
  });
});
