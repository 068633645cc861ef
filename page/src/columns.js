// Columns of a Parquet file: instants as microseconds since 1970 UTC, texts as they are.
import { parquetRead } from "hyparquet";

const decoder = new TextDecoder();
const parsers = {
  timestampFromMicroseconds: Number, // below 2^53 until the year 2255
  timestampFromMilliseconds: (value) => Number(value) * 1000,
  timestampFromNanoseconds: (value) => Number(value / 1000n),
  dateFromDays: Number,
  stringFromBytes: (bytes) => bytes && decoder.decode(bytes),
};

/** Reads some columns of a file, given its bytes: an array per column, by name. */
export async function readColumns(file, names) {
  const columns = Object.fromEntries(names.map((name) => [name, []]));
  const append = (name, data) => {
    if (!columns[name].length) columns[name] = data; // nearly always there is no other part
    else columns[name] = Array.from(columns[name]).concat(Array.from(data));
  };
  await parquetRead({
    file,
    columns: names,
    parsers,
    onChunk: ({ columnName, columnData }) => append(columnName, columnData),
  });
  return columns;
}
