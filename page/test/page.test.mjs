// The page in headless Chromium, on the folders that tests/test_page_browser.py publishes: SITES names their parent.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import test, { after, before } from "node:test";
import { historyShown, launch, open, serve, textOf } from "./browser.mjs";

const SITES = process.env.SITES;
const EXPECTED = JSON.parse(readFileSync(`${SITES}/expected.json`));
const AXE = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const PICTURES = process.env.PICTURES;
const REFRESH_MS = 31_000;
let browser;
const servers = {};

before(async () => {
  browser = await launch();
  for (const name of ["history", "empty", "one", "gaps", "year", "retracted"]) servers[name] = await serve(`${SITES}/${name}`);
  if (PICTURES) mkdirSync(PICTURES, { recursive: true });
});
after(async () => {
  await browser?.close();
  Object.values(servers).forEach((server) => server.close());
});

const opened = async (name, fragment = "", options = {}) => {
  const found = await open(browser, servers[name].url + fragment, options);
  await historyShown(found.page);
  return found;
};

async function violations(page) {
  await page.evaluate(() => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
  await page.evaluate(AXE);
  const { violations: found } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}

for (const colorScheme of ["light", "dark"]) {
  for (const [device, width] of [["desk", 1200], ["phone", 360]]) {
    for (const [name, fragment] of [["history", "#pair=TJS/USD&from=2025-01-01&to=2025-03-01"], ["gaps", "#lang=ru&per=usd"], ["empty", ""]]) {
      test(`${name} has no violation of axe and fits, ${colorScheme}, ${device}`, async () => {
        const { page, complaints } = await opened(name, fragment, { colorScheme, viewport: { width, height: 800 } });
        if (PICTURES) await page.screenshot({ path: `${PICTURES}/${name}-${colorScheme}-${device}.png`, fullPage: true });
        assert.deepEqual(await violations(page), []);
        assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width);
        assert.deepEqual(complaints, []);
        await page.close();
      });
    }
  }
}

test("page fits every width", async () => {
  const { page } = await opened("history", "#per=usd&lang=ru");
  for (const width of [320, 480, 700, 820, 1000, 1130]) {
    await page.setViewportSize({ width, height: 800 });
    // the charts follow when their boxes have been measured anew
    await page.waitForFunction((wide) => document.documentElement.scrollWidth === wide, width, { timeout: 10_000 });
    const right = await page.locator("#now table").evaluate((each) => each.getBoundingClientRect().right);
    assert.ok(right <= width - 15, `${width}: the table ends at ${right}`);
  }
  await page.close();
});

test("rates stand with band, age, last change and official rates beside", async () => {
  const { page } = await opened("history");
  const rows = await page.locator("#now tbody tr").allInnerTexts();
  assert.deepEqual(rows.map((row) => row.replace(/\s+/g, " ").trim()), EXPECTED.rows);
  assert.match(await textOf(page, "#head"), /frozen at 2026-02-25 12:00 UTC/);
  await page.close();
});

test("rates are turned together, and as the functions turn them", async () => {
  const { page } = await opened("history", "#per=usd");
  const cells = await page.locator("#now tbody tr").evaluateAll((rows) =>
    rows.map((row) => [row.cells[0].querySelector("a").textContent, row.cells[1].textContent, row.cells[2].textContent]));
  assert.deepEqual(cells, EXPECTED.turned);
  await page.close();
});

test("keys move a cursor that is announced, and set the dates that are compared", async () => {
  const { page } = await opened("history", "#pair=KZT/USD&from=2025-11-10&to=2025-12-20");
  await page.locator("#chart").focus();
  await page.keyboard.press("Home");
  assert.equal(await textOf(page, "#readout"), await page.locator("#announced").textContent());
  assert.equal(await textOf(page, "#readout"), EXPECTED.first);
  await page.keyboard.press("ArrowRight");
  assert.notEqual(await textOf(page, "#readout"), EXPECTED.first);
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("a");
  await page.waitForFunction(() => location.hash.includes("a="));
  await page.waitForFunction(() => document.activeElement?.id === "chart");
  await page.keyboard.press("End");
  await page.keyboard.press("b");
  await page.waitForFunction(() => location.hash.includes("b="));
  await page.waitForFunction((text) => document.getElementById("drift-text").textContent.includes(text), EXPECTED.drift);
  await page.close();
});

