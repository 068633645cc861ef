// Elements: text is always text, never markup, and links lead only to files beside the page or to a fragment of it.

const SAFE_LINK = /^(?:#|(?:data|rates|assets)\/[A-Za-z0-9_./-]+$|manifest\.json$)/;

/** An element with attributes and children; null and false are left out. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value == null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value") element.value = value;
    else if (key === "href" && !SAFE_LINK.test(value)) continue;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return element;
}

/** A table: columns as [heading, isNumber], rows as arrays of cells; the first cell of a row is its heading. */
export function table(caption, columns, rows, attributes = {}) {
  const head = columns.map(([heading, isNumber]) => el("th", { scope: "col", class: isNumber && "number" }, heading));
  const body = rows.map((cells) =>
    el("tr", {}, cells.map((cell, place) => {
      const [heading, isNumber] = columns[place];
      const name = place === 0 ? "th" : "td";
      return el(name, { scope: place === 0 && "row", class: isNumber && "number", "data-label": heading }, cell);
    })),
  );
  return el("table", attributes, el("caption", {}, caption), el("thead", {}, el("tr", {}, head)), el("tbody", {}, body));
}

/** Puts an element in place of the one with its id: what was open in it stays open, what had the focus keeps it. */
export function put(element) {
  const focused = document.activeElement?.id;
  const old = document.getElementById(element.id);
  const open = [...old.querySelectorAll("details[open][id]")].map(({ id }) => id);
  old.replaceWith(element);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

/** An age that `tick` keeps true: of what is of an instant in µs. */
export const ageSince = (t, since, now) => el("span", { "data-since": since }, t.age(now - since));

/** Writes the ages below the document anew. */
export function tick(t, now) {
  for (const each of document.querySelectorAll("[data-since]")) each.textContent = t.age(now - Number(each.dataset.since));
}

/**
 * A field for a day, with its label; `commit` gets another day when it is chosen, or when it was typed and the field is
 * left or Enter pressed: a day that is typed is a day of another year at each of its digits.
 */
export function dateField(label, attributes, commit) {
  let isTyped = false;
  const done = () => {
    isTyped = false;
    if (input.value && input.value !== attributes.value) commit(input.value);
  };
  const input = el("input", {
    type: "date", ...attributes,
    onkeydown({ key }) {
      if (key === "Enter") done();
      else if (key !== "Tab" && key !== "Shift") isTyped = true;
    },
    onchange: () => isTyped || done(),
    onblur: () => isTyped && done(),
  });
  return el("label", {}, label, " ", input);
}

/** A text with elements at its {names}. */
export const woven = (text, elements) => text.split(/\{(\w+)\}/).map((part, place) => (place % 2 ? elements[part] : part));
