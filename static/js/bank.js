// The bank list: tick a whole page, count what is ticked, keep the place when the list is swapped.

const folds = () => [...document.querySelectorAll("#results details.fold")];
let unfolded = [];
let focused = "";

function prepare() {
  const form = document.querySelector("[data-selection]");
  if (!form) return;
  form.querySelector("[data-select-page]").hidden = false;
  count(form);
}

function count(form) {
  const boxes = [...form.querySelectorAll(".row-check")];
  const ticked = boxes.filter((box) => box.checked).length;
  const words = form.querySelector("[data-ticked]");
  words.textContent = words.dataset.ticked.replace("%", ticked);
  const page = form.querySelector("[data-select-page] input");
  page.checked = ticked === boxes.length;
  page.indeterminate = ticked > 0 && ticked < boxes.length;
}

document.addEventListener("change", ({ target }) => {
  const form = target.closest("[data-selection]");
  if (!form) return;
  if (target.closest("[data-select-page]")) {
    for (const box of form.querySelectorAll(".row-check")) box.checked = target.checked;
  }
  count(form);
});

document.addEventListener("htmx:beforeSwap", () => {
  unfolded = folds().map((fold) => fold.open);
  focused = document.activeElement?.id ?? "";
});

document.addEventListener("htmx:afterSwap", () => {
  folds().forEach((fold, n) => {
    fold.open = unfolded[n] ?? fold.open;
  });
  // What is inside a fold can't take the focus before it is open again.
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  prepare();
});

prepare();
