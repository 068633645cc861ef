"""What the tests of programs of others share: a store whose numbers are known, served in a network of its own.

`make test-clients` installs the programs; without them the tests are skipped, each with what is missing.
"""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime

import pytest
import trustme
from builders import capture_ticks, tick
from private_network import NAMES
from programs import FOLDER, INTERPRETER, NODE_MODULES, NOW

from fxticker.model.records import TimeBasis
from fxticker.store.store import Store

BANK_DAY = datetime(2026, 5, 24, tzinfo=UTC)
BANK = {"USD/KGS": "87.4500", "EUR/KGS": "101.5076"}
"""Of the list that `tests/payloads/nbkr_daily_2026-05-24.xml` holds."""


@pytest.fixture(scope="session")
def known_store(tmp_path_factory):
    """The packaged history, and official rates of one day three months later."""
    folder = tmp_path_factory.mktemp("known") / "parquet"
    official = {"source": "nbkr", "time_basis": TimeBasis.DATE, "source_date": BANK_DAY.date()}
    Store(folder).append(
        [*capture_ticks(), *(tick(pair, rate, None, BANK_DAY, **official) for pair, rate in BANK.items())]
    )
    return folder


class Network:
    """Runs programs where the hosts they know are the server."""

    def __init__(self, process, folder, home):
        self._enter = ["nsenter", "--net", "--mount", f"--target={process.pid}", f"--wd={home}", "--"]
        authority = str(folder / "trusted.pem")
        trusted = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "PERL_LWP_SSL_CA_FILE")
        self._environment = {
            **dict.fromkeys(trusted, authority),
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, *command, **options):
        """Run a command to its end, and return it with what it printed."""
        return subprocess.run(
            [*self._enter, *command],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            **options,
        )

    def json(self, *command, **options):
        """Return the JSON that a command prints last."""
        done = self.run(*command, **options)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


def _missing_for_network():
    if os.geteuid() != 0:
        return "only root makes a network namespace"
    if missing := [name for name in ("unshare", "nsenter", "ip", "mount") if shutil.which(name) is None]:
        return f"{', '.join(missing)} not installed"
    allowed = subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, check=False).returncode == 0
    return None if allowed else "no network namespace may be made here"


@pytest.fixture(scope="session")
def network(known_store, tmp_path_factory):
    """The store's server under the names of the services, in a network without other hosts."""
    if reason := _missing_for_network():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("network")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "trusted.pem")
    authority.issue_cert(*NAMES).private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    (folder / "hosts").write_text("127.0.0.1 localhost {}\n".format(" ".join(NAMES)))
    bundles = INTERPRETER.parents[1].glob("lib/python3*/site-packages/certifi/cacert.pem")
    replaced = ["hosts=/etc/hosts", *(f"trusted.pem={bundle}" for bundle in bundles)]
    command = ["unshare", "--net", "--mount", sys.executable, FOLDER / "private_network.py", folder, known_store, NOW]
    with subprocess.Popen([*command, *replaced], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        yield Network(process, folder, tmp_path_factory.mktemp("home"))
        process.stdin.close()
        process.wait(20)


@pytest.fixture(scope="session")
def python(network):
    """Run a Python program beside the installed clients, and return the JSON that it prints."""
    if not INTERPRETER.exists():
        pytest.skip("the clients are not installed: `make test-clients`")
    return lambda program: network.json(INTERPRETER, "-c", program)


@pytest.fixture(scope="session")
def node(network):
    """Run a Node program beside the installed clients, and return the JSON that it prints."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    if not NODE_MODULES.is_dir():
        pytest.skip("the clients are not installed: `make test-clients`")
    return lambda program: network.json("env", f"NODE_PATH={NODE_MODULES}", "node", "-e", program)