test("what is open and what has the focus stays so when another span is chosen, and when time passes", async () => {
  const { page } = await open(browser, servers.history.url, { hasClock: true });
  await historyShown(page);
  await page.locator("#explain summary").first().click();
  await page.locator("#pick-365").focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => location.hash.includes("from=2025-02-26") && document.activeElement?.id === "pick-365");
  await page.clock.runFor(REFRESH_MS);
  assert.equal(await page.locator("#explain details[open]").count(), 1);
  assert.equal(await page.evaluate(() => document.activeElement.id), "pick-365");
  await page.close();
});

test("whatever takes the focus has an id of its own, by which it keeps it", async () => {
  for (const fragment of ["", "#embed=1"]) {
    const { page } = await opened("history", fragment);
    await page.evaluate(() => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
    await page.locator("#values-table").waitFor({ state: "attached" });
    const [unnamed, ids] = await page.evaluate(() => {
      const all = [...document.querySelectorAll("a[href], summary, input, select, textarea, [tabindex]")];
      return [all.filter(({ id }) => !id).map(({ outerHTML }) => outerHTML.slice(0, 100)), [...document.querySelectorAll("[id]")].map(({ id }) => id)];
    });
    assert.deepEqual(unnamed, []);
    assert.equal(new Set(ids).size, ids.length);
    await page.close();
  }
});

test("first retraction is taken into account while the page is open", async () => {
  const { url, faults } = servers.retracted;
  const earlier = readFileSync(`${SITES}/retracted-before.json`);
  faults.set("/manifest.json", (_, response) => response.end(earlier));
  const { page, complaints } = await open(browser, `${url}#pair=KZT/USD`, { hasClock: true });
  await historyShown(page);
  assert.match(await page.locator("#chart").getAttribute("aria-label"), / 2 values/);
  faults.clear();
  await page.clock.runFor(REFRESH_MS);
  await page.locator('#chart[aria-label*=" 1 values"]').waitFor();
  assert.deepEqual([await textOf(page, "#problem"), complaints], ["", []]);
  await page.close();
});

test("five questions about a month are answered with the keyboard alone", async () => {
  const { page } = await opened("history");
  const tabTo = async (id) => {
    for (let step = 0; step < 90; step += 1) {
      if (await page.evaluate((wanted) => document.activeElement.id === wanted, id)) return;
      await page.keyboard.press("Tab");
    }
    assert.fail(`the Tab key does not reach ${id}`);
  };
  const entered = async (id, text, fragment) => {
    await tabTo(id);
    await page.keyboard.type(text);
    await page.keyboard.press("Enter");
    await page.waitForFunction((part) => location.hash.includes(part), fragment);
    await page.waitForFunction((wanted) => document.activeElement.id === wanted, id);
  };
  await tabTo("pick-TJS/USD");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => location.hash.includes("pair=TJS/USD") && document.activeElement.id === "pick-TJS/USD");
  await entered("date-from", "01012025", "from=2025-01-01");
  await entered("date-to", "01312025", "to=2025-01-31");
  await tabTo("chart");
  await page.keyboard.press("End");
  assert.equal(await page.locator("#announced").textContent(), EXPECTED.month.last); // the last value, and the bank's beside
  await page.keyboard.press("Home");
  assert.equal(await page.locator("#announced").textContent(), EXPECTED.month.first); // the first value with its band
  await entered("date-b", "01232025", "b=2025-01-23");
  await page.waitForFunction((text) => document.getElementById("announced").textContent.includes(text), EXPECTED.month.drift); // the change
  await tabTo("values-shown");
  await page.keyboard.press("Enter");
  await page.locator("#values tbody tr").first().waitFor();
  assert.equal(await page.locator("#values tbody tr").count(), EXPECTED.month.runs); // how many values there were
  assert.match(await textOf(page, "#history"), /No look is on record in this span/); // how many looks
  await page.close();
});

