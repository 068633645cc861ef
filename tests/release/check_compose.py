"""Have Docker run contrib/compose.yaml in a booted Debian: metrics are scraped and alerts fire, whatever is restarted.

Before that docker-compose reads it, and what the services may do is asserted. The recorder polls a ticker site of
loopback; for Prometheus stands an image made from Debian's package, as its own comes from elsewhere. Needs root,
mmdebstrap, buildah, systemd-nspawn (Debian's systemd-container) and docker-compose, whose Python reads YAML; some three
minutes, and those of `make images` where the images are older than HEAD.
"""

import json
import shutil
import subprocess
import sys
import time

from debian_root import CONFIG, ROOT, WORK, booted, debian, require

FILE = ROOT / "contrib" / "compose.yaml"
PRINT = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)"
OWN = ("recorder", "serve")
IMAGES = ROOT / "build" / "image"
PACKAGES = ("systemd-sysv", "dbus", "docker.io", "docker-compose", "iptables", "prometheus", "ca-certificates")
PROJECT = "srv/fxticker"
SITE = """
services:
  site:
    image: fxticker:recorder
    command: [demo-site]
    network_mode: host
"""
IMPORT = """
systemctl stop prometheus
image=$(mktemp --directory) && chmod 755 $image && cd $image && mkdir -p bin etc/prometheus prometheus
cp /usr/bin/prometheus bin
for library in $(ldd bin/prometheus | grep -o '/[^ ]*'); do install -D $library .$library; done
echo nobody:x:65534:65534::/: >etc/passwd && chown nobody prometheus
tar --create . | docker import --change 'USER nobody' --change 'WORKDIR /prometheus' --change 'VOLUME /prometheus' \\
    --change 'ENTRYPOINT ["/bin/prometheus"]' \\
    --change 'CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]' - prom/prometheus
"""
"""Makes an image with the account and the places of the official one."""
COMPOSE = ("docker-compose", "--file", f"/{PROJECT}/contrib/compose.yaml", "--file", f"/{PROJECT}/site.yaml")
ASK = "import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())"
PROMETHEUS = "http://127.0.0.1:9090/api/v1"
WAIT_S = 60


def main():
    """Read, boot, run."""
    require("docker-compose")
    figures = is_read()
    require("mmdebstrap", "buildah", "systemd-nspawn", "unshare", "nsenter")
    root = WORK / "compose"
    debian(root, PACKAGES)
    lay_out(root / PROJECT)
    with booted(root, binds=[(images(), "/images")], log=WORK / "compose.log", has_all_rights=True) as call:
        for name in ("recorder", "full"):
            call("docker", "load", "--quiet", "--input", f"/images/{name}/{name}.tar")
        call("sh", "-euc", IMPORT, stdout=subprocess.DEVNULL)
        figures += runs(call)
    shutil.rmtree(root)
    print("figures: " + ", ".join(figures))


def is_read():
    """Have docker-compose read the file, and assert what the services may do."""
    read = ["docker-compose", "--file", FILE, "config"]
    text = subprocess.run(read, capture_output=True, check=True).stdout
    whole = json.loads(
        subprocess.run(["/usr/bin/python3", "-c", PRINT], input=text, capture_output=True, check=True).stdout
    )
    services = whole["services"]
    assert all(services[name]["healthcheck"]["test"][0] == "CMD" for name in OWN)
    for name, service in services.items():
        assert service["read_only"], name
        assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    return [f"{len(services)} services, {len(whole['volumes'])} volumes"]


def lay_out(project):
    """Copy the project's files, with the trial's configuration, and Prometheus quicker than in use."""
    shutil.copytree(ROOT / "contrib" / "prometheus", project / "contrib" / "prometheus")
    shutil.copy(FILE, project / "contrib")
    (project / "config.toml").write_text(CONFIG, "utf-8")
    (project / "site.yaml").write_text(SITE, "utf-8")
    for name, slow, quick in (("prometheus.yml", "interval: 1m", "interval: 1s"), ("fxticker.rules.yml", "5m", "2s")):
        file = project / "contrib" / "prometheus" / name
        file.write_text(file.read_text("utf-8").replace(slow, quick), "utf-8")


def images():
    """The folder of the images of HEAD; they are built where there are none."""
    stamp = subprocess.run(["git", "-C", ROOT, "log", "-1", "--format=%ct"], capture_output=True, check=True).stdout
    archives = [IMAGES / name / f"{name}.tar" for name in ("recorder", "full")]
    if not all(archive.exists() and archive.stat().st_mtime > int(stamp) for archive in archives):
        subprocess.run([sys.executable, ROOT / "contrib/image/build.py", "recorder", "full"], check=True)
    return IMAGES


def runs(call):
    """Start it, break it, restart its parts, and end it."""
    call(*COMPOSE, "up", "--detach")
    up_s = waited(call, "targets", lambda data: [target["health"] for target in data["activeTargets"]] == ["up"])
    rates = json.loads(asked(call, "http://127.0.0.1:8080/v1/latest?base=USD"))["rates"]
    assert len(rates) == 5, rates
    [group] = json.loads(asked(call, f"{PROMETHEUS}/rules"))["data"]["groups"]
    first = start_of_the_recorder(call)
    call("sh", "-euc", "kill -KILL $(docker inspect --format '{{.State.Pid}}' contrib_recorder_1)")
    waited(call, "query?query=fxticker_start_time_seconds", lambda data: start_in(data) not in {None, first})
    waited(call, "alerts", lambda data: "FxtickerDown" not in firing(data))
    call(*COMPOSE, "stop", "recorder")
    fired_s = waited(call, "alerts", lambda data: "FxtickerDown" in firing(data))
    call(*COMPOSE, "restart")
    waited(call, "alerts", lambda data: "FxtickerDown" not in firing(data))
    call(*COMPOSE, "down")
    call("docker", "volume", "inspect", "contrib_store", "contrib_metrics", stdout=subprocess.DEVNULL)
    return [f"scraped after {up_s:.0f} s", f"{len(group['rules'])} rules", f"an alert {fired_s:.0f} s after the stop"]


def start_of_the_recorder(call):
    """When the recorder that was scraped last was started, as Prometheus has it."""
    return start_in(json.loads(asked(call, f"{PROMETHEUS}/query?query=fxticker_start_time_seconds"))["data"])


def start_in(data):
    """The value of the only series of an answer; None if there is none."""
    return data["result"][0]["value"][1] if data["result"] else None


def firing(data):
    """Names of the alerts that fire."""
    return {alert["labels"]["alertname"] for alert in data["alerts"] if alert["state"] == "firing"}


def waited(call, path, is_so):
    """Wait until an answer of Prometheus' API is so; returns the seconds that it took."""
    begun_s, answer = time.monotonic(), None
    while time.monotonic() < begun_s + WAIT_S:
        answer = asked(call, f"{PROMETHEUS}/{path}")
        if answer and is_so(json.loads(answer)["data"]):
            return time.monotonic() - begun_s
        time.sleep(0.5)
    sys.exit(f"not within {WAIT_S} s: {path}\n{answer}")


def asked(call, url):
    """What is answered in the Debian; empty if nothing is."""
    done = call("sh", "-c", f"python3 -c '{ASK}' '{url}' || true", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.stdout.decode()


if __name__ == "__main__":
    main()
