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
