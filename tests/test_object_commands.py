"""Commands and the daemon with a store on an object storage; the last tests run on a server."""

import uuid

import pytest
from builders import capture_ticks
from click.testing import CliRunner
from object_servers import BUCKET, environment

from fxticker.cli import app
from fxticker.cli.mirror import require_apart
from fxticker.errors import StoreError
from fxticker.store.store import Store


def test_url_that_names_no_bucket_is_wrong_usage():
    result = CliRunner().invoke(app, ["latest", "--store", "s3://B"])

    assert result.exit_code == 2
    assert "must be s3://bucket or s3://bucket/prefix" in result.output


@pytest.mark.parametrize(("left", "right"), [("s3://a/b", "s3://a/b"), ("s3://a", "s3://a/b"), ("s3://a/b", "s3://a")])
def test_mirror_into_the_store_itself_is_refused(left, right):
    with pytest.raises(StoreError, match="lies in it"):
        require_apart(left, right)
    require_apart("s3://a/b", "s3://a/bc")


@pytest.fixture
def location(seaweedfs_endpoint, monkeypatch):
    for name, value in environment(seaweedfs_endpoint).items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{uuid.uuid4()}"


def output(*arguments):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.slow
def test_commands_answer_as_on_a_disk(location, tmp_path):
    folder = tmp_path / "parquet"
    for store in (Store(location), Store(folder)):
        store.append(capture_ticks())

    for command in (
        ["history", "--pair", "KZT"],
        ["drift", "--start", "2025-11-10", "--end", "2025-11-11", "--max-age", "any"],
        ["gaps"],
    ):
        arguments = [*command, "--format", "csv"]
        assert output(*arguments, "--store", location) == output(*arguments, "--store", str(folder))
    assert "no damage" in output("check", "--store", location)


@pytest.mark.slow
def test_mirror_goes_to_object_storage_and_back(location, tmp_path):
    folder, back = tmp_path / "parquet", tmp_path / "back"
    Store(folder).append(capture_ticks())

    output("mirror", location, "--store", str(folder))
    output("restore", location, "--store", str(back))

    assert Store(back).check() == []
    names = {path.relative_to(folder) for path in folder.glob("ticks/**/*.parquet")}
    assert {path.relative_to(back) for path in back.glob("ticks/**/*.parquet")} == names
    assert (back / "store.id").read_text() == (folder / "store.id").read_text()
