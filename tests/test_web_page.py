"""Published page over HTTP: its files are served with a policy that lets it run, and nothing else of the folder is."""

import pytest
from builders import NOON, FixedClock, tick
from click.testing import CliRunner
from web_client import Client

from fxticker.cli import app
from fxticker.page.publish import publish
from fxticker.store.store import Store
from fxticker.web.app import build


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    store = Store(folder / "store", clock=FixedClock(NOON))
    store.append([tick()])
    publish(store, folder / "site", at=NOON)
    (folder / "site" / "notes.txt").write_text("mine")
    client = Client(store, now=NOON)
    client.app = build(client.reader, page=folder / "site")
    return client, folder / "site"


def test_page_may_run_its_own_script_and_reach_no_other_host(served):
    client, _ = served
    answer = client.get("/page/")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    [policy] = answer.headers.get_list("content-security-policy")
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_path_without_its_slash_leads_to_the_page(served):
    client, _ = served
    answer = client.get("/page?x")
    assert (answer.status_code, answer.headers["location"]) == (308, "page/")


def test_files_of_the_manifest_are_served_as_they_are(served):
    client, folder = served
    manifest = client.get("/page/manifest.json").json()
    names = [*(each["file"] for each in manifest["objects"]), *manifest["twins"][0]["files"]]

    assert len(names) == 8
    assert [client.get(f"/page/{name}").content for name in names] == [(folder / name).read_bytes() for name in names]


def test_replaced_manifest_is_served_at_once_and_a_known_one_not_again(served):
    client, folder = served
    before = client.get("/page/manifest.json")
    assert client.get("/page/manifest.json", if_none_match=before.headers["etag"]).status_code == 304
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text + "\n")

    assert client.get("/page/manifest.json").text == text + "\n"
    (folder / "manifest.json").write_text(text)


@pytest.mark.parametrize(
    "name", ["notes.txt", ".publish.lock", "../store/store.id", "%2e%2e/store/store.id", "data/", "x"]
)
def test_no_other_file_can_be_named(served, name):
    client, _ = served
    assert client.get(f"/page/{name}").status_code == 404


def test_server_without_a_page_has_none_and_data_keep_their_policy(served, root):
    client, _ = served
    assert Client(root).get("/page/").status_code == 404
    assert client.get("/").headers["content-security-policy"].startswith("default-src 'none'; frame-ancestors 'none'")


def test_command_refuses_a_folder_without_a_page(tmp_path):
    done = CliRunner().invoke(app, ["serve", "--page", str(tmp_path)])
    assert (done.exit_code, "has no manifest.json" in done.output) == (2, True)
