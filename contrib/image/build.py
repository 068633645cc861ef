"""Build images without Docker: Debian's packages by mmdebstrap, Python's by their locks, packed by buildah.

    sudo .venv/bin/python contrib/image/build.py recorder full

``recorder`` is for `fxticker run` and what looks after a store, ``full`` for pandas, charts and `fxticker serve` too.
An image is written as a layout of OCI and as an archive for `docker load` and `podman load`. The layout is the same,
byte for byte, for one commit, one list of Debian's packages (debian.lock) and the same buildah; in the archive buildah
also writes its working container's number. The packages come from the mirror of this machine's apt, or of the file that
``--sources`` names; if it has other versions than the list, the build ends and names them. ``--lock`` writes the list
anew. Needs root, mmdebstrap and buildah, and pip beside this Python.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LOCK = HERE / "debian.lock"
REQUIREMENTS = {"recorder": "recorder.txt", "full": "web.txt"}
SUITE, PYTHON = "bookworm", "3.11"
"""Debian 12 and its Python, which is in support until 2028."""
PACKAGES = (
    "?essential",
    "usr-is-merged",  # else usrmerge comes, and 46 MB of Perl
    "python3-minimal,libpython3-stdlib,libstdc++6",  # Apache Arrow needs the library of C++
    "ca-certificates,tzdata",
)
EXCLUDED = ("/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/doc/*", "/usr/lib/*/gconv/*")
INCLUDED = "/usr/share/doc/*/copyright"
EMPTIED = ("etc/apt", "var/lib/apt", "var/log", "var/cache", "tmp", "run")
"""What the installation leaves; among it the names of this machine's mirror."""
REMOVED = ("etc/hostname", "etc/resolv.conf", "etc/machine-id", "var/lib/dpkg/status-old", "var/lib/dpkg/available")
ARROW_PARTS = ("*flight*.so*", "*_s3*.so*")
"""50 MB of Apache Arrow that nothing here uses and that Arrow can be built without: a server, and a client of S3."""
MERGED_USR = "/usr/share/mmdebstrap/hooks/merged-usr"
SUMS = (
    """dpkg-query --admindir="$1/var/lib/dpkg" --show --showformat='${Package}=${Version}\\n' | """
    """APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" xargs apt-cache show | """
    """awk '/^Package:/ {p = $2} /^Version:/ {v = $2} /^SHA256:/ {print p "=" v " " $2}' | sort -u >"$SUMS\""""
)
"""Writes each installed package with its version, and the hash that the mirror's signed index has of it."""
UID = 65532
STATE = "var/lib/fxticker"
PROGRAM = """#!/usr/bin/python3 -P
import sys
from fxticker.__main__ import main
sys.exit(main())
"""
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "FXTICKER_CONFIG": "/etc/fxticker/config.toml",
    "FXTICKER_STORE__PATH": f"/{STATE}/parquet",
    "STATE_DIRECTORY": f"/{STATE}",
    "HOME": f"/{STATE}",
    "MPLCONFIGDIR": "/tmp",  # noqa: S108  a home that is not mounted is read-only
    "PYTHONFAULTHANDLER": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "LC_ALL": "C.UTF-8",
}
HEALTH = (  # for the archive only: OCI has no health checks, as buildah warns
    "--healthcheck=CMD fxticker status",
    "--healthcheck-interval=5m",
    "--healthcheck-start-period=15m",
    "--healthcheck-timeout=30s",
)


def main() -> None:
    """Build the images, and print the digest and the size of each."""
    arguments = parsed()
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or output("git", "-C", ROOT, "log", "-1", "--format=%ct")
    arguments.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.work) as temporary:
        folder = Path(temporary)
        source = committed(folder)
        debian(folder / "debian", arguments.sources, epoch, lock=arguments.lock)
        for name in arguments.names:
            root, result = folder / name, arguments.work / name
            output("cp", "--archive", folder / "debian", root)
            python_packages(root, source / "requirements" / REQUIREMENTS[name], source)
            own_files(root, source)
            shutil.rmtree(result, ignore_errors=True)
            result.mkdir()
            digest = packed(root, name, result, folder, epoch)
            print(f"{name}: {digest}, {unpacked_bytes(root) / 1e6:.0f} MB unpacked, in {result}", flush=True)
            shutil.rmtree(root)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME", nargs="+", choices=REQUIREMENTS, help="recorder or full")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "image", help="where the image is written")
    parser.add_argument("--sources", type=Path, help="a file of apt's, with the mirror to take packages from")
    parser.add_argument("--lock", action="store_true", help="write the list of Debian's packages anew")
    return parser.parse_args()


