// Chart of values over time: steps inside their bands, broken where there is no value, with gaps shaded by cause.
import uPlot from "uplot";
import { CAUSES, breaksIn, stretchesOf, visible } from "./polls.js";
import { doubles } from "./ticks.js";

const HEIGHT = 300;
const MOST_STRETCHES = 4000; // parts of a span that would each be a quarter of a pixel wide: narrower ones are not shaded
const MOST_DECIMALS = 9; // of the labels of derived rates
const SERIES = ["--ink", "--line-2", "--line-3", "--line-4", "--line-5"];
const FONT = "12px system-ui, sans-serif";
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * Draws lines into an element.
 *
 * lines: as Data.lines gives them; span: { from, to } in µs; decimals: those that are printed, if known; marks: [[label, µs]];
 * onPick(µs) is called for a click, onLook(µs) for a move of the pointer. Returns { look(µs), destroy() }.
 */
export function drawChart(element, { lines, span, decimals, marks, onPick, onLook }) {
  const drawn = lines.map((line) => seriesOf(line, span));
  const tables = drawn.map(({ x, value }) => [x, value]);
  const ends = drawn.flatMap(({ lo, hi }) => [...lo, ...hi]).filter((each) => each !== null);
  const range = padded(ends.reduce((a, b) => Math.min(a, b)), ends.reduce((a, b) => Math.max(a, b)), decimals);
  const data = tables.length > 1 ? uPlot.join(tables) : tables[0];
  const colors = drawn.map((_, place) => color(SERIES[place % SERIES.length]));
  const plot = new uPlot(
    {
      width: element.clientWidth,
      height: HEIGHT,
      padding: [null, 36, null, null],
      legend: { show: false },
      tzDate: (s) => uPlot.tzDate(new Date(s * 1e3), "Etc/UTC"),
      scales: { x: { range: () => [span.from / 1e6, span.to / 1e6] }, y: { range: () => range } },
      axes: [axis({ space: 90, values: times }), axis({ size: 72, incrs: increments(decimals), values: labels })],
      series: [{}, ...drawn.map(() => ({ paths: () => null, points: { show: false } }))],
      cursor: { drag: { x: false, y: false }, points: { show: false }, y: false, focus: undefined },
      hooks: {
        drawClear: [(u) => drawGaps(u, shaded(lines[0].polls, span)), (u) => drawn.forEach((line, place) => drawBands(u, line, colors[place]))],
        draw: [(u) => drawn.forEach((line, place) => drawSteps(u, line, colors[place])), (u) => drawn.forEach((line, place) => drawEnds(u, line, colors[place])), (u) => drawMarks(u, marks)],
        ready: [(u) => u.over.addEventListener("click", () => onPick(u.posToVal(u.cursor.left, "x") * 1e6))],
        setCursor: [(u) => u.cursor.event && u.cursor.left >= 0 && onLook(u.posToVal(u.cursor.left, "x") * 1e6)],
      },
    },
    data,
    element,
  );
  const resized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
  resized.observe(element);
  return {
    look: (at) => plot.setCursor({ left: plot.valToPos(at / 1e6, "x"), top: HEIGHT / 3 }),
    destroy() {
      resized.disconnect();
      plot.destroy();
    },
  };
}

function axis(given) {
  const grid = { stroke: color("--grid"), width: 1 };
  return { stroke: color("--muted"), font: FONT, grid, ticks: grid, ...given };
}

/** The values of a line in a span as columns for uPlot, without those that a step repeats, and null after each piece. */
function seriesOf({ values, polls }, span) {
  const first = Math.max(values.at.findLastIndex((at) => at < span.from), 0);
  const last = values.at.findLastIndex((at) => at <= span.to);
  const at = values.at.slice(first, last + 1);
  const bands = values.band.slice(first, last + 1);
  const breaks = breaksIn(at, polls);
  const columns = { x: [], value: [], lo: [], hi: [], ends: [] };
  const all = doubles(bands);
  const push = (x, place) => {
    columns.x.push(x / 1e6);
    for (const name of ["value", "lo", "hi"]) columns[name].push(place === undefined ? null : all[name][place]);
  };
  at.forEach((time, place) => {
    const isEnd = place === at.length - 1 || breaks.has(place);
    const isNew = place === 0 || breaks.has(place - 1) || bands[place] !== bands[place - 1];
    if (isEnd || isNew) push(time, place);
    if (isEnd) columns.ends.push([time / 1e6, all.value[place], all.lo[place], all.hi[place]]);
    if (breaks.has(place)) push(time + 1, undefined);
  });
  return columns;
}

