// In a matrix the arrow keys move from cell to cell, and one press of Tab leaves it.
function startMatrix(table) {
  if (!table.querySelector("tbody td a")) return;
  // Only once somebody is in it: a thousand links would keep the page from being ready.
  table.addEventListener("focusin", ({ target }) => rove(table, target), { once: true });
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

function rove(table, target) {
  const links = all("tbody td > a", table);
  for (const link of links) link.tabIndex = -1;
  (links.includes(target) ? target : links[0]).tabIndex = 0;
}
