import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { lineLog, liveLog, QUIET_LOG } from "../../src/system/log.ts";

const CLEAR = "\r\u001b[2K";
const clean = (text: string) => text.replace(/\p{Cc}/gu, "");

describe("a log of lines", () => {
  it("writes one line a message, and nothing that a terminal would obey", () => {
    const written: string[] = [];
    const log = lineLog({ write: (text) => written.push(text), clean });
    log.step("a\u001b[2Jb");
    log.warn("late");
    expect(written).toEqual(["a[2Jb\n", "warning: late\n"]);
    expect(log.follow).toBeUndefined();
  });

  it("sets the word that it was given in front of a warning", () => {
    const written: string[] = [];
    lineLog({ write: (text) => written.push(text), clean, warning: "\u001b[33mwarning:\u001b[39m" }).warn(
      "late",
    );
    expect(written).toEqual(["\u001b[33mwarning:\u001b[39m late\n"]);
  });
});

it("a quiet log says nothing", () => {
  QUIET_LOG.step("a");
  QUIET_LOG.warn("b");
  expect(QUIET_LOG.follow).toBeUndefined();
});

describe("a log on a terminal", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function terminal(columns = 80) {
    const written: string[] = [];
    const log = liveLog({ write: (text) => written.push(text), clean, columns: () => columns });
    return { log, take: () => written.splice(0) };
  }

  it("redraws its line each second, where it changed", () => {
    const { log, take } = terminal();
    let text = "1 of 3";
    log.follow(() => text);
    expect(take()).toEqual(["1 of 3"]);
    vi.advanceTimersByTime(5_000);
    expect(take()).toEqual([]);
    text = "2 of 3";
    vi.advanceTimersByTime(1_000);
    expect(take()).toEqual([`${CLEAR}2 of 3`]);
  });

  it("writes other lines above it, in one write each", () => {
    const { log, take } = terminal();
    log.follow(() => "1 of 3");
    take();
    log.step("the server is up");
    log.warn("it is hot");
    expect(take()).toEqual([`${CLEAR}the server is up\n1 of 3`, `${CLEAR}warning: it is hot\n1 of 3`]);
  });

  it("takes the line away at the end, and draws no more", () => {
    const { log, take } = terminal();
    log.follow(() => "1 of 3");
    take();
    log.follow(null);
    expect(take()).toEqual([CLEAR]);
    vi.advanceTimersByTime(5_000);
    log.step("done");
    expect(take()).toEqual(["done\n"]);
  });

  it("asks for no more columns than there are, and cleans what it is given", () => {
    const { log, take } = terminal(40);
    const asked: number[] = [];
    log.follow((columns) => {
      asked.push(columns);
      return "a\u001b[2Jb\nc";
    });
    expect(asked).toEqual([39]);
    expect(take()).toEqual(["a[2Jbc"]);
  });
});
