// The editor of a blueprint: says while one types what the weights add up to (the server checks it again), and
// keeps unfolded what was unfolded when a row was added or moved.

const form = document.querySelector("[data-blueprint]");

function hundredths(text) {
  const plain = text.trim().replace(",", ".");
  return /^(\d{1,3}(\.\d{1,2})?|\.\d{1,2})$/.test(plain) ? Math.round(Number(plain) * 100) : 0;
}

function sayTotal() {
  const notice = form.querySelector("[data-weight-total]");
  if (!notice) return;
  const weights = [...form.querySelectorAll("[data-weight]")];
  const total = weights.reduce((sum, input) => sum + hundredths(input.value), 0);
  const isWhole = total === 10_000;
  const words = isWhole ? notice.dataset.whole : notice.dataset.other.replace("{total}", String(total / 100));
  const place = notice.querySelector("span");
  if (place.textContent === words) return;
  place.textContent = words;
  notice.classList.toggle("notice-good", isWhole);
  notice.classList.toggle("notice-warn", !isWhole);
}

form?.addEventListener("input", (event) => {
  if (event.target.matches("[data-weight]")) sayTotal();
});

let unfolded = [];
document.body.addEventListener("htmx:beforeSwap", () => {
  unfolded = [...document.querySelectorAll(".outline-fold[open]")].map((fold) => fold.id);
});
document.body.addEventListener("htmx:afterSwap", () => {
  for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
});
