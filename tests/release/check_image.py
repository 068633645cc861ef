"""Build the images twice, and run what they are for in containers as they are meant to run.

The root is read-only, the account 65532, without capabilities and without a network but loopback, where a ticker site
answers. Needs root, mmdebstrap, buildah, umoci and runc; some fifteen minutes, most of them for packages.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

from debian_root import CONFIG, ROOT, WORK, require

CHECKED = WORK / "image"
LIMIT_MB = {"recorder": 360, "full": 450}
FILES = ROOT / "tests" / "release"
AT_WORK = "python3 /check/loopback_site.py /check/mode & exec fxticker run"
CONTAINER = "fxticker-release"


def main():
    """Build, compare, run."""
    require("mmdebstrap", "buildah", "umoci", "runc")
    digests = built()
    for name in LIMIT_MB:
        shutil.rmtree(CHECKED / name)
    elsewhere = CHECKED / "environment"  # pip writes its own folder into the scripts of packages
    shutil.copytree(sys.prefix, elsewhere, symlinks=True, dirs_exist_ok=True)
    assert built(elsewhere / "bin" / "python") == digests, "two builds of one commit differ"
    shutil.rmtree(elsewhere)
    figures = [f"{name} {digest}" for name, digest in digests.items()]
    for name, limit_mb in LIMIT_MB.items():
        archive = CHECKED / name / f"{name}.tar"
        has_what_docker_reads(archive)
        bundle = unpacked(CHECKED / name / "oci", name)
        size_mb = unpacked_mb(bundle / "rootfs")
        figures += [f"{name} {size_mb:.0f} MB unpacked, {archive.stat().st_size / 1e6:.0f} MB as an archive"]
        assert size_mb < limit_mb, figures
        figures += records(bundle) if name == "recorder" else demonstrates(bundle)
    shutil.rmtree(CHECKED)
    print("figures: " + ", ".join(figures))


def built(python=sys.executable):
    """Build the images; returns their digests."""
    command = [python, ROOT / "contrib/image/build.py", *LIMIT_MB, "--work", CHECKED]
    subprocess.run(command, check=True)
    return {name: manifest_digest(CHECKED / name / "oci") for name in LIMIT_MB}


def manifest_digest(layout):
    """The digest of the only image of a layout."""
    [manifest] = json.loads((layout / "index.json").read_text("utf-8"))["manifests"]
    return manifest["digest"]


def has_what_docker_reads(archive):
    """The archive names account, program, labels and health check."""
    listing = subprocess.run(["tar", "-xOf", archive, "manifest.json"], capture_output=True, check=True)
    [manifest] = json.loads(listing.stdout)
    listing = subprocess.run(["tar", "-xOf", archive, manifest["Config"]], capture_output=True, check=True)
    settings = json.loads(listing.stdout)["config"]
    assert settings["User"] == "65532:65532"
    assert settings["Entrypoint"] == ["fxticker"]
    assert settings["Healthcheck"]["Test"][:3] == ["CMD", "fxticker", "status"]
    assert settings["Labels"]["org.opencontainers.image.licenses"] == "MIT"


def unpacked(layout, name):
    """Unpack an image as a bundle for runc, with what its containers need."""
    bundle = CHECKED / "bundle"
    shutil.rmtree(bundle, ignore_errors=True)
    subprocess.run(["umoci", "unpack", "--image", f"{layout}:{name}", bundle], check=True)
    for folder in ("check", "state"):
        (bundle / folder).mkdir()
    os.chown(bundle / "state", 65532, 65532)
    (bundle / "rootfs/check").mkdir()
    shutil.copy(FILES / "loopback_site.py", bundle / "check")
    (bundle / "check/mode").write_text("ok", "ascii")
    (bundle / "config.toml").write_text(CONFIG, "utf-8")
    restrict(bundle)
    return bundle


def restrict(bundle):
    """Give the bundle's containers the rules of the compose file."""
    file = bundle / "config.json"
    spec = json.loads(file.read_text("utf-8"))
    spec["process"].update(terminal=False, noNewPrivileges=True, capabilities={})
    spec["root"]["readonly"] = True
    spec["mounts"] += [
        {"type": "bind", "source": str(bundle / "check"), "destination": "/check", "options": ["bind", "ro"]},
        {
            "type": "bind",
            "source": str(bundle / "config.toml"),
            "destination": "/etc/fxticker/config.toml",
            "options": ["bind", "ro"],
        },
        {"type": "bind", "source": str(bundle / "state"), "destination": "/var/lib/fxticker", "options": ["bind"]},
        {"type": "tmpfs", "source": "tmpfs", "destination": "/tmp", "options": ["mode=1777"]},
    ]
    file.write_text(json.dumps(spec), "utf-8")


