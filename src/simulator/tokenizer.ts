/** Text to ids and back: by a model folder's own `tokenizer.json` when there is one, by a stand-in otherwise. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { ByteLevelBpe } from "./bpe.ts";
import { StandIn } from "./stand-in-tokenizer.ts";

/** What a tokenizer of either kind can do. */
export interface TokenTable {
  encode(text: string): number[];
  /** The bytes of an id; none for special tokens and ids past the end. */
  bytesOf(id: number): Buffer;
  /** The id as the tokenizer's own table writes it. */
  pieceOf(id: number): string;
}

/** Turns text into ids and back for one model. */
export class Tokenizer {
  /** Ids below this have text; undefined where no tokenizer was found and a stand-in has a word for every id. */
  readonly knownIds: number | undefined;
  private readonly table: TokenTable;
  private readonly eos: number;

  /**
   * @param folder looked at for a `tokenizer.json`
   * @param vocab number of ids of the model
   * @param eos id that ends a text and has none of its own
   */
  constructor(folder: string, vocab: number, eos: number) {
    const found = findTable(folder);
    this.knownIds = found?.size;
    this.table = found ?? new StandIn(vocab);
    this.eos = eos;
  }

  /** Text to ids; the same text always gives the same ids. */
  encode(text: string): number[] {
    return this.table.encode(text);
  }

  /** Ids to text; bytes that are no text become replacement characters. */
  decode(ids: readonly number[]): string {
    return Buffer.concat(ids.map((id) => this.bytesOf(id))).toString("utf8");
  }

  /** The text of one id. */
  textOf(id: number): string {
    return this.bytesOf(id).toString("utf8");
  }

  /** The id as the tokenizer's own table writes it, e.g. `Ġthe`. */
  pieceOf(id: number): string {
    return this.table.pieceOf(id);
  }

  /** A decoder of a stream: it keeps bytes back that are not yet a character. */
  stream(): TokenStream {
    return new TokenStream((id) => this.bytesOf(id));
  }

  private bytesOf(id: number): Buffer {
    return id === this.eos ? NOTHING : this.table.bytesOf(id);
  }
}

const NOTHING = Buffer.alloc(0);

/** Text that appears token by token. */
export class TokenStream {
  private readonly decoder = new StringDecoder("utf8");
  private readonly bytesOf: (id: number) => Buffer;

  constructor(bytesOf: (id: number) => Buffer) {
    this.bytesOf = bytesOf;
  }

  /** The text that a token completes. */
  push(id: number): string {
    return this.decoder.write(this.bytesOf(id));
  }

  /** What is left when no token follows. */
  end(): string {
    return this.decoder.end();
  }
}

function findTable(folder: string): ByteLevelBpe | undefined {
  const file = join(folder, "tokenizer.json");
  return existsSync(file) ? ByteLevelBpe.parse(readFileSync(file, "utf8")) : undefined;
}
