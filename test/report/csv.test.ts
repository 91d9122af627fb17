import { expect, test } from "vitest";
import { csv, rounded } from "../../src/report/csv.ts";

test("quotes what RFC 4180 wants quoted, and leaves what was not measured empty", () => {
  expect(
    csv(
      ["a", "b", "c"],
      [
        ["x,y", 'say "hi"', null],
        ["two\nlines", 1.5, undefined],
      ],
    ),
  ).toBe('a,b,c\n"x,y","say ""hi""",\n"two\nlines",1.5,\n');
});

test("a header alone is a line", () => {
  expect(csv(["a", "b"], [])).toBe("a,b\n");
});

test.each(["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "  =1", "\r=1"])(
  "text %j cannot be a formula",
  (text) => {
    const [, line = ""] = csv(["a"], [[text]]).split(/\n(.*)/s);
    expect(line.replace(/^"/, "").startsWith("'")).toBe(true);
  },
);

test("numbers stay numbers: a minus sign, no exponent, nothing that is not finite", () => {
  expect(csv(["a", "b", "c", "d"], [[-1.5, 1e-9, Number.NaN, 0]])).toBe("a,b,c,d\n-1.5,0.000000001,,0\n");
});

test("a row of another length is refused", () => {
  expect(() => csv(["a", "b"], [["x"]])).toThrow("CSV row 0 has 1 cells, expected 2");
});

test("rounds for a cell", () => {
  expect(rounded(0.123456789, 4)).toBe(0.1235);
  expect(rounded(null, 4)).toBeNull();
  expect(rounded(Number.POSITIVE_INFINITY, 4)).toBeNull();
});
