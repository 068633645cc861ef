"""Boot a Debian with systemd in systemd-nspawn, install the service as docs/running.md says, and assert its claims.

Needs root, mmdebstrap and systemd-nspawn (Debian's systemd-container); some ten minutes. The container has no network
but its loopback, where a ticker site answers.
"""

import shutil
import sys

from debian_root import ROOT, WORK, booted, debian, download, require, run_in
from page_blocks import blocks
from systemd_claims import SITE

PACKAGES = ("systemd-sysv", "dbus", "libpam-systemd", "polkitd", "python3-venv", "ca-certificates", "sudo", "iproute2")
MODULES = ("systemd_claims.py", "service_facts.py", "page_blocks.py", "loopback_site.py")
CHECK_FILES = (
    *(ROOT / "tests" / "release" / name for name in MODULES),
    ROOT / "docs" / "running.md",
    *sorted((ROOT / "contrib" / "systemd").iterdir()),
)


def main():
    """Build, install, boot, assert."""
    require("mmdebstrap", "systemd-nspawn", "unshare", "nsenter")
    root = WORK / "systemd"
    debian(root, PACKAGES)
    download(ROOT / "requirements" / "run.txt", WORK / "wheels")
    check = root / "check"
    check.mkdir()
    for file in CHECK_FILES:
        shutil.copy(file, check)
    shutil.copy(ROOT / "tests" / "release" / "sandbox_probe.py", root / "usr/local/bin/fxticker-alert")
    install(root)
    with booted(root, log=WORK / "boot.log") as call:
        call("/usr/bin/python3", "-B", "/check/systemd_claims.py")
    shutil.rmtree(root)


def install(root):
    """Run the page's first block as it stands; packages and editor are at hand."""
    page = ROOT / "docs" / "running.md"
    (root / "etc/pip.conf").write_text("[global]\nno-index = true\nfind-links = /wheels\n", "utf-8")
    (root / "check/config.toml").write_text(blocks(page, "System service", "toml")[0] + SITE, "utf-8")
    script = "cd /src\nexport SUDO_EDITOR='cp /check/config.toml'\n" + blocks(page, "System service", "sh")[0]
    run_in(root, script, binds=[(ROOT, "/src"), (WORK / "wheels", "/wheels")])


if __name__ == "__main__":
    sys.exit(main())