def unpacked_mb(folder):
    """Million bytes of the files of a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 1e6


@contextmanager
def container(bundle, *arguments, writes_to):
    """A container of a bundle, in the background; it is ended afterwards."""
    file = bundle / "config.json"
    spec = json.loads(file.read_text("utf-8"))
    spec["process"]["args"] = list(arguments)
    file.write_text(json.dumps(spec), "utf-8")
    with writes_to.open("wb") as log:
        process = subprocess.Popen(["runc", "run", "--bundle", bundle, CONTAINER], stdout=log, stderr=log)
    try:
        yield process
    finally:
        subprocess.run(["runc", "delete", "--force", CONTAINER], check=False)
        process.wait()


def inside(*command):
    """Run a command in the container."""
    return subprocess.run(["runc", "exec", CONTAINER, *command], capture_output=True, text=True, check=False)


def records(bundle):
    """The daemon polls, is healthy, writes only where it may, and stops within five seconds."""
    with container(bundle, "/bin/sh", "-c", AT_WORK, writes_to=CHECKED / "daemon.log") as process:
        begun_s = time.monotonic()
        while (status := inside("fxticker", "status")).returncode and time.monotonic() < begun_s + 60:
            time.sleep(0.5)
        healthy_s = time.monotonic() - begun_s
        assert status.returncode == 0, status.stdout + status.stderr
        assert "/etc/fxticker/config.toml" in inside("fxticker", "doctor").stdout
        assert inside("id", "--user").stdout == "65532\n"
        assert "Read-only" in inside("touch", "/usr/x").stderr
        assert "Read-only" in inside("touch", "/etc/fxticker/x").stderr
        assert "KZT/USD" in inside("fxticker", "latest").stdout
        assert "pandas" in inside("fxticker", "drift", "--start", "yesterday").stderr
        stopped_s = -time.monotonic()
        subprocess.run(["runc", "kill", CONTAINER, "TERM"], check=True)
        assert process.wait(timeout=30) == 0
        stopped_s += time.monotonic()
    assert stopped_s < 5
    return [f"healthy after {healthy_s:.1f} s", f"stopped in {stopped_s:.1f} s"]


def demonstrates(bundle):
    """`fxticker demo` does the whole job, charts included."""
    begun_s = time.monotonic()
    with container(bundle, "fxticker", "demo", "-o", "demo", writes_to=CHECKED / "demo.log") as process:
        assert process.wait(timeout=600) == 0, (CHECKED / "demo.log").read_text("utf-8")
    demo_s = time.monotonic() - begun_s
    charts = sorted(path.name for path in (bundle / "state/demo").glob("*.png"))
    assert charts == ["compare.png", "drift.png", "history.png"]
    answers(bundle)
    return [f"demo {demo_s:.0f} s"]


def answers(bundle):
    """`fxticker serve`, as the compose file starts it, answers from the store of the demonstration."""
    ask = "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:8080/openapi.json').status)"
    serve = ("fxticker", "serve", "--store", "demo/history", "--listen", "0.0.0.0:8080")
    with container(bundle, *serve, writes_to=CHECKED / "serve.log"):
        end_s = time.monotonic() + 60
        while (answer := inside("python3", "-c", ask)).returncode and time.monotonic() < end_s:
            time.sleep(0.5)
    assert answer.stdout == "200\n", answer.stderr


if __name__ == "__main__":
    main()
