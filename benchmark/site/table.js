// Sorting, filtering and folding for the tables of the page. Without this script they are plain tables, complete and readable.
"use strict";

(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // A cell's value: the number in data-v or in its text; otherwise its text. null where nothing is known: such rows stay last.
  function value(row, column) {
    const cell = row.cells[column];
    const raw = (cell.dataset.v ?? cell.textContent).trim();
    if (raw === "" || raw === "–") return null;
    const number = Number.parseFloat(raw.replace("−", "-").replaceAll(",", ""));
    return /^[−-]?[\d.]/.test(raw) && !Number.isNaN(number) ? number : raw.toLowerCase();
  }

  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  }

  // Groups (table bodies) keep their place; inside each, fixed rows stay on top and the others are sorted.
  function sort(table, column, direction) {
    for (const body of table.tBodies) {
      const rows = [...body.rows].filter((row) => !row.classList.contains("fixed"));
      const keyed = rows.map((row) => [value(row, column), row]);
      keyed.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null);
        return direction * compare(a, b);
      });
      body.append(...keyed.map(([, row]) => row));
    }
  }

  for (const table of all("table.sortable")) {
    const heads = all("thead th", table);
    for (const head of heads) {
      // A span, because a real button is left out where a printed table repeats its head.
      const button = document.createElement("span");
      button.role = "button";
      button.tabIndex = 0;
      button.append(...head.childNodes);
      head.append(button);
      head.ariaSort = "none";
      button.addEventListener("click", () => {
        const up = head.ariaSort === "none" ? !/Skill|Effect/.test(head.textContent) : head.ariaSort === "descending";
        for (const other of heads) other.ariaSort = "none";
        head.ariaSort = up ? "ascending" : "descending";
        sort(table, head.cellIndex, up ? 1 : -1);
      });
      button.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        button.click();
      });
    }
  }

  const tasks = all("details.task");
  const filter = document.getElementById("filter");
  const found = document.getElementById("found");

  // Descriptions stand in the families' rankings only; a method found by its description is shown in every table.
  const called = (row) => (row.querySelector("th b") ?? row.querySelector("th")).textContent.trim();
  const rows = all("table.filterable tbody tr:not(.fixed)");
  const texts = new Map();
  for (const row of rows) {
    const text = row.querySelector("th").textContent.toLowerCase();
    texts.set(called(row), (texts.get(called(row)) ?? "") + " " + text);
  }

  filter.addEventListener("input", () => {
    const wanted = filter.value.trim().toLowerCase();
    const names = [...texts.keys()].filter((name) => texts.get(name).includes(wanted));
    for (const row of rows) row.hidden = !names.includes(called(row));
    for (const body of all("table.filterable tbody")) {
      body.hidden = [...body.rows].every((row) => row.hidden || row.classList.contains("fixed"));
    }
    found.value = wanted === "" ? "" : names.length === 1 ? "1 method" : names.length + " methods";
  });

  for (const button of all("[data-toggle]")) {
    button.addEventListener("click", () => {
      const section = document.getElementById(button.dataset.toggle);
      section.hidden = !section.hidden;
      button.ariaPressed = String(!section.hidden);
    });
  }

  const unfold = document.getElementById("unfold");
  unfold.addEventListener("click", () => {
    const open = tasks.some((task) => !task.open);
    for (const task of tasks) task.open = open;
    unfold.textContent = open ? "Close all tasks" : "Open all tasks";
  });

  // An address that points into a closed task opens it; paper has no folds.
  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const fold = target && target.closest("details");
    if (fold) fold.open = true;
  };
  addEventListener("hashchange", reveal);
  reveal();
  addEventListener("beforeprint", () => all("details").forEach((fold) => (fold.open = true)));

  document.getElementById("tools").hidden = false;
})();
