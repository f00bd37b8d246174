// Without this script the pages are plain tables.
"use strict";

(() => {
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

// A cell's number: the first of data-v or in its text; otherwise its text. null where nothing is known.
function value(cell) {
  const raw = (cell.dataset.v ?? cell.textContent).trim();
  if (raw === "" || raw === "–") return null;
  const number = Number.parseFloat(raw.replace("−", "-").replaceAll(",", ""));
  return /^[−-]?[\d.]/.test(raw) && !Number.isNaN(number) ? number : raw.toLowerCase();
}

// A row's method stands in bold in its heading; what describes it follows there.
const head = (row) => row.querySelector("th");
const called = (row) => (head(row).querySelector("b") ?? head(row)).textContent.trim();

// Tables sort by a click on a heading: bodies keep their place, fixed rows stay on top, unknown values at the end.
function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

function sort(table, column, direction) {
  for (const body of table.tBodies) {
    const rows = [...body.rows].filter((row) => !row.classList.contains("fixed"));
    const keyed = rows.map((row) => [value(row.cells[column]), row]);
    keyed.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return direction * compare(a, b);
    });
    body.append(...keyed.map(([, row]) => row));
  }
  for (const other of table.tHead.rows[0].cells) if (other.ariaSort) other.ariaSort = "none";
  table.tHead.rows[0].cells[column].ariaSort = direction > 0 ? "ascending" : "descending";
}

function sortable(table) {
  for (const cell of all("thead th", table)) {
    // A span, because a real button is left out where a printed table repeats its head; beside a link, not around it.
    const link = cell.querySelector("a");
    const button = element("span", { role: "button", tabindex: "0" });
    if (link) button.setAttribute("aria-label", "Sort by " + link.textContent);
    else button.append(...cell.childNodes);
    cell.append(button);
    cell.ariaSort = "none";
  }
}

function sorted(button) {
  const cell = button.closest("th");
  const table = cell.closest("table");
  const best = table.classList.contains("matrix") || /Skill|Effect|Tau/.test(cell.textContent);
  const up = cell.ariaSort === "none" ? !(best && cell.cellIndex > 0) : cell.ariaSort === "descending";
  sort(table, cell.cellIndex, up ? 1 : -1);
  if (table.id) keep("sort", [table.id, cell.cellIndex, up ? "up" : "down"].join("/"));
}

function startSorting() {
  all("table.sortable").forEach(sortable);
  addEventListener("click", (event) => {
    const button = event.target.closest?.("thead [role=button]");
    if (button) sorted(button);
  });
  addEventListener("keydown", (event) => {
    if ((event.key === "Enter" || event.key === " ") && event.target.matches?.("thead [role=button]")) {
      event.preventDefault();
      sorted(event.target);
    }
  });
}

function restoreSorting() {
  const [id, column, direction] = (state.get("sort") ?? "").split("/");
  const table = id ? at(id) : null;
  if (table?.matches("table.sortable") && table.tHead.rows[0].cells[column]?.ariaSort) {
    sort(table, Number(column), direction === "up" ? 1 : -1);
  }
}

// What is shown: methods by name or description, families, and the columns beyond the first few.
function startFilter() {
  const filter = at("filter");
  if (!filter) return;
  // Descriptions stand in rankings only; a method found by its description is shown in every table.
  const rows = all("table.filterable tbody tr:not(.fixed)");
  const texts = new Map();
  for (const row of rows) texts.set(called(row), (texts.get(called(row)) ?? "") + " " + head(row).textContent.toLowerCase());
  const apply = () => {
    const wanted = filter.value.trim().toLowerCase();
    const names = new Set([...texts.keys()].filter((name) => texts.get(name).includes(wanted)));
    for (const row of rows) row.hidden = !names.has(called(row));
    for (const body of all("table.filterable tbody")) {
      body.hidden = wanted !== "" && [...body.rows].every((row) => row.hidden || row.classList.contains("fixed"));
    }
    at("found").value = wanted === "" ? "" : names.size === 1 ? "1 method" : names.size + " methods";
  };
  filter.addEventListener("input", () => {
    apply();
    keep("q", filter.value.trim());
  });
  filter.value = state.get("q") ?? "";
  if (filter.value) apply();
}

function startToggles() {
  const buttons = all("[data-toggle]");
  const show = (button, shown) => {
    at(button.dataset.toggle).hidden = !shown;
    button.ariaPressed = String(shown);
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      show(button, button.ariaPressed !== "true");
      keep("hide", buttons.filter((each) => each.ariaPressed !== "true").map((each) => each.dataset.toggle).join(","));
    });
  }
  const hidden = (state.get("hide") ?? "").split(",");
  for (const button of buttons) if (hidden.includes(button.dataset.toggle)) show(button, false);
}