test("Page Down crosses a gap, and the chart says its span and keys whole", async () => {
  const { page } = await opened("history", "#pair=KZT/USD&from=2025-12-01&to=2025-12-31");
  assert.match(await page.getAttribute("#chart", "aria-label"), /2025-12-01 to 2025-12-31, /);
  await page.locator("#chart").focus();
  await page.keyboard.press("End");
  const last = await textOf(page, "#readout");
  await page.keyboard.press("Home");
  for (let day = 0; day < 31; day += 1) await page.keyboard.press("PageDown");
  assert.equal(await textOf(page, "#readout"), last);
  await page.close();
});

test("empty span is not said to follow values that are later", async () => {
  const { page } = await opened("history", "#pair=KZT/USD&from=2025-06-10&to=2025-08-10");
  assert.match(await textOf(page, "#history"), /No value in this span\. Those on record are between 2024-09-08 00:00 UTC and 2026-02-25 12:00 UTC\./);
  await page.close();
});

test("change of a pegged currency to an earlier level is a hop, in both directions and languages", async () => {
  const fragment = "#pair=TMT/USD&from=2025-12-01&to=2025-12-22&a=2025-12-05&b=2025-12-11";
  for (const [more, says] of [["", /Hop around the peg, no move of the rate/], ["&per=usd&lang=ru", /Скачок вокруг фиксированного курса, не движение/]]) {
    const { page } = await opened("history", fragment + more);
    assert.match(await textOf(page, "#drift-text strong"), says);
    await page.close();
  }
});

test("no text of the page has an unfilled name", async () => {
  for (const lang of ["en", "ru"]) {
    const { page } = await opened("history", `#lang=${lang}`);
    assert.doesNotMatch(await page.locator("#page").evaluate((each) => each.outerHTML), /\{\w+\}/);
    await page.close();
  }
});

test("click on the chart sets a date, a second one the other", async () => {
  const { page } = await opened("history", "#pair=KZT/USD&from=2025-11-10&to=2025-12-20");
  const clicked = (part) => page.locator(".u-over").click({ position: { x: Math.round(1000 * part), y: 100 } });
  await clicked(0.2);
  await page.waitForFunction(() => /a=2025-11/.test(location.hash));
  await clicked(0.8);
  await page.waitForFunction(() => /b=2025-12/.test(location.hash));
  await page.close();
});

test("change within rounding is called that, and an old value gives no figure", async () => {
  const { page } = await opened("history", "#pair=UZS/USD&from=2025-11-10&to=2025-12-20&a=2025-11-13&b=2025-12-14");
  assert.match(await textOf(page, "#drift-text"), /No more than rounding: the printed digits do not show a move/);
  await page.goto(`${servers.history.url}#pair=UZS/USD&from=2025-11-10&to=2025-12-20&a=2025-11-30&b=2025-12-14`);
  await page.waitForFunction(() => /No figure: .* the limit is 7/.test(document.getElementById("drift-text").textContent));
  await page.close();
});

test("converter gives what the function gives, and refuses what is no amount", async () => {
  const { page } = await opened("history", "#amount=1500&sell=KZT&buy=UZS");
  assert.equal(await textOf(page, "#converted strong"), EXPECTED.converted);
  await page.locator("#convert-amount").fill("1e5");
  assert.match(await textOf(page, "#converted"), /An amount is a number above 0/);
  assert.match(page.url(), /amount=1e5/);
  await page.locator("#convert-amount").fill("1,500");
  assert.match(await textOf(page, "#converted"), /two meanings: write 1500 or 1\.500/);
  await page.locator("#convert-amount").fill("1500,0");
  assert.match(await textOf(page, "#converted strong"), /^1500\.0 KZT are /);
  await page.close();
});

