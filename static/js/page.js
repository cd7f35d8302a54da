// What every page may use: menus that close, dialogs that open, panels that unfold where there is room, printing.

document.addEventListener("click", ({ target }) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(target)) menu.open = false;
  }
  const opener = target.closest("[data-opens]");
  if (opener) {
    opener.closest("details.menu")?.removeAttribute("open");
    document.getElementById(opener.dataset.opens)?.showModal();
  }
  if (target.closest("[data-print]")) print();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

if (matchMedia("(min-width: 64rem)").matches) {
  for (const fold of document.querySelectorAll("details[data-wide-open]")) fold.open = true;
}

// On a phone the navigation scrolls sideways: begin with the part where the reader is.
document.querySelector(".site-nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
