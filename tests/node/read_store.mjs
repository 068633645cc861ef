// Prints the rows of Parquet files as hyparquet reads them, as one JSON array a file.
//
//     node read_store.mjs [--compressors] FILE…
//
// Instants are microseconds since the epoch and dates days since then, as texts: a JavaScript Date has milliseconds.
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";

const files = process.argv.slice(2);
const options = files[0] === "--compressors" ? { compressors } : {};
if (options.compressors) files.shift();
const parsers = {
  timestampFromMicroseconds: (microseconds) => `${microseconds}`,
  dateFromDays: (days) => `${days}`,
};
const asText = (key, value) => (typeof value === "bigint" ? Number(value) : value);
const tables = [];
for (const name of files) {
  const file = await asyncBufferFromFile(name);
  tables.push(await parquetReadObjects({ file, parsers, ...options }));
}
console.log(JSON.stringify(tables, asText));
