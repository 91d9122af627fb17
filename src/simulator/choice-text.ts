/** The text of one choice as it grows: detokenized, cut at stop strings, counted. */
import type { ApiRequest, Choice } from "./api-types.ts";
import type { FinishReason } from "./scheduler.ts";
import type { Emission } from "./simulation.ts";
import type { Tokenizer, TokenStream } from "./tokenizer.ts";

/** What one event adds to a choice. */
export interface Delta {
  text: string;
  tokens: Emission["tokens"];
  finish: FinishReason | undefined;
  /** The stop string or the id that ended the choice. */
  stopReason: string | number | null;
}

/** One choice's progress. */
export class ChoiceText {
  readonly choice: Choice;
  generated = 0;
  cached = 0;
  /** Characters of the tokens reported so far, for `text_offset`. */
  offset = 0;
  done = false;
  private readonly request: ApiRequest;
  private readonly stream: TokenStream;
  /** Characters that might be the start of a stop string. */
  private readonly keep: number;
  private held = "";
  /** The end of what was shown, where a stop string that is shown too may begin. */
  private shown = "";
  private readonly longest: number;

  constructor(choice: Choice, request: ApiRequest, tokenizer: Tokenizer) {
    this.choice = choice;
    this.request = request;
    this.stream = tokenizer.stream();
    this.longest = Math.max(0, ...request.stop.map((text) => text.length));
    this.keep = request.includeStop ? 0 : Math.max(0, this.longest - 1);
  }

  /** Takes an event of the engine; what comes after a stop is dropped. */
  take(emission: Emission): Delta {
    this.cached = emission.record.cached;
    for (let i = 0; i < emission.tokens.length; i++) {
      const { token } = emission.tokens[i]!;
      this.generated++;
      const stopReason = this.generated > this.request.minTokens ? this.stopAt(token) : this.add(token);
      if (stopReason === null) continue;
      this.done = true;
      return {
        text: this.release(true),
        tokens: emission.tokens.slice(0, i + 1),
        finish: "stop",
        stopReason,
      };
    }
    this.done = emission.finish !== undefined;
    if (this.done) this.held += this.stream.end();
    return {
      text: this.release(this.done),
      tokens: emission.tokens,
      finish: emission.finish,
      stopReason: null,
    };
  }

  private add(token: number): null {
    this.held += this.stream.push(token);
    return null;
  }

  private stopAt(token: number): string | number | null {
    const { stop, stopTokenIds, includeStop } = this.request;
    if (stopTokenIds.includes(token)) {
      if (includeStop) this.add(token);
      return token;
    }
    this.add(token);
    for (const text of stop) {
      const at = (this.shown + this.held).indexOf(text);
      if (at < 0) continue;
      const end = (includeStop ? at + text.length : at) - this.shown.length;
      this.held = this.held.slice(0, end);
      return text;
    }
    return null;
  }

  private release(all: boolean): string {
    const length = all ? this.held.length : Math.max(0, this.held.length - this.keep);
    const text = this.held.slice(0, length);
    this.held = this.held.slice(length);
    if (this.request.includeStop && this.longest > 1)
      this.shown = (this.shown + text).slice(1 - this.longest);
    return text;
  }
}