function startColumns() {
  const button = at("columns");
  if (!button) return;
  const show = (shown) => {
    document.documentElement.classList.toggle("all-columns", shown);
    button.ariaPressed = String(shown);
  };
  button.addEventListener("click", () => {
    show(button.ariaPressed !== "true");
    keep("columns", button.ariaPressed === "true" ? "all" : "");
  });
  if (state.get("columns") === "all") show(true);
}

// In a matrix the arrow keys move from cell to cell, and one press of Tab leaves it.
function startMatrix(table) {
  const links = all("tbody td a", table);
  if (!links.length) return;
  for (const link of links) link.tabIndex = -1;
  links[0].tabIndex = 0;
  table.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
    const step = steps[event.key];
    const cell = event.target.closest("tbody td");
    if (!step || !cell) return;
    event.preventDefault();
    const rows = [...cell.closest("tbody").rows].filter((row) => !row.hidden);
    let row = rows.indexOf(cell.parentElement) + step[0];
    let column = cell.cellIndex + step[1];
    // Cells without a value are passed over.
    while (rows[row]?.cells[column] && !rows[row].cells[column].querySelector("a")) {
      row += step[0];
      column += step[1];
    }
    const next = rows[row]?.cells[column]?.querySelector("td > a");
    if (!next) return;
    for (const link of all("tbody td a[tabindex='0']", table)) link.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}

// Two methods side by side: everything their rankings say, and each task, on one axis. Numbers come from the tables.
function startComparison() {
  const panel = at("compare");
  if (!panel) return;
  const [first, second] = [at("compare-a"), at("compare-b")];
  const tables = all("#families table.ranking");
  const known = new Map();
  for (const table of tables) {
    const groups = [first, second].map((select) => {
      const group = element("optgroup", { label: table.dataset.family });
      select.append(group);
      return group;
    });
    for (const row of all("tbody tr:not(.fixed)", table)) {
      const key = table.dataset.family + "/" + called(row);
      known.set(key, row);
      for (const group of groups) group.append(element("option", { value: key }, called(row)));
    }
  }
  const family = (key) => known.get(key).closest("table").dataset.family;

  function draw() {
    // The second comes from the family of the first.
    for (const group of all("optgroup", second)) group.disabled = group.label !== family(first.value);
    if (family(second.value) !== family(first.value)) {
      const others = all("option", second).filter((option) => family(option.value) === family(first.value));
      second.value = (others.find((option) => option.value !== first.value) ?? others[0]).value;
    }
    const own = family(first.value);
    at("compared").replaceChildren(compared(own, known.get(first.value), known.get(second.value)));
    keep("compare", [own, called(known.get(first.value)), called(known.get(second.value))].join("/"));
  }

  function open(shown) {
    panel.hidden = !shown;
    at("versus").ariaExpanded = String(shown);
    if (shown && known.size) draw();
    else keep("compare", "");
  }

  at("versus").addEventListener("click", () => open(panel.hidden));
  for (const select of [first, second]) select.addEventListener("change", draw);
  second.selectedIndex = Math.min(1, second.length - 1);
  const [name, a, b] = (state.get("compare") ?? "").split("/");
  if (known.has(name + "/" + a)) {
    first.value = name + "/" + a;
    second.value = known.has(name + "/" + b) ? name + "/" + b : first.value;
    open(true);
    panel.scrollIntoView();
  }
}

function compared(family, a, b) {
  const names = [a, b].map((row) => head(row).querySelector("a")?.cloneNode(true) ?? called(row));
  const caption = element("caption", {}, element("span", {}, verdict(a, b)));
  const heads = ["", ...names, "Difference", ""].map((each) => element(each === "" ? "td" : "th", each === "" ? {} : { scope: "col" }, each));
  const table = element("table", { class: "versus" }, caption, element("thead", {}, element("tr", {}, ...heads)));
  const body = element("tbody");
  const labels = a.closest("table").tHead.rows[0].cells;
  for (let column = 0; column < labels.length; column++) {
    const skip = a.cells[column].matches("th, .plot");
    if (!skip) body.append(line(labels[column].textContent, a.cells[column], b.cells[column], labels[column].textContent === "Skill"));
  }
  const matrix = all("#families table.matrix").find((each) => each.dataset.family === family);
  const rows = matrix ? [a, b].map((row) => all("tbody tr", matrix).find((each) => called(each) === called(row))) : [];
  if (rows.length && rows.every(Boolean)) {
    const [label] = matrix.caption.textContent.split(". ");
    body.append(element("tr", {}, element("th", { scope: "rowgroup", colspan: "5" }, element("b", {}, label))));
    for (let column = 1; column < rows[0].cells.length; column++) {
      const name = matrix.tHead.rows[0].cells[column].querySelector("a").cloneNode(true);
      body.append(line(name, rows[0].cells[column], rows[1].cells[column], true));
    }
  }
  table.append(body);
  return element("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Table: comparison" }, table);
}

