/** Byte-level BPE as `tokenizer.json` describes it: the tokenizers of GPT-2, Qwen, Llama 3 and their kin. */
import type { TokenTable } from "./tokenizer.ts";

interface TokenizerFile {
  added_tokens?: { id: number; content: string; special: boolean }[];
  normalizer?: { type: string } | null;
  pre_tokenizer?: PreTokenizer | null;
  model?: { type?: string; vocab?: Record<string, number>; merges?: (string | [string, string])[] };
}

interface PreTokenizer {
  type: string;
  use_regex?: boolean;
  add_prefix_space?: boolean;
  pattern?: { Regex?: string };
  pretokenizers?: PreTokenizer[];
}

const GPT2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
/** Words whose ids are remembered. */
const MOST_WORDS = 50_000;

/** A byte-level BPE; {@link parse} makes one. */
export class ByteLevelBpe implements TokenTable {
  /** Number of ids. */
  readonly size: number;
  private readonly vocab: ReadonlyMap<string, number>;
  private readonly pieces: readonly (string | undefined)[];
  private readonly bytes: (Buffer | undefined)[] = [];
  private readonly ranks: ReadonlyMap<string, number>;
  private readonly added: ReadonlyMap<string, number>;
  private readonly hidden: ReadonlySet<number>;
  private readonly addedPattern: RegExp | undefined;
  private readonly split: RegExp;
  private readonly prefixSpace: boolean;
  private readonly nfc: boolean;
  private readonly words = new Map<string, readonly number[]>();

  /** Reads a `tokenizer.json`; undefined for kinds of tokenizers that this is not. */
  static parse(text: string): ByteLevelBpe | undefined {
    const file = JSON.parse(text) as TokenizerFile;
    const steps = file.pre_tokenizer?.pretokenizers ?? (file.pre_tokenizer ? [file.pre_tokenizer] : []);
    const byteLevel = steps.find((step) => step.type === "ByteLevel");
    if (file.model?.type !== "BPE" || byteLevel === undefined) return undefined;
    return new ByteLevelBpe(file, steps, byteLevel);
  }

  private constructor(file: TokenizerFile, steps: readonly PreTokenizer[], byteLevel: PreTokenizer) {
    const vocab = new Map(Object.entries(file.model?.vocab ?? {}));
    const pieces: string[] = [];
    for (const [piece, id] of vocab) pieces[id] = piece;
    const added = file.added_tokens ?? [];
    for (const { id, content } of added) pieces[id] = content;
    const pattern = steps.find((step) => step.type === "Split")?.pattern?.Regex ?? GPT2;
    const merges = (file.model?.merges ?? []).map((merge) =>
      typeof merge === "string" ? merge : merge.join(" "),
    );
    this.vocab = vocab;
    this.pieces = pieces;
    this.size = pieces.length;
    this.ranks = new Map(merges.map((merge, rank) => [merge, rank]));
    this.added = new Map(added.map(({ id, content }) => [content, id]));
    this.hidden = new Set(added.filter(({ special }) => special).map(({ id }) => id));
    const escaped = added.map(({ content }) => content.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    this.addedPattern = escaped.length === 0 ? undefined : new RegExp(`(${escaped.join("|")})`);
    this.split = new RegExp(pattern, "gu");
    this.prefixSpace = byteLevel.add_prefix_space === true;
    this.nfc = file.normalizer?.type === "NFC";
  }

  /** Text to ids. */
  encode(text: string): number[] {
    const ids: number[] = [];
    for (const part of this.addedPattern === undefined ? [text] : text.split(this.addedPattern)) {
      const special = this.added.get(part);
      if (special !== undefined) ids.push(special);
      else if (part !== "") this.encodePlain(part, ids);
    }
    return ids;
  }

  /** The bytes of an id; none for special tokens and ids past the end. */
  bytesOf(id: number): Buffer {
    const known = this.bytes[id];
    if (known !== undefined) return known;
    const piece = this.hidden.has(id) ? "" : (this.pieces[id] ?? "");
    const added = this.added.has(piece);
    const bytes = added
      ? Buffer.from(piece)
      : Buffer.from(Array.from(piece, (char) => BYTE_OF.get(char) ?? 0));
    this.bytes[id] = bytes;
    return bytes;
  }

  /** The id as the table writes it. */
  pieceOf(id: number): string {
    return this.pieces[id] ?? "";
  }

  private encodePlain(text: string, ids: number[]): void {
    const normal = this.nfc ? text.normalize("NFC") : text;
    const padded = this.prefixSpace && !normal.startsWith(" ") ? ` ${normal}` : normal;
    for (const word of padded.match(this.split) ?? []) {
      let known = this.words.get(word);
      if (known === undefined) {
        known = this.merge(word);
        if (this.words.size < MOST_WORDS) this.words.set(word, known);
      }
      for (const id of known) ids.push(id);
    }
  }

  private merge(word: string): number[] {
    const parts = Array.from(Buffer.from(word), (byte) => CHAR_OF[byte]!);
    for (;;) {
      let best = Number.POSITIVE_INFINITY;
      let at = -1;
      for (let i = 0; i + 1 < parts.length; i++) {
        const rank = this.ranks.get(`${parts[i]} ${parts[i + 1]}`) ?? Number.POSITIVE_INFINITY;
        if (rank < best) [best, at] = [rank, i];
      }
      if (at < 0) break;
      parts.splice(at, 2, parts[at]! + parts[at + 1]!);
    }
    return parts.map((part) => this.vocab.get(part)).filter((id) => id !== undefined);
  }
}

/** GPT-2's letters for bytes: printable ones stand for themselves, the others follow from U+0100 on. */
const CHAR_OF: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const printable = (b: number): boolean => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  if (printable(byte)) return String.fromCharCode(byte);
  let others = 0;
  for (let b = 0; b < byte; b++) if (!printable(b)) others++;
  return String.fromCharCode(256 + others);
});
const BYTE_OF: ReadonlyMap<string, number> = new Map(CHAR_OF.map((char, byte) => [char, byte]));
