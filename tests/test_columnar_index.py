"""Common Crawl's columnar index: the captures of the index by URL, from the few parts of its files that hold them."""

import io
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archive_server import COLUMNAR, TIMESCA_PART, ArchiveServer, columnar_row
from builders import FixedClock
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from laws import law
from test_archive import AUGUST, EMPTY, JULY, THE_13TH, archived

import fxticker as fx
from fxticker.backfill.archive import backfill_from_archive
from fxticker.backfill.columnar_index import holding, keys_of
from fxticker.backfill.commoncrawl import CommonCrawl
from fxticker.cli.backfill import backfill as command
from fxticker.errors import ParseError
from fxticker.fetch.client import Fetcher
from fxticker.fetch.throttle import Throttle
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.store import Store

SUMMER = (date(2025, 7, 1), date(2025, 8, 31))
WWW = archived("20250805101112", THE_13TH, "https://www.timesca.com/about/")
MOVED = archived("20250806101112", b"", "https://timesca.com/old/", status="301")
NOTHING = archived("20250807101112", EMPTY, "https://timesca.com/nothing/")
MALFORMED = archived("20250808101112", THE_13TH, "not an address")


@pytest.fixture
def fetcher():
    with Fetcher(timeout_s=10, max_bytes=1_000_000, user_agent="fxticker-test (loopback)") as client:
        yield client


def archive(url, fetcher, *, is_columnar=True):
    throttle = Throttle(clock=FixedClock(), sleep=[].append)
    return CommonCrawl(url, url, fetcher=fetcher, throttle=throttle, max_bytes=1_000_000, is_columnar=is_columnar)


def listed(server, fetcher, bad=None, *, is_columnar=True):
    bad = [] if bad is None else bad
    found = archive(server.url, fetcher, is_columnar=is_columnar)
    return [capture for part in found.listings("timesca.com", *SUMMER, bad.append) for capture in part]


def test_captures_are_those_of_the_index_by_url(fetcher):
    with ArchiveServer(JULY, AUGUST, WWW, MOVED, NOTHING, MALFORMED) as server:
        bad = [], []
        columnar, by_url = (listed(server, fetcher, bad[way], is_columnar=not way) for way in (0, 1))
    assert columnar == by_url
    assert [capture.digest for capture in columnar] == [capture.digest for capture in by_url]
    assert len(columnar) == 4
    assert [len(rows) for rows in bad] == [1, 1]


def test_few_footers_and_no_columns_of_other_files_are_requested(fetcher):
    with ArchiveServer(JULY) as server:
        assert len(listed(server, fetcher)) == 1
        files = [path.split("part-")[1][:5] for path in server.requested("/cc-index/") if "2025-30" in path]
        assert server.requested("/CC-MAIN") == []
    assert len(set(files)) <= 5
    [site] = {number for number in files if files.count(number) > 1}
    assert int(site) == TIMESCA_PART


def test_backfill_stores_the_captures_and_a_second_run_requests_none(tmp_path, fetcher):
    store = Store(tmp_path / "parquet")
    with ArchiveServer(JULY, AUGUST, NOTHING) as server:
        for number in (3, 0):
            found = archive(server.url, fetcher)
            summary = backfill_from_archive(SOURCE, found, first=SUMMER[0], last=SUMMER[1], store=store)
            assert len(server.requested("/crawl-data/")) == 2 + number  # two lists of files, and the captures
            server.requests.clear()
        assert (summary.listed, summary.known, summary.read) == (3, 3, 0)
    assert len(fx.load(store)) == 10


def written(table, **options):
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def damaged_footer(data):
    begin = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    return data[:begin] + bytes(32) + data[begin + 32 :]


