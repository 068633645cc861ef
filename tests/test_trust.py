"""Which certificate authorities are trusted: those of a file, or those of the system."""

import os
import ssl
from pathlib import Path

import certifi
import pytest
import trustme
from servers import RawServer, fetcher

from fxticker.errors import ConfigError, Unreachable
from fxticker.fetch.trust import has_system_store, trust_of

HTML = frozenset(["text/html"])
AUTHORITY = trustme.CA()
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok"


class TlsServer(RawServer):
    """A server whose certificate no public authority has signed."""

    def __init__(self):
        super().__init__(lambda exchange: exchange.send(WHOLE))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
        self._listener = context.wrap_socket(self._listener, server_side=True, do_handshake_on_connect=False)

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}/"


@pytest.fixture
def ca_file(tmp_path):
    file = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(file)
    return file


@pytest.fixture
def site():
    with TlsServer() as server:
        yield server.url


def get(url, **options):
    with fetcher(**options) as fetch:
        return fetch(url, media_types=HTML).body


def test_authority_of_the_file_is_trusted(site, ca_file):
    assert get(site, ca_file=ca_file) == b"ok"


def test_unknown_authority_is_not_trusted(site):
    with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        get(site)


def test_host_name_is_checked_with_a_file_too(site, ca_file):
    with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        get(site.replace("127.0.0.1", "localhost"), ca_file=ca_file)


def test_file_replaces_the_authorities_of_the_system(site, monkeypatch, ca_file):
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        get(site, ca_file=Path(certifi.where()))


def test_authorities_of_the_system_are_trusted_and_read_again(site, monkeypatch, ca_file, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with fetcher() as fetch:
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            fetch(site, media_types=HTML)
        monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
        assert fetch(site, media_types=HTML).body == b"ok"


@pytest.fixture
def no_system_store(monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))


def test_packaged_authorities_are_trusted_where_the_system_has_none(site, monkeypatch, no_system_store, ca_file):
    monkeypatch.setattr(certifi, "where", lambda: str(ca_file))
    assert not has_system_store(bundles=())
    assert trust_of(None, bundles=()).verify_mode == ssl.CERT_REQUIRED
    with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        get(site)  # this system has a bundle


def test_folder_of_authorities_is_a_system_store(monkeypatch, no_system_store, tmp_path, ca_file):
    assert not has_system_store(bundles=())
    (tmp_path / "5ed36f99.0").write_bytes(ca_file.read_bytes())
    assert has_system_store(bundles=())


@pytest.mark.parametrize(
    "content", [None, b"", b"no certificate", b"\x30\x82\x00", b"-----BEGIN CERTIFICATE-----\nx\n"]
)
def test_file_without_a_certificate_is_named(tmp_path, content):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"ca\.pem: http\.ca_file: ") as caught:
        fetcher(ca_file=file)
    assert "\n" not in str(caught.value)


def test_folder_in_place_of_the_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"http\.ca_file: "):
        fetcher(ca_file=tmp_path)


def test_pipe_in_place_of_the_file_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "ca.pem")
    with pytest.raises(ConfigError, match=r"ca\.pem: http\.ca_file: is not a regular file"):
        trust_of(tmp_path / "ca.pem")
