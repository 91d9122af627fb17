import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { parseArgs } from "node:util";
import { HTML_REPORT, writeHtmlReport } from "../src/html-report.ts";
import { FAST, richRun } from "../test/report/rich-run.ts";
import { writeRunFolder } from "../test/report/run-folder.ts";
import { gate } from "../test/support/gate.ts";

/**
 * How long the HTML report of a large run takes, and how much memory: `npm run bench:report-scale -- --traces 100000`.
 * The run is made in another process, so that what is measured is the report alone.
 */
const { values } = parseArgs({
  options: {
    traces: { type: "string", default: "100000" },
    folder: { type: "string" },
    make: { type: "boolean" },
  },
});

if (values.make === true) await make(String(values.folder), Number(values.traces));
else if (values.folder !== undefined) await measure(values.folder);
else {
  const { execa } = await import("execa");
  const folder = await mkdtemp(join(tmpdir(), "vllm-gate-scale-"));
  const self = import.meta.filename;
  await execa(process.execPath, [self, "--make", "--folder", folder, "--traces", values.traces]);
  const { stdout } = await execa(process.execPath, [self, "--folder", folder]);
  process.stdout.write(`${values.traces} traces: ${stdout}\n`);
  await rm(folder, { recursive: true });
}

/** A run folder with so many traces of 64 tokens each: those of a smaller run, again and again. */
async function make(folder: string, count: number): Promise<void> {
  const head = richRun(Array.from({ length: 3 }, () => ({ variant: "head", server: FAST })));
  const base = richRun(Array.from({ length: 5 }, () => ({ variant: "head", server: FAST })));
  await writeRunFolder(folder, gate(base, head), [], head.telemetry);
  const lines = head.traces.map((trace) => `${JSON.stringify(trace)}\n`);
  const file = createWriteStream(join(folder, "traces.jsonl"));
  for (let index = 0; index < count; index += 1) {
    if (!file.write(lines[index % lines.length])) await once(file, "drain");
  }
  file.end();
  await finished(file);
}

async function measure(folder: string): Promise<void> {
  const { readReported } = await import("../src/reporting.ts");
  const began = performance.now();
  const reported = await readReported(folder);
  const warn = (message: string) => {
    throw new Error(message);
  };
  await writeHtmlReport(folder, { ...reported, runPath: folder, acceptCommand: "" }, { warn });
  const seconds = (performance.now() - began) / 1000;
  const size = (path: string) => stat(join(folder, path)).then((each) => each.size / 1e6);
  const [traces, page] = [await size("traces.jsonl"), await size(HTML_REPORT)];
  process.stdout.write(
    `report in ${seconds.toFixed(2)} s (${(process.cpuUsage().user / 1e6).toFixed(2)} s of processor time), ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB at most; ` +
      `${traces.toFixed(0)} MB of traces, ${page.toFixed(2)} MB of page`,
  );
}
