import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { post, type Simulator, spawnSimulator, startSimulator } from "./start-simulator.ts";

const ASK = { prompt: "x", max_tokens: 20, ignore_eos: true, stream: true };
const complete = (simulator: Simulator): Promise<Response> => post(`${simulator.url}/v1/completions`, ASK);
const events = (text: string): string[] => text.split("\n\n").filter((event) => event !== "");

/** The text that arrives within a time, and whether the stream had ended by then. */
async function readFor(response: Response, milliseconds: number): Promise<{ text: string; ended: boolean }> {
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const timeout = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), milliseconds));
  for (;;) {
    const next = await Promise.race([reader.read(), timeout]);
    if (next === undefined || next.done) {
      if (next === undefined) void reader.cancel();
      return { text, ended: next !== undefined };
    }
    text += decoder.decode(next.value);
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe("planted faults", () => {
  it("crash-after: the process dies with the request after the Nth", async () => {
    await using simulator = await startSimulator([], { VLLM_SIM_FAULT: "crash-after:2" });
    for (let i = 0; i < 2; i++)
      expect(events(await (await complete(simulator)).text()).at(-1)).toBe("data: [DONE]");
    await expect(complete(simulator)).rejects.toThrow();
    expect((await simulator.exit).code).toBe(1);
    expect(simulator.output()).toContain("EngineDeadError");
  });

  it("hang-after and wedged: healthy, and completions never answer", async () => {
    await using hanging = await startSimulator([], { VLLM_SIM_FAULT: "hang-after:1" });
    expect((await readFor(await complete(hanging), 5000)).ended).toBe(true);
    expect(await readFor(await complete(hanging), 500)).toEqual({ text: "", ended: false });
    await using wedged = await startSimulator([], { VLLM_SIM_FAULT: "wedged" });
    expect(await readFor(await complete(wedged), 500)).toEqual({ text: "", ended: false });
    expect((await fetch(`${wedged.url}/health`)).status).toBe(200);
  });

  it("http-500, malformed-event, stall-stream and reset strike every Nth request", async () => {
    await using failing = await startSimulator([], { VLLM_SIM_FAULT: "http-500:2" });
    expect((await complete(failing)).status).toBe(200);
    expect((await complete(failing)).status).toBe(500);
    await using malformed = await startSimulator([], { VLLM_SIM_FAULT: "malformed-event:1" });
    const broken = events(await (await complete(malformed)).text()).filter((event) => {
      try {
        JSON.parse(event.slice(6));
        return false;
      } catch {
        return event !== "data: [DONE]";
      }
    });
    expect(broken).toHaveLength(1);
    await using stalling = await startSimulator([], { VLLM_SIM_FAULT: "stall-stream:1" });
    const stalled = await readFor(await complete(stalling), 800);
    expect(stalled.ended).toBe(false);
    expect(events(stalled.text).length).toBeGreaterThan(3);
    await using resetting = await startSimulator([], { VLLM_SIM_FAULT: "reset:1" });
    await expect(complete(resetting).then((response) => response.text())).rejects.toThrow();
  });

  it("slow-start: ready that much later", async () => {
    const begun = Date.now();
    await using simulator = await startSimulator([], { VLLM_SIM_FAULT: "slow-start:1.5" });
    expect(Date.now() - begun).toBeGreaterThan(1500);
    expect(simulator.child.exitCode).toBeNull();
  });

  it("ignore-sigterm: only SIGKILL ends it", async () => {
    await using simulator = await startSimulator([], { VLLM_SIM_FAULT: "ignore-sigterm" });
    simulator.child.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await fetch(`${simulator.url}/health`)).status).toBe(200);
    simulator.child.kill("SIGKILL");
    expect((await simulator.exit).signal).toBe("SIGKILL");
  });

  it("orphan-child: a child of the group outlives the server", async () => {
    await using simulator = await startSimulator([], { VLLM_SIM_FAULT: "orphan-child" });
    const pid = Number(/\(EngineCore pid=(\d+)\)/.exec(simulator.output())![1]);
    expect(pid).not.toBe(simulator.child.pid);
    await new Promise((resolve) => setTimeout(resolve, 300));
    process.kill(-simulator.child.pid!, "SIGTERM");
    expect((await simulator.exit).code).toBe(0);
    expect(alive(pid)).toBe(true);
    process.kill(-simulator.child.pid!, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(alive(pid)).toBe(false);
  });

  it("a setting that does not parse is refused", async () => {
    await using simulator = await spawnSimulator([], { VLLM_SIM_FAULT: "explode" });
    expect((await simulator.exit).code).toBe(2);
    expect(simulator.output()).toContain("unknown fault 'explode'");
  });
});
