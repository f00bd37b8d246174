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
    if (shown) tables.forEach(complete);
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
  if (matrix) linked(matrix);
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
  const [one, other] = [a, b].map((row) => row.cells[0].textContent.split("–").filter(Boolean).map(Number));
  const names = called(a) + " beside " + called(b) + ". ";
  if (!one.length || !other.length) return names;
  const apart = one.at(-1) < other[0] || other.at(-1) < one[0];
  return names + (apart ? "Their rank intervals do not overlap." : "Their rank intervals overlap: this board does not tell them apart.");
}

function line(label, a, b, skill) {
  const cells = [a, b].map((cell) => element("td", { class: cell.matches(".skill") ? "n skill" : "n" }, ...[...cell.childNodes].map((node) => node.cloneNode(true))));
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
