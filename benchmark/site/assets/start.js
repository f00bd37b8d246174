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
if (at("tools")) at("tools").hidden = false;
performance.mark("ready");
const settle = () => document.documentElement.classList.add("settled");
if (location.hash) settle();
else addEventListener("load", () => setTimeout(settle, 100));
