"""Reads a store on object storage again and again, as programs do that know nothing of fxticker, and judges each read.

Started by foreign_readers.py, which writes the plan of all rows and tells how far the writer is. It needs neither the
project nor its tests: it runs where the other programs are installed.

A read is right if it has every row once that was acknowledged before it began, and none that was not sent before it
ended. An exception is a loud error. Anything else is wrong. The last line is the result, as JSON.
"""

import argparse
import json
import os
import re
import struct
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

THREE = ("pair", "observed_at", "rate")
BY_S3FS = {"use_listings_cache": False}
HTTP = {"aws_allow_http": "true"}


class Progress:
    """How far the writer is, in a file that it overwrites: the round, snapshots sent, snapshots acknowledged."""

    _FORMAT = struct.Struct("<qqq")

    def __init__(self, path):
        self._file = os.open(path, os.O_RDWR | os.O_CREAT)

    def write(self, *facts):
        os.pwrite(self._file, self._FORMAT.pack(*facts), 0)

    def read(self):
        data = os.pread(self._file, self._FORMAT.size, 0)
        return self._FORMAT.unpack(data) if len(data) == self._FORMAT.size else (-1, 0, 0)


# Each reader returns the rows of a folder `ticks`, all or those of months before `month`, with some columns or all.


def by_pandas(url, month, columns):
    import pandas as pd

    return pd.read_parquet(url, columns=columns, filters=before(month))


def by_pandas_s3fs(url, month, columns):
    import pandas as pd

    return pd.read_parquet(url, columns=columns, filters=before(month), storage_options=BY_S3FS)


def by_pandas_s3fs_cached(url, month, columns):
    import pandas as pd

    return pd.read_parquet(url, columns=columns, filters=before(month), storage_options={"anon": False})


def by_pyarrow(url, month, columns):
    return pq.read_table(url, columns=columns, filters=before(month), page_checksum_verification=True)


def by_polars(url, month, columns):
    import polars as pl

    options = HTTP if url.startswith("s3:") else None
    rows = pl.scan_parquet(f"{url}/*/*/*.parquet", hive_partitioning=True, storage_options=options)
    rows = rows if month is None else rows.filter(pl.col("month") < month)
    return (rows if columns is None else rows.select(columns)).collect().to_arrow()


def by_duckdb(url, month, columns):
    where = "" if month is None else f" WHERE month < '{month}'"
    files = f"read_parquet('{url}/*/*/*.parquet', hive_partitioning = true)"
    return duckdb_connection().execute(f"SELECT {', '.join(columns or ['*'])} FROM {files}{where}").to_arrow_table()


def by_dask(url, month, columns):
    import dask.dataframe as dd

    options = BY_S3FS if url.startswith("s3:") else None
    return dd.read_parquet(url, columns=columns, filters=before(month), storage_options=options).compute()


def by_dask_cached(url, month, columns):
    import dask.dataframe as dd

    return dd.read_parquet(url, columns=columns, filters=before(month)).compute()


def by_dask_arrow(url, month, columns):
    import dask.dataframe as dd

    return dd.read_parquet(url, columns=columns, filters=before(month), filesystem="arrow").compute()


def by_spark(url, month, columns):
    from pyspark.sql import SparkSession

    quiet = SparkSession.builder.config("spark.ui.showConsoleProgress", "false")
    spark = quiet.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    rows = spark.read.parquet(f"file://{url}")
    rows = rows if month is None else rows.filter(rows.month < month)
    return (rows if columns is None else rows.select(*columns)).toArrow()


def by_fxticker(url, month, columns):
    import fxticker as fx
    from fxticker.store import object_file
    from fxticker.store.schema import TICKS

    object_file.END_BYTES = 2000  # so that each file takes two requests, as one of more than 64 kB does
    columns = columns or TICKS.schema.names  # without being asked it leaves `evidence` out
    options = {} if month is None else {"end": f"{month}-01T00:00Z"}
    return fx.load(url.removesuffix("/ticks"), columns=columns, returns="arrow", **options)


READERS = {name.removeprefix("by_"): read for name, read in list(globals().items()) if name.startswith("by_")}


def before(month):
    return None if month is None else [("month", "<", month)]


