// State of the view: what is looked at, as the fragment of the page's address.
import { startOfDay } from "./time.js";

const NAMES = ["pair", "per", "from", "to", "a", "b", "lang", "theme", "embed", "amount", "sell", "buy"];
const DAYS = ["from", "to", "a", "b"];

/** The state that a fragment names: texts by name; what is unknown, and a day that is none, is left out. */
export function stateOf(fragment) {
  const given = new URLSearchParams(fragment.replace(/^#/, ""));
  const names = NAMES.filter((name) => given.get(name) && (!DAYS.includes(name) || startOfDay(given.get(name)) !== undefined));
  return Object.fromEntries(names.map((name) => [name, given.get(name)]));
}

/** The fragment of a state. */
export function fragmentOf(state) {
  const given = NAMES.filter((name) => state[name]).map((name) => [name, state[name]]);
  return `#${new URLSearchParams(given).toString().replaceAll("%2F", "/").replaceAll("%3A", ":")}`;
}
