// A cell leads to its method on the page of its task. In a matrix the arrow keys move from cell to cell, and one press of
// Tab leaves it.
function startMatrices() {
  // Cells become links when their table comes into sight: a thousand at once would keep the page from being ready.
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      linked(target);
    }
  });
  for (const table of all("table.matrix[data-family]")) {
    seen.observe(table);
    table.addEventListener("keydown", (event) => move(table, event));
  }
}

function linked(table) {
  if (table.querySelector("tbody td a")) return;
  const tasks = [...table.tHead.rows[0].cells].map((cell) => cell.querySelector("a"));
  for (const row of table.tBodies[0].rows) {
    // The place of a method on any task's page is named as its own page is.
    const place = head(row).querySelector("a")?.pathname.match(/([^/]*)\.html$/)?.[1];
    for (const cell of row.cells) {
      if (!cell.dataset.v) continue;
      const href = tasks[cell.cellIndex].getAttribute("href") + (place ? "#m-" + place : "");
      const link = element("a", { href, tabindex: "-1" }, ...cell.childNodes);
      cell.append(link);
    }
  }
  const first = table.querySelector("tbody td a");
  if (first) first.tabIndex = 0;
}

function move(table, event) {
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
}