// Rank intervals that overlap are not told apart; without them nothing is said.
function verdict(a, b) {
  const [one, other] = [a, b].map((row) => (row.cells[0].dataset.v ?? "").split(" ").map(Number));
  const names = called(a) + " beside " + called(b) + ". ";
  if (one.length < 2 || other.length < 2) return names;
  const apart = one[1] < other[0] || other[1] < one[0];
  return names + (apart ? "Their rank intervals do not overlap." : "Their rank intervals overlap: this board does not tell them apart.");
}

function line(label, a, b, skill) {
  const cells = [a, b].map((cell) => element("td", { class: "n" }, ...[...cell.childNodes].map((node) => node.cloneNode(true))));
  const [one, other] = [a, b].map((cell) => (cell.dataset.v ?? "").split(" ").filter(Boolean).map(Number));
  const difference = skill && one.length && other.length ? signed(one[0] - other[0]) : "";
  const plot = skill ? element("td", { class: "plot" }, pair(one, other)) : element("td");
  return element("tr", {}, element("th", { scope: "row" }, label), ...cells, element("td", { class: "n" }, difference), plot);
}

const signed = (number) => (number < 0 ? "−" : "+") + Math.abs(number).toFixed(2);

// Both methods with their intervals between the null and the truth.
function pair(one, other) {
  const [low, high] = [-0.5, 1.25];
  const place = (number) => (100 * (Math.min(Math.max(number, low), high) - low)) / (high - low) + "%";
  const svg = element("svg", { class: "interval", width: "100%", height: "20", "aria-hidden": "true" });
  for (const [mark, kind] of [[0, "blind"], [1, "truth"]]) {
    svg.append(element("line", { class: kind, x1: place(mark), x2: place(mark), y1: "0", y2: "20" }));
  }
  for (const [numbers, y, kind] of [[one, 6, "first"], [other, 14, "second"]]) {
    if (numbers.length > 2) {
      svg.append(element("line", { class: "bar " + kind, x1: place(numbers[1]), x2: place(numbers[2]), y1: y, y2: y }));
    }
    if (numbers.length) svg.append(element("circle", { class: "dot " + kind, cx: place(numbers[0]), cy: y, r: "4" }));
  }
  return svg;
}

// A picture opens larger over the page; arrow keys lead to the next one, Escape back. Without this it opens by itself.
function startGallery() {
  const links = all("a[data-large]");
  if (!links.length) return;
  const picture = element("img", { alt: "" });
  const words = element("p");
  const buttons = [
    ["‹", "Previous picture", -1],
    ["›", "Next picture", 1],
  ].map(([sign, label, step]) => {
    const button = element("button", { type: "button", "aria-label": label }, sign);
    button.addEventListener("click", () => show(shown + step));
    return button;
  });
  const close = element("button", { type: "button", "aria-label": "Close" }, "×");
  const dialog = element("dialog", { class: "large", "aria-label": "Picture" }, close, buttons[0], picture, buttons[1], words);
  document.body.append(dialog);
  let shown = 0;

  function show(number) {
    shown = (number + links.length) % links.length;
    const link = links[shown];
    const caption = link.closest("figure")?.querySelector("figcaption")?.textContent ?? "";
    const name = link.querySelector("img")?.alt ?? link.textContent;
    picture.src = link.href;
    picture.alt = name;
    const single = link.closest("li");
    words.replaceChildren(element("b", {}, single ? single.textContent.trim() : ""), " " + caption);
  }

  links.forEach((link, number) =>
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      show(number);
      dialog.showModal();
    }),
  );
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => links[shown].focus());
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) show(shown + step);
  });
}

// An address that points into a fold opens it; paper has no folds.
function reveal() {
  const target = !location.hash.includes("=") && location.hash && at(decodeURIComponent(location.hash.slice(1)));
  const fold = target && (target.matches("details") ? target : target.closest("details"));
  if (fold) fold.open = true;
}

startSorting();
restoreSorting();
startFilter();
startToggles();
startColumns();
all("table.matrix").forEach(startMatrix);
startComparison();
startGallery();
addEventListener("hashchange", reveal);
reveal();
addEventListener("beforeprint", () => all("details").forEach((fold) => (fold.open = true)));
const tools = at("tools");
if (tools) {
  tools.hidden = false;
  // The bar lies over what an address leads to: leave room for it, also when it breaks into two lines.
  let arriving = true;
  new ResizeObserver(() => {
    const over = getComputedStyle(tools).position === "sticky" && tools.parentElement.id === "main";
    document.documentElement.style.scrollPaddingTop = over ? tools.offsetHeight + 16 + "px" : "";
    if (arriving && location.hash && !location.hash.includes("=")) {
      at(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
    }
    arriving = false;
  }).observe(tools);
}
performance.mark("ready");
const settle = () => document.documentElement.classList.add("settled");
if (location.hash) settle();
else addEventListener("load", () => setTimeout(settle, 100));
})();