test("converter says that two rates were not shown together", async () => {
  const { url, faults } = servers.history;
  const { objects } = JSON.parse(readFileSync(`${SITES}/history/manifest.json`));
  const { file } = objects.find(({ kind }) => kind === "rates");
  const rates = JSON.parse(readFileSync(`${SITES}/history/${file}`));
  rates.rates.find(({ pair }) => pair === "UZS/USD").rate.printed[0].observed_at = "2026-02-24T12:00:00Z";
  faults.set(`/${file}`, (_, response) => response.end(JSON.stringify(rates)));
  const { page } = await open(browser, `${url}#sell=KZT&buy=UZS`);
  await historyShown(page);
  faults.clear();
  assert.match(await textOf(page, "#converted"), /not shown together, but 2026-02-25 12:00 UTC and 2026-02-24 12:00 UTC/);
  await page.close();
});

test("one day alone gives no change, and one after the other neither", async () => {
  for (const [fragment, says] of [["#a=2025-12-14&b=2025-12-14", "A and B are the same day"], ["#a=2025-12-14&b=2025-12-13", "A has to be before B"]]) {
    const { page } = await opened("history", fragment);
    assert.match(await textOf(page, "#drift-text"), new RegExp(says));
    await page.close();
  }
});

test("table behind the chart has its values, and the files of the view are there", async () => {
  const { page } = await opened("history", "#pair=KZT/USD&from=2025-11-10&to=2025-12-20");
  await page.locator("#values > summary").click();
  await page.locator("#values tbody tr").first().waitFor();
  assert.equal(await page.locator("#values tbody tr").count(), EXPECTED.runs);
  const links = await page.locator("#files a").evaluateAll((found) => found.map((each) => each.href));
  assert.equal(links.length, 6);
  for (const link of links) assert.equal((await page.request.get(link)).status(), 200);
  await page.close();
});

test("explanation leads to the printed text and the file, and text of the store is only text", async () => {
  const { page, asked } = await opened("gaps");
  await page.locator("#explain summary").first().click();
  const text = await textOf(page, "#explain details[open]");
  assert.match(text, /timesca KGS\/USD = 0\.01144/);
  assert.match(text, /<img src=x onerror=alert\(1\)>/);
  assert.equal(await page.locator("#explain img").count(), 0);
  assert.ok(!asked.some((url) => url.endsWith("/x")));
  const [link] = await page.locator("#explain dd a").evaluateAll((found) => found.map((each) => each.href));
  assert.equal((await page.request.get(link)).status(), 200);
  await page.close();
});

test("only the own host is asked, and the page may ask no other", async () => {
  const { page, asked } = await opened("history");
  assert.deepEqual([...new Set(asked.filter((url) => !url.startsWith("data:")).map((url) => new URL(url).host))], [new URL(servers.history.url).host]);
  const other = servers.empty.url;
  const refused = await page.evaluate((url) => fetch(`${url}manifest.json`).then(() => "answered", () => "refused"), other);
  assert.equal(refused, "refused");
  const isRun = await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "globalThis.inlineRan = true";
    document.body.append(script);
    return globalThis.inlineRan === true;
  });
  assert.equal(isRun, false);
  await page.close();
});

test("gaps are named by cause and counted", async () => {
  const from = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10);
  const { page } = await opened("gaps", `#from=${from}`);
  assert.match(await textOf(page, ".key"), /no successful look:.*not polled.*no answer/s);
  assert.match(await textOf(page, "#history"), /4 of 8 looks succeeded \(50\.0 %\); there are looks on [12] of 4 days\./);
  assert.match(await textOf(page, "#now"), /Next look .* UTC|The next look was due/);
  await page.close();
});

test("empty store and one tick are said to be that", async () => {
  const empty = await opened("empty");
  assert.match(await textOf(empty.page, "#now"), /No rate is stored yet/);
  assert.deepEqual(empty.complaints, []);
  const one = await opened("one");
  assert.match(await textOf(one.page, "#drift-text"), /No figure: A and B are the same day/);
  assert.deepEqual(one.complaints, []);
  await empty.page.close();
  await one.page.close();
});

test("torn manifest is said to be that, and the page recovers", async () => {
  const { url, faults } = servers.history;
  faults.set("/manifest.json", (_, response) => response.end('{"version": 1, "obj'));
  const { page } = await open(browser, url, { hasClock: true });
  await page.getByText("The list of files, manifest.json, is damaged.").waitFor();
  faults.clear();
  await page.clock.runFor(REFRESH_MS);
  await historyShown(page);
  assert.equal(await textOf(page, "#problem"), "");
  await page.close();
});

