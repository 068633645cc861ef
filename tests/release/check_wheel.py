"""Build the release twice and look into the wheel: same bytes, true record, valid bill of materials, nothing else."""

import base64
import csv
import hashlib
import json
import zipfile

from built import built
from cyclonedx.validation.json import JsonStrictValidator
from sbom import VERSION


def main():
    """Check, and print one line of figures."""
    files, again = built(), built("again")
    assert [file.read_bytes() for file in files] == [file.read_bytes() for file in again], "two builds differ"
    wheel, sdist, bill, _ = files
    assert all(file.stat().st_mode & 0o444 == 0o444 for file in files), "a file is not for all accounts to read"
    with zipfile.ZipFile(wheel) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    require_record(content)
    tops = {name.partition("/")[0] for name in content}
    version = wheel.name.split("-")[1]
    assert tops == {"fxticker", f"fxticker-{version}.dist-info", f"fxticker-{version}.data"}, tops
    inside = content[f"fxticker-{version}.dist-info/sboms/{bill.name}"]
    assert inside == bill.read_bytes()
    problem = JsonStrictValidator(VERSION).validate_str(inside.decode())
    assert problem is None, problem
    packages = len(json.loads(inside)["components"])
    print(
        f"wheel: {wheel.stat().st_size:,} bytes, {len(content)} files; sdist: {sdist.stat().st_size:,} bytes; "
        f"SBOM: {packages} packages, valid CycloneDX {VERSION.to_version()}; two builds are equal"
    )


def require_record(content):
    """Compare each file of a wheel with the hash and size that its record has."""
    (record,) = (name for name in content if name.endswith(".dist-info/RECORD"))
    rows = {name: (digest, size) for name, digest, size in csv.reader(content[record].decode().splitlines())}
    assert rows.keys() == content.keys()
    for name, data in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
        assert name == record or rows[name] == (f"sha256={digest}", str(len(data))), name


if __name__ == "__main__":
    main()
