"""HTTP API in the shapes of Open Exchange Rates and Fixer."""

import pytest
from builders import cases
from web_client import Client

CASES = cases("web_shapes")


@pytest.fixture(scope="module")
def client(history_store):
    return Client(history_store)


def named(found, expected):
    """What an answer has of the members that are expected."""
    return {name: found[name] for name in expected}


@pytest.mark.parametrize("case", CASES["answer"], ids=lambda case: case["path"])
def test_answer_has_the_members_of_its_shape(client, case):
    answer = client.get(case["path"])
    assert answer.status_code == 200
    found = answer.json()
    if case["path"].startswith("/currencies.json"):
        assert case["body"].items() <= found.items()
    else:
        assert named(found, case["body"]) == case["body"]


@pytest.mark.parametrize("case", CASES["error"], ids=lambda case: case["path"])
def test_error_has_the_members_of_its_shape(client, case):
    answer = client.get(case["path"])
    assert answer.status_code == case["status"]
    assert named(answer.json(), case["body"]) == case["body"]


def test_every_shape_gives_the_same_numbers(client):
    expected = {row["quote"]: row["rate"] for row in client.get("/v2/rates?base=USD").json()}
    for path in ("/latest.json", "/fixer/latest?base=USD"):
        assert client.get(path).json()["rates"] == expected
    del expected["USD"]
    assert client.get("/v1/latest?base=USD").json()["rates"] == expected