ROW = columnar_row("com,timesca)/", None, "CC-MAIN-2025-33")
TABLE = pa.Table.from_pylist([ROW], COLUMNAR)
FAULTS = {
    "no Parquet": (b"rubbish" * 20, "not a Parquet file"),
    "footer too long": (written(TABLE)[:-8] + b"\xff\xff\xff\x7fPAR1", "a footer of"),
    "footer damaged": (damaged_footer(written(TABLE)), "part-"),
    "no keys": (written(TABLE.drop_columns(["url_surtkey"])), "no column url_surtkey"),
    "no statistics": (written(TABLE, write_statistics=False), "no statistics"),
    "no file names": (written(TABLE.drop_columns(["warc_filename"])), "no column warc_filename"),
    "not sorted": (written(TABLE.set_column(0, "url_surtkey", pa.array(["com,a)/"]))), "not sorted"),
    "no columns": (written(TABLE).replace(b"PAR1", b"PAR1" + bytes(90), 1), "part-"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_damaged_index_ends_the_run_by_name(tmp_path, fetcher, fault):
    data, reason = FAULTS[fault]
    with ArchiveServer(JULY) as server:
        server.columnar[TIMESCA_PART] = data
        found = archive(server.url, fetcher)
        store = Store(tmp_path / "parquet")
        summary = backfill_from_archive(SOURCE, found, first=SUMMER[0], last=SUMMER[1], store=store)
    assert reason in summary.stopped


def test_row_group_of_too_many_rows_is_not_read(monkeypatch, fetcher):
    monkeypatch.setattr("fxticker.backfill.columnar_index.MAX_ROWS", 2)
    with ArchiveServer(JULY) as server, pytest.raises(ParseError, match="3 rows in a row group, more than 2"):
        listed(server, fetcher)


def test_list_of_files_that_is_none_ends_the_run(fetcher):
    with ArchiveServer(JULY) as server:
        server.answers = [None, (200, {}, b"/etc/passwd\n../x/subset=warc/y.parquet\n")]
        with pytest.raises(ParseError, match="no list of the files"):
            listed(server, fetcher)


class File:
    def __init__(self, keys):
        self.keys = keys
        self.looked_at = False

    def bounds(self):
        self.looked_at = True
        return self.keys[0], self.keys[-1]


@law(200)
@given(keys=st.lists(st.text("abc,)", min_size=1, max_size=4), min_size=1, max_size=60), size=st.integers(1, 9))
def test_every_file_with_a_key_between_the_bounds_is_found(keys, size):
    keys = sorted([*keys, "a"])
    files = [File(keys[begin : begin + size]) for begin in range(0, len(keys), size)]
    lowest, highest = keys_of("a.b")
    wanted = [file for file in files if any(lowest <= key < highest for key in file.keys)]
    found = list(holding(files, lowest, highest))
    assert [file for file in found if file in wanted] == wanted
    assert sum(file.looked_at for file in files) <= len(found) + len(bin(len(files)))


@pytest.mark.parametrize(
    ("key", "is_of_site"),
    [
        ("com,timesca)/", True),
        ("com,timesca)/about?x=1", True),
        ("com,timesca,www)/", True),
        ("com,timescape)/", False),
        ("com,timesca-x)/", False),
        ("com,times)/", False),
    ],
)
def test_keys_of_a_site_are_those_of_its_host_and_subdomains(key, is_of_site):
    lowest, highest = keys_of("timesca.com")
    assert (lowest <= key < highest) == is_of_site


def test_command_searches_the_columnar_index(tmp_path, monkeypatch):
    for name in ("commoncrawl.INDEX_PAUSE_S", "commoncrawl.DATA_PAUSE_S", "columnar_index.PAUSE_S"):
        monkeypatch.setattr(f"fxticker.backfill.{name}", 0)
    config = tmp_path / "config.toml"
    with ArchiveServer(JULY, AUGUST) as server:
        config.write_text(
            f'[archives]\ncommoncrawl_index = "{server.url}"\ncommoncrawl_data = "{server.url}"\n'
            f'[http]\nuser_agent = "test (loopback)"\n'
        )
        arguments = ["timesca", "--from-archive", "--archive", "commoncrawl-columnar", "--start", "2025-07-01"]
        places = ["--end", "2025-08-31", "--config", str(config), "--store", str(tmp_path / "parquet")]
        shown = CliRunner().invoke(command, [*arguments, *places])
        assert server.requested("/CC-MAIN") == []
    assert "2 captures listed" in shown.stdout, shown.output
    assert "2 captures read" in shown.stdout
