"""Requests made from OpenAPI documents, Frankfurter's own and the server's, are answered as the documents say.

Frankfurter's documents are no part of the project: without them those tests are skipped.
"""

import json
import re
import subprocess
import sys
import urllib.request

import pytest
from programs import FOLDER, INTERPRETER, NOW

pytestmark = pytest.mark.slow

DOCUMENTS = FOLDER.parents[2] / "shared" / "api"
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method"
)
"""Whether a request is accepted is not among them: version 1 ignores what it cannot read, and the documents do not say
which currencies there are."""
EXAMPLES = {
    "2024-01-15": "2025-12-10",
    "2024-01-01": "2025-12-01",
    "2024-01-31": "2025-12-31",
    "USD,GBP,JPY": "KGS,KZT,UZS",
    "USD,GBP": "KGS,KZT",
    "ECB,TCMB": "timesca,nbkr",
}
"""Days, currencies and sources of Frankfurter's examples, and those of the store in their place."""


@pytest.fixture(scope="module")
def url(known_store, tmp_path_factory):
    """A server of the store on loopback."""
    command = [sys.executable, "-m", "fxticker", "serve", "--store", known_store, "--at", NOW]
    folder = tmp_path_factory.mktemp("served")
    with subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder
    ) as process:
        yield re.search(r"http://[^/]+", process.stdout.readline())[0]
        process.terminate()


@pytest.fixture
def tried(tmp_path):
    """Try a server by a document, and return how many requests were made; all must be answered as it says."""
    if not INTERPRETER.exists():
        pytest.skip("schemathesis is not installed: `make test-clients`")

    def run(document, base, *options, config=FOLDER / "schemathesis.toml"):
        file = tmp_path / "openapi.json"
        file.write_text(json.dumps(document))
        command = [INTERPRETER.with_name("schemathesis"), "--no-color", "--config-file", config, "run"]
        done = subprocess.run(
            [*command, file, "--url", base, "--seed", "1", "--no-shrink", *options],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr
        return int(re.search(r"(\d+) generated", done.stdout)[1])

    return run


def frankfurter(version):
    """The document of a version, with examples that the store has."""
    file = DOCUMENTS / f"frankfurter-{version}.openapi.json"
    if not file.exists():
        pytest.skip(f"{file.name} is not here")
    text = file.read_text("utf-8")
    for theirs, ours in EXAMPLES.items():
        text = text.replace(f'"example": "{theirs}"', f'"example": "{ours}"')
    return json.loads(text)


def with_currencies_of_the_store(document):
    """Version 1 lists Frankfurter's 31 currencies and five decimals, and leaves out the errors that it answers with."""
    schemas, responses = document["components"]["schemas"], document["components"]["responses"]
    schemas["base"]["enum"] += ["KGS", "KZT", "TJS", "TMT", "UZS"]
    del schemas["rates"]["additionalProperties"]["multipleOf"]
    for path, item in document["paths"].items():
        if path != "/currencies":
            item["get"]["responses"]["422"] = responses["NotFound"]
    return document


def test_requests_of_version_1_of_frankfurter(url, tried):
    assert tried(with_currencies_of_the_store(frankfurter("v1")), f"{url}/v1", "-c", CHECKS, "-n", "80") >= 400


def test_requests_of_version_2_of_frankfurter(url, tried):
    assert tried(frankfurter("v2"), f"{url}/v2", "-c", CHECKS, "-n", "80") >= 400


def test_requests_of_the_document_of_the_server(url, tried):
    with urllib.request.urlopen(f"{url}/openapi.json") as answer:
        document = json.load(answer)
    del document["paths"]["/healthz"]  # nothing is polled here, so that it is 503
    del document["paths"]["/live"]  # it has no end
    assert tried(document, url, "-n", "20") >= 1000


@pytest.mark.parametrize(
    ("left_out", "needed"), [({"at", "from", "to", "group"}, ()), ({"at", "date"}, ("from",))], ids=["day", "range"]
)
def test_parameters_that_do_not_contradict_each_other_are_never_refused(url, tried, tmp_path, left_out, needed):
    with urllib.request.urlopen(f"{url}/openapi.json") as answer:
        document = json.load(answer)
    document["paths"] = {path: document["paths"][path] for path in ("/v2/rates", "/v2/rates.csv")}
    for item in document["paths"].values():
        parameters = [each for each in item["get"]["parameters"] if each["name"] not in left_out]
        item["get"]["parameters"] = [each | {"required": each["name"] in needed} for each in parameters]
    config = tmp_path / "empty.toml"
    config.touch()
    assert tried(document, url, "-n", "80", config=config) >= 150
