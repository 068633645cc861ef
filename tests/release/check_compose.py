"""Have docker-compose read contrib/compose.yaml, and assert what the services may do; nothing is started.

Needs Debian's docker-compose, whose Python reads YAML.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from debian_root import ROOT

FILE = ROOT / "contrib" / "compose.yaml"
PRINT = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)"
OWN = ("recorder", "serve")


def main():
    """Read it, assert, print."""
    if not os.access("/usr/bin/docker-compose", os.X_OK):
        print("not run: it needs docker-compose")
        sys.exit(0)
    read = ["/usr/bin/docker-compose", "--file", FILE, "config"]
    text = subprocess.run(read, capture_output=True, check=True).stdout
    whole = json.loads(
        subprocess.run(["/usr/bin/python3", "-c", PRINT], input=text, capture_output=True, check=True).stdout
    )
    services = whole["services"]
    assert all(services[name]["healthcheck"]["test"][0] == "CMD" for name in OWN)
    for name, service in services.items():
        assert service["read_only"], name
        assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
        # A network of another service ends when that one is restarted, and this one stays behind in it.
        assert service.get("network_mode", "host") == "host", name
        for mounted in service["volumes"]:
            outside = mounted.split(":")[0]
            assert outside in whole["volumes"] or Path(outside).exists(), f"{outside} does not exist"
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert services["recorder"]["environment"]["FXTICKER_MONITORING__LISTEN"] == "127.0.0.1:9464"
    assert "--web.listen-address=127.0.0.1:9090" in services["prometheus"]["command"]
    print(f"figures: {len(services)} services, {len(whole['volumes'])} volumes, no port beyond this machine")


if __name__ == "__main__":
    main()
