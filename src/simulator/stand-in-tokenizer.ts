/** A deterministic stand-in for a tokenizer: about four characters a token, and ids that turn back into text. */
import { hashText } from "./random.ts";
import type { TokenTable } from "./tokenizer.ts";

const CONSONANTS = "bdfgklmnprstvz";
const VOWELS = "aeiou";
const SYLLABLES = CONSONANTS.length * VOWELS.length;
const PIECES = / (?:[bdfgklmnprstvz][aeiou]){3}(?![a-z])|\s?[^\s]{1,4}|\s+/g;

/** Needs no files: a text's pieces hash to ids, and every id has a word. */
export class StandIn implements TokenTable {
  private readonly vocab: number;
  private readonly pieces = new Map<number, string>();

  /** @param vocab number of ids */
  constructor(vocab: number) {
    this.vocab = vocab;
  }

  /** Text to ids; the same text always gives the same ids. */
  encode(text: string): number[] {
    const ids: number[] = [];
    for (const piece of text.match(PIECES) ?? []) ids.push(this.idOf(piece));
    return ids;
  }

  /** A piece seen before, otherwise the word that stands for the id. */
  bytesOf(id: number): Buffer {
    return Buffer.from(this.pieceOf(id));
  }

  /** The text of an id. */
  pieceOf(id: number): string {
    return this.pieces.get(id) ?? wordOf(id);
  }

  private idOf(piece: string): number {
    const word = wordId(piece);
    if (word !== undefined && word < this.vocab && !this.pieces.has(word)) return word;
    const id = hashText(piece) % this.vocab;
    // A word keeps its id even when a piece hashes to it; the piece then reads back as the word.
    if (!this.pieces.has(id) && this.pieces.size < this.vocab / 8) this.pieces.set(id, piece);
    return id;
  }
}

function wordOf(id: number): string {
  let text = " ";
  for (let rest = id, i = 0; i < 3; i++, rest = Math.floor(rest / SYLLABLES)) {
    const syllable = rest % SYLLABLES;
    text += CONSONANTS[Math.floor(syllable / VOWELS.length)]! + VOWELS[syllable % VOWELS.length]!;
  }
  return text;
}

function wordId(piece: string): number | undefined {
  if (piece.length !== 7 || piece[0] !== " ") return undefined;
  let id = 0;
  for (let i = 5; i >= 1; i -= 2) {
    const syllable = CONSONANTS.indexOf(piece[i]!) * VOWELS.length + VOWELS.indexOf(piece[i + 1]!);
    id = id * SYLLABLES + syllable;
  }
  return id;
}
