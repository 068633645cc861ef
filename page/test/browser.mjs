// A static server whose answers can be made to fail, and pages of headless Chromium that tell what they asked for.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { chromium } from "playwright-core";

const TYPES = { html: "text/html", js: "text/javascript", css: "text/css", json: "application/json" };

/** Serves a folder; `faults` maps a path to a function (request, response) that answers in its place. */
export async function serve(folder) {
  const faults = new Map();
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, "http://host").pathname;
    if (faults.has(path)) return faults.get(path)(request, response);
    try {
      const file = path.endsWith("/") ? `${path}index.html` : path;
      const body = await readFile(folder + file);
      return response.writeHead(200, { "content-type": TYPES[file.split(".").pop()] ?? "application/octet-stream" }).end(body);
    } catch {
      return response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, faults, close: () => server.close() };
}

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
  });

/** A page with what it asked for and complained about: { page, asked, complaints }. */
export async function open(browser, url, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 }, locale: "en", ...options });
  page.setDefaultTimeout(10_000);
  const [asked, complaints] = [[], []];
  page.on("request", (request) => asked.push(request.url()));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  if (options.hasClock) await page.clock.install();
  await page.goto(url);
  return { page, asked, complaints };
}

export const historyShown = (page) => page.locator("#history:not([aria-busy])").waitFor({ state: "attached" });
export const textOf = (page, selector) => page.locator(selector).innerText();
