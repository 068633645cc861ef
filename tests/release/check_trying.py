"""Go by docs/trying.md in an empty Debian with systemd and no network: with the wheel, then as a service.

Needs root, mmdebstrap and systemd-nspawn (Debian's systemd-container); some four minutes. `check_image.py` is about
containers.
"""

import shutil
import subprocess
import sys
import time

from built import wheel
from debian_root import ROOT, WORK, booted, debian, download, require
from page_blocks import blocks

PACKAGES = ("systemd-sysv", "dbus", "python3-venv", "ca-certificates", "sudo")
PAGE = ROOT / "docs" / "trying.md"
FOLDER = "srv/try"
WAIT_S = 20
PAIRS = 5


def main():
    """Build, boot, go by the page."""
    require("mmdebstrap", "systemd-nspawn", "unshare", "nsenter")
    root = WORK / "trying"
    debian(root, PACKAGES)
    download(ROOT / "requirements" / "run.txt", WORK / "wheels")
    (root / "etc/pip.conf").write_text("[global]\nno-index = true\nfind-links = /wheels\n", "utf-8")
    (root / FOLDER / "dist").mkdir(parents=True)
    shutil.copy(wheel(), root / FOLDER / "dist")
    (root / FOLDER / "try.toml").write_text(blocks(PAGE, "Trying a recorder", "toml")[0], "utf-8")
    (alone,) = blocks(PAGE, "With the wheel", "sh")
    start, charts, end = blocks(PAGE, "As a service of systemd", "sh")
    chart = root / FOLDER / "history.png"
    with booted(root, binds=[(WORK / "wheels", "/wheels")], log=WORK / "trying.log") as call:
        alone_s = gone_by(call, f"{alone}kill %1", chart)
        service_s = gone_by(call, f"set -e; {start}sleep {WAIT_S}\n{charts}", chart)
        call("sh", "-ec", end)
        left = [name for name in ("var/lib/fxticker", "etc/systemd/system/fxticker.service") if (root / name).exists()]
        assert not left, left
    shutil.rmtree(root)
    print(f"figures: a chart after {alone_s:.0f} s with the wheel, {service_s:.0f} s with the service")


def gone_by(call, script, chart):
    """Run commands of the page in the folder, and assert that they print all pairs and draw; return the seconds."""
    began_s = time.monotonic()
    words = ("env", "--ignore-environment", "PATH=/usr/sbin:/usr/bin", "bash", "-mc", f"cd /{FOLDER}\n{script}")
    shown = call(*words, stdout=subprocess.PIPE, text=True).stdout
    assert shown.count("/USD ") == PAIRS, shown
    assert chart.read_bytes().startswith(b"\x89PNG")
    chart.unlink()
    return time.monotonic() - began_s


if __name__ == "__main__":
    sys.exit(main())
