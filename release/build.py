"""Build a release into dist/: the wheel with its bill of materials inside, the source distribution, and checksums.

The committed files of HEAD are built, whatever else is in the folder, with the commit's time in the archives: two
builds of a commit have the same bytes.
"""

import base64
import csv
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from contextlib import chdir
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from flit_core import buildapi
from sbom import PROJECT, sbom

ROOT = Path(__file__).parents[1]
CHECKSUMS = "SHA256SUMS"


def build(into: Path) -> list[Path]:
    """Build the release of HEAD and return its files: wheel, source distribution, bill of materials, checksums."""
    commit, made_s = _git("show", "--no-patch", "--format=%H %ct", "HEAD").decode().split()
    os.environ["SOURCE_DATE_EPOCH"] = made_s
    into.mkdir(parents=True, exist_ok=True)
    into = into.resolve()
    with TemporaryDirectory(prefix="fxticker-release-") as folder:
        source = Path(folder)
        with tarfile.open(fileobj=io.BytesIO(_git("archive", "HEAD"))) as archive:
            archive.extractall(source, filter="data")
        with chdir(source):
            wheel = into / buildapi.build_wheel(str(into))
            sdist = into / buildapi.build_sdist(str(into))
        version = wheel.name.split("-")[1]
        bill = into / f"{PROJECT}-{version}.cdx.json"
        bill.write_text(sbom(source, version, commit, datetime.fromtimestamp(int(made_s), UTC)), "utf-8")
    wheel.chmod(0o644)  # flit's is for this account alone; another one, such as root's installation, reads it too
    add_to_wheel(wheel, f"{PROJECT}-{version}.dist-info/sboms/{bill.name}", bill.read_bytes())
    sums = into / CHECKSUMS
    files = [wheel, sdist, bill]
    sums.write_text("".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files))
    return [*files, sums]


def add_to_wheel(wheel: Path, name: str, content: bytes) -> None:
    """Add a file to a wheel, and to its record; where PEP 770 has bills of materials, ``.dist-info/sboms/``."""
    with zipfile.ZipFile(wheel) as archive:
        entries = [(entry, archive.read(entry)) for entry in archive.infolist()]
    (record, lines), others = entries[-1], entries[:-1]
    if not record.filename.endswith(".dist-info/RECORD"):
        raise SystemExit(f"{wheel}: its last file is {record.filename}, not the record")
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    rows = [*csv.reader(lines.decode().splitlines())]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([*rows[:-1], [name, f"sha256={digest}", len(content)], rows[-1]])
    added = zipfile.ZipInfo(name, record.date_time)
    added.external_attr, added.compress_type = record.external_attr, zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, data in [*others, (added, content), (record, text.getvalue().encode())]:
            archive.writestr(entry, data)


def _git(*words: str) -> bytes:
    command = ["git", "-C", ROOT, *words]
    return subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603


if __name__ == "__main__":
    for file in build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist"):
        print(f"{file.stat().st_size:>10,}  {file}")
