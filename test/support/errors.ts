import { expect } from "vitest";
import { UsageError } from "../../src/domain/errors.ts";

/** The sentence of the UsageError that `action` throws. */
export function usageErrorOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
  throw new Error("expected a UsageError, nothing was thrown");
}
