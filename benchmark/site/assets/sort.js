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

function sortable(cell) {
  // A span, because a real button is left out where a printed table repeats its head; beside a link, not around it.
  const link = cell.querySelector("a");
  const button = element("span", { role: "button", tabindex: "0" });
  if (link) button.setAttribute("aria-label", "Sort by " + link.textContent);
  else button.append(...cell.childNodes);
  cell.append(button);
  cell.ariaSort = "none";
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
  all("table.sortable thead th").forEach(sortable);
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
  if (!table?.matches("table.sortable")) return;
  if (column >= table.tHead.rows[0].cells.length) complete(table);
  if (table.tHead.rows[0].cells[column]?.ariaSort) {
    sort(table, Number(column), direction === "up" ? 1 : -1);
  }
}