def duckdb_connection(made=[]):  # noqa: B006 - one connection is kept, as a person keeps one
    if not made:
        import duckdb

        made.append(duckdb.connect())
        made[0].execute("SET TimeZone = 'UTC'")
        if "AWS_ENDPOINT_URL" in os.environ:
            import duckdb_extension_httpfs

            (extension,) = Path(duckdb_extension_httpfs.__file__).parent.rglob("httpfs.duckdb_extension")
            made[0].execute(f"LOAD '{extension}'")
            host = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
            key, secret = (os.environ[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
            made[0].execute(
                f"CREATE SECRET (TYPE s3, KEY_ID '{key}', SECRET '{secret}', ENDPOINT '{host}', USE_SSL false, "
                "URL_STYLE 'path')"
            )
    return made[0]


class Judge:
    """Knows every row that the writer sends, and its number."""

    def __init__(self, plan):
        self._pairs = sorted(set(plan.column("pair").to_pylist()))
        order = np.argsort(self._keys(plan))
        self._numbers = plan.column("number").to_numpy()[order]
        self._months = plan.column("month").to_pylist()
        self._month_of = np.array(self._months)[order]
        self._rows = plan.drop_columns(["number", "month"]).take(order)
        self._sorted_keys = self._keys(self._rows)
        self._per_snapshot = len(self._pairs)
        self.rows = plan.num_rows

    def month_at(self, acknowledged):
        """The month that the last acknowledged snapshot is of; the ones before it are over."""
        return self._months[(acknowledged - 1) * self._per_snapshot]

    def faults(self, table, month, acknowledged, sent):
        """What is wrong with the rows of a read; an empty list if nothing is."""
        if any(table.column(name).null_count for name in THREE):
            return ["nulls"]
        keys = self._keys(table)
        places = np.searchsorted(self._sorted_keys, keys)
        places[places == len(self._sorted_keys)] = 0
        is_planned = self._sorted_keys[places] == keys
        if not is_planned.all() or (self._numbers[places] >= sent).any():
            return ["rows that were not sent"]
        counts = np.bincount(places, minlength=len(self._sorted_keys))
        due = self._numbers < acknowledged
        if month is not None:
            due &= self._month_of < month
            if counts[self._month_of >= month].any():
                return ["rows of another month"]
        faults = []
        if (counts[due] == 0).any():
            faults.append("lost rows")
        if (counts > 1).any():
            faults.append("doubled rows")
        expected = self._rows.select(table.column_names).take(places)
        return faults + [f"another {name}" for name in table.column_names if not same(table[name], expected[name])]

    def _keys(self, table):
        pair = np.searchsorted(self._pairs, table.column("pair").to_numpy())
        return table.column("observed_at").cast(pa.int64()).to_numpy() * len(self._pairs) + pair

    def plain(self, rows, columns):
        """The rows of a reader as a table of plain types."""
        table = rows if isinstance(rows, pa.Table) else pa.Table.from_pandas(rows, preserve_index=False)
        names = self._rows.column_names if columns is None else columns
        schema = pa.schema([self._rows.schema.field(name) for name in names])
        table = table.select(names)
        return pa.table(
            [plain(column).cast(field.type) for column, field in zip(table.columns, schema, strict=True)], schema
        )


def plain(column):
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def same(column, expected):
    return column.combine_chunks().equals(expected.combine_chunks())


def read_once(read, judge, url, progress, form):
    """The verdict on one read: kind of read, "right", "error" or "wrong", and what was wrong."""
    round_, _, acknowledged = progress.read()
    month = judge.month_at(acknowledged)
    month = month if form % 2 == 1 and month > judge.month_at(1) else None
    kind = "all" if month is None else "over"
    columns = list(THREE) if form % 4 > 1 else None
    try:
        rows = judge.plain(read(f"{url}/{round_:05}/ticks", month, columns), columns)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever is raised is a loud error; a panic of Polars is no Exception
        return kind, "error", re.sub(r"[0-9a-f]{5,}|\d+", "#", f"{type(error).__name__}: {error}")
    now, sent, _ = progress.read()
    faults = judge.faults(rows, month, acknowledged, sent if now == round_ else judge.rows)
    return kind, "wrong" if faults else "right", ", ".join(faults)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reader", choices=READERS)
    parser.add_argument("url", help="of the folder of rounds")
    parser.add_argument("folder", type=Path, help="with the plan and the progress")
    parser.add_argument("reads", type=int)
    options = parser.parse_args()
    judge = Judge(pq.read_table(options.folder / "plan.parquet"))
    progress, verdicts, reasons = Progress(options.folder / "progress"), Counter(), Counter()
    while progress.read()[0] < 0:
        time.sleep(0.05)
    started_s = time.monotonic()
    for form in range(options.reads):
        kind, verdict, reason = read_once(READERS[options.reader], judge, options.url, progress, form)
        verdicts[f"{kind} {verdict}"] += 1
        if reason:
            reasons[f"{kind} {verdict}: {' '.join(reason.split())[:160]}"] += 1
    took_s = time.monotonic() - started_s
    print(json.dumps({"verdicts": verdicts, "reasons": dict(reasons.most_common(6)), "took_s": took_s}))


if __name__ == "__main__":
    main()
