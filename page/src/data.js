// Data of a view: the columns of those files that it needs, each read once.
import { readColumns } from "./columns.js";
import { POLL_COLUMNS, pollsOf } from "./polls.js";
import { objectsOf, readBytes } from "./site.js";
import { RETRACTION_COLUMNS, TICK_COLUMNS, retractedIn, turned, valuesOf } from "./ticks.js";
import { DAY, instantOf } from "./time.js";

export const TICKER = "timesca";
const MOST_ROWS = 2_000_000; // eleven years of five pairs at a poll every quarter of an hour; some seconds to read

export const inversePair = (pair) => pair.split("/").reverse().join("/");

/** Reads files of a manifest; what it has read of files that are still named is kept for the next manifest. */
export class Data {
  #read = new Map();
  #upto = Infinity;
  #objects = { ticks: [], polls: [], retractions: [] };

  follow(manifest) {
    const isFirst = !this.#objects.retractions.length && objectsOf(manifest, "retractions").length > 0;
    if (isFirst) this.#read.clear(); // what was read lacks the column that a retraction names
    for (const kind of Object.keys(this.#objects)) this.#objects[kind] = objectsOf(manifest, kind);
    const named = new Set(Object.values(this.#objects).flat().map((each) => each.file));
    for (const file of this.#read.keys()) if (!named.has(file)) this.#read.delete(file);
    this.#upto = manifest.frozen ? instantOf(manifest.published_at) : Infinity;
  }

  /** The first and the last instant of a pair's ticks; undefined if there are none. */
  extent(pair) {
    const files = this.#ticks(pair).filter((each) => each.rows && instantOf(each.first_at) <= this.#upto);
    if (!files.length) return undefined;
    const last = Math.max(...files.map((each) => instantOf(each.last_at)));
    return { first: Math.min(...files.map((each) => instantOf(each.first_at))), last: Math.min(last, this.#upto) };
  }

  /**
   * The values of a pair in a span, and before it as far back as they count at its start: [{ source, values, polls }],
   * the ticker first, then the source with most values. holds(source) is the age up to which a value counts. Where a source prints the
   * inverse, its values are turned.
   */
  async lines(pair, from, to, holds) {
    const [parts, polls, retractions] = await this.read(pair, from, to, holds);
    const sources = [...new Set(parts.map((each) => each.source))];
    const of = (columns, source) => columns.filter((each) => each.source === source);
    const lines = sources.flatMap((source) => {
      const options = { upto: this.#upto, retracted: retractedIn(of(retractions, source)) };
      const direct = valuesOf(of(parts, source), pair, options);
      const values = direct.at.length ? direct : turned(valuesOf(of(parts, source), inversePair(pair), options));
      return values.at.length ? [{ source, values, polls: pollsOf(of(polls, source), this.#upto) }] : [];
    });
    const rank = ({ source, values }) => (source === TICKER ? Infinity : values.at.length);
    return lines.sort((a, b) => rank(b) - rank(a));
  }

  /** The earliest instant from which a pair's ticks up to another one are few enough to be read. */
  readableFrom(pair, to) {
    let rows = 0;
    const files = this.#ticks(pair).filter((each) => overlaps(each, -Infinity, to));
    files.sort((a, b) => instantOf(b.last_at) - instantOf(a.last_at));
    const over = files.findIndex((each) => (rows += each.rows) > MOST_ROWS);
    return over < 0 ? -Infinity : instantOf(files[Math.max(over - 1, 0)].first_at);
  }

  /** Reads the columns of ticks, polls and retractions that a view needs. */
  read(pair, from, to, holds) {
    const ticks = this.#ticks(pair).filter((each) => overlaps(each, from - holds(each.source) - DAY, to));
    const sources = new Set(ticks.map((each) => each.source));
    const polls = this.#objects.polls.filter((each) => sources.has(each.source) && overlaps(each, from, to));
    return Promise.all([
      this.#columns(ticks, [...TICK_COLUMNS, ...(this.#objects.retractions.length ? ["change_text"] : [])]),
      this.#columns(polls, POLL_COLUMNS),
      this.#columns(this.#objects.retractions, RETRACTION_COLUMNS),
    ]);
  }

  #ticks(pair) {
    const names = [pair, inversePair(pair)];
    return this.#objects.ticks.filter((each) => each.pairs.some((name) => names.includes(name)));
  }

  #columns(files, names) {
    return Promise.all(files.map(({ file, source }) => {
      if (!this.#read.has(file)) {
        const read = readBytes(file).then((bytes) => readColumns(bytes, names));
        read.catch(() => this.#read.delete(file)); // the next attempt reads it again
        this.#read.set(file, read);
      }
      return this.#read.get(file).then((columns) => ({ ...columns, source }));
    }));
  }
}

function overlaps(file, from, to) {
  return file.rows && instantOf(file.last_at) >= from && instantOf(file.first_at) <= to;
}
