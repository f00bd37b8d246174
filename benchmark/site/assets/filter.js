// What is shown: methods by name or description, and families.
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