/** Labels of instants: whole days as dates, others as times with the date where it changes. */
function times(_, splits, axisPlace, space, step) {
  const text = (s) => new Date(s * 1e3).toISOString();
  return splits.map((s, place) => {
    const [day, time] = [text(s).slice(0, 10), text(s).slice(11, 16)];
    if (step >= 86400) return day;
    return place === 0 || text(splits[place - 1]).slice(0, 10) !== day ? `${time}\n${day}` : time;
  });
}

/** A range that shows the band and one printed step above and below. */
function padded(lo, hi, decimals) {
  const margin = Math.max(0.08 * (hi - lo), decimals == null ? 0.004 * hi : 0.6 * 10 ** -decimals);
  return [lo - margin, hi + margin];
}

/** Distances of the labels of an axis: printable values only, where values are printed. */
function increments(decimals) {
  const least = decimals ?? MOST_DECIMALS;
  return Array.from({ length: 3 * (least + 7) }, (_, place) => Number(`${[1, 2, 5][place % 3]}e${Math.floor(place / 3) - least}`));
}

function labels(_, splits, axisPlace, space, step) {
  const decimals = Math.max(Math.ceil(-Math.log10(step) - 1e-6), 0);
  return splits.map((value) => value.toFixed(decimals));
}

/** What is shaded of the polls of a source. */
export const shaded = (polls, span) => visible(stretchesOf(polls), span, (span.to - span.from) / MOST_STRETCHES);

/** The values as steps: each holds until the next one of its piece. */
function drawSteps(u, { x, value }, stroke) {
  const { ctx } = u;
  clipped(u, () => {
    ctx.strokeStyle = stroke;
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.beginPath();
    let level; // of the value before, in pixels
    for (let place = 0; place < x.length; place += 1) {
      const [left, top] = [u.valToPos(x[place], "x", true), value[place] === null ? undefined : u.valToPos(value[place], "y", true)];
      if (top === undefined || level === undefined) ctx.moveTo(left, top ?? 0);
      else {
        ctx.lineTo(left, level);
        ctx.lineTo(left, top);
      }
      level = top;
    }
    ctx.stroke();
  });
}

/** The band of each value, as long as the value holds; a piece's last value has no length: see drawEnds. */
function drawBands(u, { x, lo, hi }, fill) {
  const { ctx } = u;
  clipped(u, () => {
    ctx.fillStyle = fill;
    ctx.globalAlpha = 0.22;
    for (let place = 0; place + 1 < x.length; place += 1) {
      if (lo[place] === null || lo[place + 1] === null) continue;
      const [left, right] = [u.valToPos(x[place], "x", true), u.valToPos(x[place + 1], "x", true)];
      const [top, bottom] = [u.valToPos(hi[place], "y", true), u.valToPos(lo[place], "y", true)];
      ctx.fillRect(left, top, right - left, bottom - top);
    }
  });
}

/** The last value of each piece, which a step gives no width: its band as a stroke, its value as a point. */
function drawEnds(u, { ends }, stroke) {
  const { ctx } = u;
  clipped(u, () => {
    ctx.strokeStyle = ctx.fillStyle = stroke;
    for (const [time, value, lo, hi] of ends) {
      const [x, y] = [u.valToPos(time, "x", true), u.valToPos(value, "y", true)];
      ctx.globalAlpha = 0.35;
      ctx.lineWidth = 2 * devicePixelRatio;
      ctx.beginPath();
      ctx.moveTo(x, u.valToPos(lo, "y", true));
      ctx.lineTo(x, u.valToPos(hi, "y", true));
      ctx.stroke();
      ctx.globalAlpha = 1;
      ctx.beginPath();
      ctx.arc(x, y, 1.5 * devicePixelRatio, 0, 7);
      ctx.fill();
    }
  });
}

function drawGaps(u, stretches) {
  const { ctx, bbox } = u;
  const colors = Object.fromEntries(Object.keys(CAUSES).map((cause) => [cause, color(`--cause-${cause}`)]));
  clipped(u, () => {
    for (const { start, end, cause } of stretches) {
      const [left, right] = [u.valToPos(start / 1e6, "x", true), u.valToPos(end / 1e6, "x", true)];
      ctx.fillStyle = colors[cause];
      ctx.globalAlpha = 0.3;
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
  });
}

function drawMarks(u, marks) {
  const { ctx, bbox } = u;
  clipped(u, () => {
    ctx.strokeStyle = ctx.fillStyle = color("--text");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    for (const [label, at] of marks) {
      const x = u.valToPos(at / 1e6, "x", true);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const isAtRight = x > bbox.left + bbox.width - 20 * devicePixelRatio;
      ctx.textAlign = isAtRight ? "right" : "left";
      ctx.fillText(label, x + (isAtRight ? -4 : 4) * devicePixelRatio, bbox.top + 12 * devicePixelRatio);
    }
  });
}

function clipped(u, draw) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  draw();
  ctx.restore();
}
