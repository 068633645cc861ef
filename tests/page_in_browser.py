"""What headless Chromium and axe find on a page: violations of accessibility, and boxes wider than a sheet or phone."""

import base64
import json
import subprocess
from pathlib import Path

from browser import CHROMIUM, TIMEOUT_S

AXE = Path(__file__).parent / "node" / "node_modules" / "axe-core" / "axe.min.js"
SHEET_PX, PHONE_PX = 688, 360
"""Width of A4 without the margins of the style sheet, 182 mm at 96 dots per inch, and of a small phone."""
_FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    *("--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9", "--virtual-time-budget=60000"),
]
_DARK = "--blink-settings=preferredColorScheme=0"
_POLICY = '<meta http-equiv="Content-Security-Policy"'
_SHOW = """<script>
function show(found) {
  const shown = document.createElement("pre");
  shown.id = "found";
  shown.textContent = btoa(unescape(encodeURIComponent(JSON.stringify(found))));
  document.body.replaceChildren(shown);
}
</script>"""
_AXE = """<script>AXE</script><script>
addEventListener("load", async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  const violations = found.violations.map((rule) => [rule.id, rule.nodes.map((node) => node.target.join(" "))]);
  const colours = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  show({ colours, violations, passes: found.passes.length });
});
</script>"""
_BOXES = """<script>
function beyond(box, frame) {
  return box.width > 0 && (box.right > frame.right + 1 || box.left < frame.left - 1);
}
function wide() {
  const page = { left: 0, right: document.documentElement.clientWidth };
  const scrolls = (element) => [...document.querySelectorAll(".scroll")].some(
    (frame) => frame !== element && frame.contains(element) && getComputedStyle(frame).overflowX === "auto");
  const boxes = [...document.body.querySelectorAll("*")].filter((element) => !element.closest("svg *"));
  const cut = [...document.body.querySelectorAll("svg text")].filter(
    (text) => beyond(text.getBoundingClientRect(), text.closest("svg").getBoundingClientRect()));
  const found = [...boxes.filter((box) => !scrolls(box) && beyond(box.getBoundingClientRect(), page)), ...cut];
  return found.map((element) => `${element.localName}: ${element.textContent.slice(0, 60)}`);
}
addEventListener("load", () => parent.postMessage({ width: document.documentElement.clientWidth, wide: wide() }, "*"));
</script>"""
_FRAME = """<!doctype html><body><iframe style="border: 0" width="WIDTH" height="900"></iframe><script>
addEventListener("message", (event) => show(event.data));
document.querySelector("iframe").srcdoc = decodeURIComponent(escape(atob("PAGE")));
</script></body>"""


def axe_findings(page, folder, *, dark=False):
    """What axe finds on a page, given as text: ``violations``, each a rule and its elements, and the ``colours``."""
    script = _AXE.replace("AXE", AXE.read_text("utf-8"))
    return _run(_with_scripts(page, f"{_SHOW}{script}"), folder, *([_DARK] if dark else []))


def wide_boxes(page, folder, width_px, *, is_print=False):
    """The elements of a page that reach beyond a width, but those that scroll in a frame of their own, as ``wide``."""
    if is_print:
        assert "@media print" in page
        page = page.replace("@media print", "@media screen")
    inner = base64.b64encode(_with_scripts(page, _BOXES).encode("utf-8")).decode("ascii")
    return _run(_SHOW + _FRAME.replace("WIDTH", str(width_px)).replace("PAGE", inner), folder)


def _with_scripts(page, scripts):
    """The page with scripts at its end, and without its policy, which lets none run."""
    assert page.count(_POLICY) == page.count("</body>") == 1
    return page.replace(_POLICY, "<meta").replace("</body>", f"{scripts}</body>")


def _run(page, folder, *flags):
    file = folder / "page.html"
    file.write_text(page, "utf-8")
    command = [CHROMIUM, *_FLAGS, *flags, f"--user-data-dir={folder / 'profile'}", "--window-size=1200,900"]
    done = subprocess.run([*command, "--dump-dom", file.as_uri()], capture_output=True, timeout=TIMEOUT_S, check=True)
    encoded = done.stdout.decode("utf-8").partition('<pre id="found">')[2].partition("</pre>")[0]
    assert encoded, "Chromium ended before the page had been examined"
    return json.loads(base64.b64decode(encoded))
