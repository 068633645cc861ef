"""What a browser shows: the text of pages as headless Chromium renders them, for tests that compare it with the parser.

Chromium is a tool of development only. It gets local files with the pages in them, each rendered in a frame of its own,
and may reach no host.
"""

import base64
import json
import shutil
import subprocess

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
TIMEOUT_S = 300
_PAGES_OF_A_PROCESS = 1_000
_FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--dump-dom"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    *("--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9", "--virtual-time-budget=600000"),
]
_DRIVER = """<!doctype html><meta charset="utf-8"><body><pre id="shown"></pre>
<script id="pages" type="application/json">PAGES</script>
<script>
function inlineShadowTrees(root) {
  // innerText leaves shadow trees out: each host is replaced by an element like it that holds what it shows, the tree
  // with its slots filled. Inner hosts come with the tree that they stand in.
  for (let host; (host = [...root.querySelectorAll("*")].find((element) => element.shadowRoot));) {
    const flat = document.createElement(host.localName);
    for (const { name, value } of host.attributes) flat.setAttribute(name, value);
    const slots = [...host.shadowRoot.querySelectorAll("slot")].map((slot) => [slot, slot.assignedNodes()]);
    for (const [slot, assigned] of slots) slot.replaceWith(...(assigned.length ? assigned : slot.childNodes));
    flat.append(...host.shadowRoot.childNodes);
    host.replaceWith(flat);
  }
}
function emptyUnseenBoxes(root) {
  // A block that is not painted still parts what stands before and behind it; innerText joins the two.
  for (const element of root.querySelectorAll("*")) {
    const { contentVisibility, display, visibility } = getComputedStyle(element);
    const isSeen = visibility === "visible" || [...element.querySelectorAll("*")].some(
      (inner) => getComputedStyle(inner).visibility === "visible");
    if ((contentVisibility !== "hidden" && isSeen) || /^(inline|none|contents|ruby|table-)/.test(display)) continue;
    element.replaceChildren();
    element.style.contentVisibility = element.style.visibility = "visible";
  }
}
function shownBy(page, frame) {
  // A document that is written anew is parsed and styled as a loaded one is, in a fraction of the time.
  const text = frame.contentDocument;
  text.open(); text.write(page); text.close();
  inlineShadowTrees(text.body);
  emptyUnseenBoxes(text.body);
  return text.body.innerText;
}
async function main() {
  const pages = JSON.parse(document.getElementById("pages").textContent);
  const texts = [];
  const frame = document.createElement("iframe");
  frame.width = 1200; frame.height = 800; frame.srcdoc = "<!doctype html>";
  const loaded = new Promise((resolve) => { frame.onload = resolve; });
  document.body.append(frame);
  await loaded;
  for (const page of pages) texts.push(shownBy(page, frame));
  document.getElementById("shown").textContent = btoa(unescape(encodeURIComponent(JSON.stringify(texts))));
}
main();
</script></body>"""


def shown_texts(pages, folder):
    """The visible text of each page, given as HTML text: `document.body.innerText`, with its shadow trees inlined."""
    parts = [pages[start : start + _PAGES_OF_A_PROCESS] for start in range(0, len(pages), _PAGES_OF_A_PROCESS)]
    texts = [text for part in parts for text in _render(part, folder)]
    assert len(texts) == len(pages)
    return texts


def _render(pages, folder):
    # A script cannot look into a closed shadow root, which is shown as an open one is.
    readable = [page.replace("shadowrootmode=closed", "shadowrootmode=open") for page in pages]
    file = folder / "pages.html"
    data = json.dumps(readable).replace("<", "\\u003c")
    file.write_text(_DRIVER.replace("PAGES", data), "utf-8")
    done = subprocess.run(
        [CHROMIUM, *_FLAGS, f"--user-data-dir={folder / 'profile'}", file.as_uri()],
        capture_output=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    encoded = done.stdout.decode("utf-8").partition('<pre id="shown">')[2].partition("</pre>")[0]
    assert encoded, "Chromium ended before it had rendered the pages"
    return json.loads(base64.b64decode(encoded))
