// The columns beyond the first few. A browser that runs scripts reads a noscript as text, which costs next to nothing:
// they become cells of their ranking once somebody asks for them.
function complete(table) {
  const waiting = table.parentElement.nextElementSibling;
  if (!waiting?.matches("noscript")) return;
  const first = table.tHead.rows[0].cells.length;
  const shape = element("template");
  shape.innerHTML = waiting.textContent;
  waiting.remove();
  const [heading, ...rows] = all("tr", shape.content);
  const rest = new Map(rows.map((row) => [called(row), row]));
  const headings = [...heading.cells].slice(1);
  table.tHead.rows[0].append(...headings);
  headings.forEach(sortable);
  for (const row of all("tbody tr:not(.fixed)", table)) row.append(...all("td", rest.get(called(row))));
  for (const cell of all("tr:not(.fixed) > :nth-child(n + " + (first + 1) + ")", table)) cell.className = "n more";
  for (const cell of all("[colspan]", table)) cell.colSpan = table.tHead.rows[0].cells.length;
}

function startColumns() {
  const button = at("columns");
  if (!button) return;
  const show = (shown) => {
    if (shown) all("table.ranking").forEach(complete);
    document.documentElement.classList.toggle("all-columns", shown);
    button.ariaPressed = String(shown);
  };
  button.addEventListener("click", () => {
    show(button.ariaPressed !== "true");
    keep("columns", button.ariaPressed === "true" ? "all" : "");
  });
  if (state.get("columns") === "all") show(true);
}
