// What all parts use, and the state that an address keeps: #q=gradient&hide=family-probing&columns=all&sort=...
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const at = (id) => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
  const svg = ["svg", "line", "circle"].includes(tag);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// An address with "=" is a state; any other is a place on the page, and leaves the state as it is.
const state = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");

function keep(name, value) {
  if (value) state.set(name, value);
  else state.delete(name);
  const hash = state.toString().replaceAll("%2F", "/").replaceAll("%2C", ",");
  history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
}

// A cell's number: the first of data-v or in its text ("12.3k", "< 0.001", "[0.10, 0.20]"); otherwise its text. null
// where nothing is known.
const UNITS = { k: 1e3, M: 1e6, G: 1e9 };
function value(cell) {
  const raw = (cell.dataset.v ?? cell.textContent).trim();
  if (raw === "" || raw === "–") return null;
  const [, number, unit] = raw.replaceAll("−", "-").match(/^[<[ ]*(-?\d[\d,.]*(?:e-?\d+)?)([kMG]?)/) ?? [];
  return number ? Number.parseFloat(number.replaceAll(",", "")) * (UNITS[unit] ?? 1) : raw.toLowerCase();
}

// A row's method comes first in its heading, as a link or in bold; what describes it follows there.
const head = (row) => row.querySelector("th");
const called = (row) => (head(row).querySelector("a, b") ?? head(row)).textContent.trim();
