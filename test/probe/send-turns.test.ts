import { expect, it } from "vitest";
import { SendTurns } from "../../src/probe/send-turns.ts";

it("SendTurns lets one go on per turn, in order, also those that come meanwhile", async () => {
  const turns = new SendTurns();
  const order: string[] = [];
  const go = async (name: string) => {
    await turns.next();
    order.push(name);
  };
  const all = [go("a"), go("b"), go("c")];
  expect(order).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual(["a"]);
  all.push(go("d"));
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual(["a", "b"]);
  await Promise.all(all);
  expect(order).toEqual(["a", "b", "c", "d"]);
});