test("server that is gone leaves the rates on screen with a notice, and takes it back", async () => {
  const { url, faults } = servers.gaps;
  const { page } = await open(browser, url, { hasClock: true });
  await historyShown(page);
  faults.set("/manifest.json", (request) => request.socket.destroy());
  await page.clock.runFor(REFRESH_MS);
  await page.getByText(/The server does not answer since .* What stands below is of/).waitFor();
  assert.match(await textOf(page, "#now"), /0\.01144/);
  faults.clear();
  await page.clock.runFor(REFRESH_MS);
  await page.waitForFunction(() => document.getElementById("problem").textContent === "");
  await page.close();
});

test("object that is gone since the manifest was read is a notice, and the next manifest helps", async () => {
  const { url, faults } = servers.one;
  const { objects } = JSON.parse(readFileSync(`${SITES}/one/manifest.json`));
  const { file } = objects.find(({ kind }) => kind === "ticks");
  faults.set(`/${file}`, (_, response) => response.writeHead(404).end());
  const { page } = await open(browser, url, { hasClock: true });
  await page.getByText(/A file of the list is missing/).waitFor();
  faults.clear();
  await page.clock.runFor(REFRESH_MS);
  await historyShown(page);
  await page.close();
});

test("rate grows old on the reader's clock, and is withdrawn beyond its limit", async () => {
  const { page } = await open(browser, servers.gaps.url, { hasClock: true });
  await historyShown(page);
  await page.clock.setFixedTime(new Date(Date.now() + 3 * 86_400_000));
  await page.reload();
  await page.locator("#now .old").first().waitFor();
  await page.clock.setFixedTime(new Date(Date.now() + 9 * 86_400_000));
  await page.reload();
  await page.getByText(/No rate: the last one, 0\.01144, is [89]\s+d/).waitFor();
  assert.match(await textOf(page, "#converted"), /No rate/);
  await page.close();
});

test("embedded view has the chart alone, and print leaves the controls out", async () => {
  const { page } = await opened("history", "#pair=TJS/USD&embed=1&theme=dark");
  assert.equal(await page.locator("#chart").isVisible(), true);
  for (const id of ["now", "convert", "months", "explain", "foot"]) assert.equal(await page.locator(`#${id}`).isVisible(), false);
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator("nav").first().isVisible(), false);
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
  await page.close();
});

test("language that there is not is that of the browser", async () => {
  for (const lang of ["constructor", "toString", "xx"]) {
    const { page, complaints } = await opened("one", `#lang=${lang}`);
    assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
    assert.deepEqual(complaints, []);
    await page.close();
  }
});

test("page is in the language that is asked for, and the other one is a link", async () => {
  const { page } = await opened("history", "#lang=ru");
  assert.equal(await page.evaluate(() => document.documentElement.lang), "ru");
  assert.match(await textOf(page, "#now"), /Курсы сейчас[^]*Порядок источников: строка курсов, официальные/);
  await page.getByRole("link", { name: "English" }).click();
  await page.waitForFunction(() => document.documentElement.lang === "en");
  await page.close();
});

test("a year at a poll every 15 minutes takes the page less than a second of processor time", async (context) => {
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  await page.goto(`${servers.year.url}#pair=KGS/USD&from=2025-03-01`);
  await historyShown(page);
  const { metrics } = await session.send("Performance.getMetrics");
  const busy = metrics.find(({ name }) => name === "TaskDuration").value;
  const shown = await page.evaluate(() => performance.getEntriesByName("history-shown")[0].startTime);
  context.diagnostic(`processor time ${busy.toFixed(2)} s; on screen after ${(shown / 1000).toFixed(2)} s`);
  console.log(`a year: processor time ${busy.toFixed(2)} s; on screen after ${(shown / 1000).toFixed(2)} s`);
  assert.ok(busy < 1);
  await page.close();
});
