// The control room: what was selected stays selected while the list renews itself.

document.documentElement.dataset.live = "on";
const selected = new Set([...document.querySelectorAll(".row-check:checked")].map((box) => box.value));
const count = document.querySelector("[data-selected-count]");
const stale = document.querySelector("[data-stale]");

const boxes = () => [...document.querySelectorAll("#room .row-check")];

function draw() {
  const n = boxes().filter((box) => box.checked).length;
  const words = n ? count.dataset[n === 1 ? "one" : "many"].replace("{n}", n) : "";
  if (count.textContent !== words) count.textContent = words;
  const all = document.querySelector("[data-select-all]");
  if (!all) return;
  all.checked = n > 0 && n === boxes().length;
  all.indeterminate = n > 0 && !all.checked;
}

function note(box) {
  if (box.checked) selected.add(box.value);
  else selected.delete(box.value);
}

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-select-all]")) {
    for (const box of boxes()) {
      box.checked = target.checked;
      note(box);
    }
  } else if (target.matches(".row-check")) note(target);
  else return;
  draw();
});

document.body.addEventListener("htmx:afterSwap", () => {
  stale.hidden = true;
  for (const box of boxes()) box.checked = selected.has(box.value);
  draw();
});
for (const trouble of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.body.addEventListener(trouble, () => {
    stale.hidden = false;
  });
}
draw();
