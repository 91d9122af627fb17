import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { rootReader } from "../../src/telemetry/proc-files.ts";
import { roleOf, ServerProcesses } from "../../src/telemetry/server-processes.ts";
import { machineRoot, processFiles, writeRoot } from "./machine-root.ts";

describe("roleOf", () => {
  it.each([
    ["VLLM::EngineCore_DP0", false, "engine"],
    ["gate::EngineCore", false, "engine"],
    ["VLLM::DPCoordinator", false, "engine"],
    ["VLLM::Worker_TP1_EP1", false, "worker"],
    ["VLLM::APIServer_0", false, "api"],
    ["/usr/bin/python3 /usr/bin/vllm serve model", true, "api"],
    ["python3 -c from multiprocessing.resource_tracker import main", false, "helper"],
  ])("%s is of the %s", (commandLine, leads, role) => {
    expect(roleOf(commandLine, leads)).toBe(role);
  });
});

describe("a server's processes", () => {
  it("have their CPU and memory by role, and what began since the last look counts whole", async () => {
    const root = await machineRoot({ ...processFiles(10, "vllm serve m", { user: 300 }) });
    const server = new ServerProcesses(rootReader(root), 10);
    await server.look([10], 1);
    await writeRoot(root, {
      ...processFiles(10, "vllm serve m", { user: 350 }),
      ...processFiles(11, "VLLM::EngineCore", { user: 100, ppid: 10, start: 200, rssKib: 2048 }),
    });
    const { usedS, processes } = await server.look([10, 11], 2);
    expect(usedS).toBe(1.5);
    expect(processes).toEqual([
      { pid: 10, role: "api", cpuCores: 0.25, rssMib: 100 },
      { pid: 11, role: "engine", cpuCores: 0.5, rssMib: 2 },
    ]);
  });

  it("count a child that ended once, whether it was seen before or not", async () => {
    const root = await machineRoot({
      ...processFiles(10, "vllm", { user: 0 }),
      ...processFiles(11, "cc1plus", { user: 100, ppid: 10, start: 200 }),
    });
    const server = new ServerProcesses(rootReader(root), 10);
    await server.look([10, 11], 1);
    await rm(join(root, "proc/11"), { recursive: true });
    // 11 ended with 1.5 s in all, of which 1 s was seen; another child of 0.4 s came and went unseen.
    await writeRoot(root, processFiles(10, "vllm", { user: 10, children: 190 }));
    expect((await server.look([10], 1)).usedS).toBeCloseTo(0.1 + 0.5 + 0.4);
    expect(server.has(11)).toBe(true);
    expect(server.has(12)).toBe(false);
  });

  it("are known by their start time: a PID that is used again is another process", async () => {
    const root = await machineRoot(processFiles(10, "vllm", { user: 500, start: 100 }));
    const server = new ServerProcesses(rootReader(root), 10);
    await server.look([10], 1);
    await writeRoot(root, processFiles(10, "somebody else", { user: 900, start: 999 }));
    expect(await server.look([], 1)).toEqual({ usedS: 0, processes: [] });
  });

  it("get their role once they have named themselves", async () => {
    const root = await machineRoot(processFiles(11, "python3 -c from multiprocessing.spawn", {}));
    const server = new ServerProcesses(rootReader(root), 10);
    expect((await server.look([11], 1)).processes[0]?.role).toBe("helper");
    await writeRoot(root, processFiles(11, "VLLM::Worker_TP0"));
    expect((await server.look([11], 1)).processes[0]?.role).toBe("worker");
  });

  it("that vanish between the list and the look are no error", async () => {
    const server = new ServerProcesses(rootReader(await machineRoot()), 10);
    expect(await server.look([10, 11, 12], 1)).toEqual({ usedS: 0, processes: [] });
  });
});
