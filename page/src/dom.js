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

/** Puts an element in place of the one with its id; what had the focus and is there again keeps it. */
export function put(element) {
  const focused = document.activeElement?.id;
  document.getElementById(element.id).replaceWith(element);
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
}