def output(*command: str | Path, environment: dict[str, str] | None = None) -> str:
    """What a command prints; the script ends if it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, env=environment)  # noqa: S603  our words
    return done.stdout.strip()


def committed(folder: Path) -> Path:
    """The files of the commit, without what was changed since."""
    source = folder / "source"
    source.mkdir()
    output("git", "-C", ROOT, "archive", "--output", f"{source}.tar", "HEAD")
    output("tar", "--extract", "--file", f"{source}.tar", "--directory", source)
    return source


def debian(root: Path, sources: Path | None, epoch: str, *, lock: bool) -> None:
    """Make the Debian, and compare its packages, by version and hash, with the list."""
    mirrors = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
    sources = sources or next(path for path in mirrors if path.exists())
    sums = root.with_name("sums")
    options = [f"--include={names}" for names in PACKAGES]
    options += [f"--dpkgopt=path-exclude={path}" for path in EXCLUDED]
    options += [
        f"--dpkgopt=path-include={INCLUDED}",
        "--dpkgopt=force-unsafe-io",
        f"--hook-dir={MERGED_USR}",
        f"--customize-hook={SUMS}",
    ]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch, "SUMS": str(sums)}
    output("mmdebstrap", "--quiet", "--variant=custom", *options, SUITE, root, sources, environment=environment)
    found = sums.read_text("ascii")
    if lock:
        LOCK.write_text(found, "ascii")
    elif found != LOCK.read_text("ascii"):
        others = sorted({*found.splitlines()} ^ {*LOCK.read_text("ascii").splitlines()})
        sys.exit(f"{LOCK} and the mirror differ in {', '.join(others)}: name a mirror with --sources, or give --lock")
    for name in EMPTIED:
        shutil.rmtree(root / name)
        (root / name).mkdir(mode=0o1777 if name == "tmp" else 0o755)
        (root / name).chmod(0o1777 if name == "tmp" else 0o755)
    for name in REMOVED:
        (root / name).unlink(missing_ok=True)


def python_packages(root: Path, requirements: Path, source: Path) -> None:
    """Install the locked packages and the project, compiled, without what is not used: tests, headers, scripts."""
    site = root / "usr/local/lib" / f"python{PYTHON}" / "dist-packages"
    platforms = [f"--platform=manylinux_2_{minor}_{os.uname().machine}" for minor in (28, 27, 24, 17, 12, 5)]
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-compile"]
    wanted = [
        "--only-binary=:all:",
        "--implementation=cp",
        f"--python-version={PYTHON}",
        *platforms,
        "--target",
        str(site),
    ]
    output(*pip, *wanted, "--require-hashes", "--requirement", requirements)
    output(sys.executable, "-m", "flit_core.wheel", "--outdir", source / "dist", source)
    output(*pip, *wanted, "--upgrade", "--no-deps", "--no-index", "--find-links", str(source / "dist"), "fxticker")
    for part in [path for pattern in ARROW_PARTS for path in (site / "pyarrow").glob(pattern)]:
        part.unlink()
    for name in ("bin", "share", "pyarrow/include"):
        shutil.rmtree(site / name, ignore_errors=True)
    for record in site.glob("*.dist-info/RECORD"):  # scripts that are not there, by hashes of this checkout's folder
        lines = record.read_text("utf-8").splitlines(keepends=True)
        record.write_text("".join(line for line in lines if not line.startswith("../../bin/")), "utf-8")
    for tests in [path for path in site.rglob("tests") if path.is_dir() and path.parent.name != "fxticker"]:
        shutil.rmtree(tests, ignore_errors=True)
    places = ("/usr/lib/python3", f"/usr/lib/python{PYTHON}", f"/usr/local/lib/python{PYTHON}")
    for cache in [path for place in places for path in (root / place[1:]).rglob("__pycache__")]:
        shutil.rmtree(cache)  # these rely on the time of their source, which the image does not keep
    compiled = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", *places]
    output("chroot", root, "/usr/bin/python3", *compiled)


def own_files(root: Path, source: Path) -> None:
    """The program, its configuration, its account and the folder of its state."""
    program = root / "usr/local/bin/fxticker"
    program.write_text(PROGRAM, "ascii")
    program.chmod(0o755)
    (root / "etc/fxticker").mkdir()
    shutil.copy(source / "config.toml", root / "etc/fxticker")
    for name, line in (("passwd", f"fxticker:x:{UID}:{UID}::/{STATE}:/bin/sh"), ("group", f"fxticker:x:{UID}:")):
        with (root / "etc" / name).open("a", encoding="ascii") as file:
            file.write(line + "\n")
    (root / STATE).mkdir()
    os.chown(root / STATE, UID, UID)


def unpacked_bytes(root: Path) -> int:
    """Bytes of all files, each once however many names it has."""
    stats = [path.lstat() for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    return sum({stat.st_ino: stat.st_size for stat in stats}.values())


def packed(root: Path, name: str, work: Path, folder: Path, epoch: str) -> str:
    """Pack the folder as an image of one layer, into `work`; returns the digest of its manifest."""
    own_storage = ["--root", f"{folder}/storage", "--runroot", f"{folder}/run", "--storage-driver", "vfs"]

    def buildah(*words: str) -> str:
        return output("buildah", *own_storage, *words)

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    container = buildah("from", "scratch")
    output("cp", "--archive", f"{root}/.", buildah("mount", container))
    buildah("umount", container)
    labels = {
        "title": f"fxticker, {name}",
        "description": "Recorder of Central Asian exchange rates",
        "version": version(root),
        "licenses": project["license"],
    }
    settings = [f"--label=org.opencontainers.image.{key}={value}" for key, value in labels.items()]
    settings += [f"--annotation=org.opencontainers.image.{key}={value}" for key, value in labels.items()]
    settings += [f"--env={key}={value}" for key, value in ENVIRONMENT.items()]
    settings += [f"--user={UID}:{UID}", f"--workingdir=/{STATE}", f"--volume=/{STATE}", "--stop-signal=SIGTERM"]
    settings += ['--entrypoint=["fxticker"]', "--cmd=run"]
    buildah("config", *settings, "--os=linux", container)
    commit = ("commit", "--quiet", "--timestamp", epoch)
    buildah(*commit, "--format=oci", container, f"oci:{work}/oci:{name}")
    buildah("config", *HEALTH, container)
    buildah(*commit, "--format=docker", container, f"docker-archive:{work}/{name}.tar:fxticker:{name}")
    return str(json.loads((work / "oci/index.json").read_text("utf-8"))["manifests"][0]["digest"])


def version(root: Path) -> str:
    """The version of the project that is installed in the image."""
    code = "from importlib.metadata import version; print(version('fxticker'))"
    return output("chroot", root, "/usr/bin/python3", "-c", code)


if __name__ == "__main__":
    main()
