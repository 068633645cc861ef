"""What an image is built from is written down: Debian's packages by version and hash, without the name of a mirror."""

import re
from pathlib import Path

CONTRIB = Path(__file__).parents[1] / "contrib"
LOCK = (CONTRIB / "image" / "debian.lock").read_text("ascii")


def test_each_debian_package_has_a_version_and_a_hash():
    lines = LOCK.splitlines()
    assert lines == sorted(set(lines))
    assert all(re.fullmatch(r"[a-z0-9.+-]+=[\w.:~+-]+ [0-9a-f]{64}", line) for line in lines)


def test_packages_that_a_first_image_lacked_are_listed():
    names = {line.partition("=")[0] for line in LOCK.splitlines()}
    assert {"libstdc++6", "ca-certificates", "tzdata", "python3.11-minimal", "libpython3.11-stdlib"} <= names
    assert not {"perl", "apt", "usrmerge"} & names


def test_build_and_compose_file_name_no_registry_and_no_mirror():
    text = LOCK + (CONTRIB / "image" / "build.py").read_text("utf-8") + (CONTRIB / "compose.yaml").read_text("utf-8")
    assert set(re.findall(r"https?://[^/\s:]+", text)) == {"http://127.0.0.1"}
    assert not re.search(r"^\s*image: [^/\s]+\.[^/\s]+/", text, re.MULTILINE)
