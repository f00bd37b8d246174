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
startMatrices();
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
