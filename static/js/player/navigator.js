// Where everything stands: the cells, the counts, the progress bar and the list of the review screen.

import { control, text } from "./texts.js";

const STATES = ["answered", "partial", "unanswered", "unseen"];

export class Navigator {
  constructor({ questions, isWaiting }) {
    this.questions = questions;
    this.isWaiting = isWaiting;
    this.filter = "all";
    this.root = document.querySelector("[data-navigator]");
    this.cells = new Map([...this.root.querySelectorAll("[data-go]")].map((cell) => [Number(cell.dataset.go), cell]));
    this.ticks = [...document.querySelectorAll("[data-progress] > i")];
    this.progress = document.querySelector("[data-progress]");
    this.counts = [...document.querySelectorAll("[data-count]")];
    this.rows = new Map(questions.map((question) => [question.slot, reviewRow(question)]));
    document.querySelector("[data-review-rows]").append(...this.rows.values());
    this.root.addEventListener("click", ({ target }) => {
      const button = target.closest("[data-filter]");
      if (button) this.show(button.dataset.filter);
    });
    this.#placeSheet();
  }

  show(filter) {
    this.filter = filter;
    for (const button of this.root.querySelectorAll("[data-filter]")) {
      button.setAttribute("aria-pressed", String(button.dataset.filter === filter));
    }
    this.draw(this.here);
  }

  /** `here` is the slot shown, or null on the review screen. */
  draw(here) {
    this.here = here;
    const count = { all: 0, answered: 0, partial: 0, open: 0, unseen: 0, flagged: 0 };
    for (const question of this.questions) {
      const { state, isFlagged } = question;
      count.all += 1;
      if (state in count) count[state] += 1;
      if (state !== "answered") count.open += 1;
      if (isFlagged) count.flagged += 1;
      this.#drawCell(question, state);
      this.#drawRow(question, state);
    }
    for (const node of this.counts) node.textContent = count[node.dataset.count];
    this.progress.setAttribute("aria-label", text("progress", { n: count.answered, all: count.all }));
    this.#toggle("[data-review-open]", count.open > 0);
    this.#toggle("[data-review-list]", count.open > 0 || count.flagged > 0);
    this.#toggle("[data-review-none]", count.open === 0 && count.flagged === 0);
    return count;
  }

  open() {
    const cell = this.cells.get(this.here) ?? this.cells.get(1);
    if (this.isNarrow.matches) this.sheet.showModal();
    cell.focus();
  }

  close() {
    if (this.sheet.open) this.sheet.close();
  }

  #shows(state, isFlagged) {
    return { all: true, open: state !== "answered", flagged: isFlagged, unseen: state === "unseen" }[this.filter];
  }

  #drawCell(question, state) {
    const { slot, isFlagged } = question;
    const cell = this.cells.get(slot);
    const isWaiting = this.isWaiting(slot);
    for (const each of STATES) cell.classList.toggle(`cell-${each}`, each === state);
    cell.classList.toggle("cell-flagged", isFlagged);
    cell.classList.toggle("cell-waiting", isWaiting);
    cell.classList.toggle("cell-dimmed", !this.#shows(state, isFlagged));
    if (slot === this.here) cell.setAttribute("aria-current", "true");
    else cell.removeAttribute("aria-current");
    const words = [text(`cell-${state}`, { slot })];
    if (isFlagged) words.push(text("cell-flagged"));
    if (isWaiting) words.push(text("cell-waiting"));
    cell.setAttribute("aria-label", words.join(", "));
    const tick = this.ticks[slot - 1];
    tick.className = slot === this.here ? "now" : state === "answered" ? "done" : state === "partial" ? "part" : "";
  }

  #drawRow({ slot, isFlagged }, state) {
    const row = this.rows.get(slot);
    row.hidden = state === "answered" && !isFlagged;
    for (const chip of row.querySelectorAll("[data-is]")) {
      chip.hidden = chip.dataset.is === "flagged" ? !isFlagged : chip.dataset.is !== state;
    }
  }

  #toggle(selector, isShown) {
    const node = document.querySelector(selector);
    if (node) node.hidden = !isShown;
  }

  /** On a phone the navigator is a sheet from the bottom; where there is room it stands beside the question. */
  #placeSheet() {
    this.sheet = document.querySelector("[data-sheet]");
    this.isNarrow = matchMedia("(max-width: 63.99rem)");
    const side = document.querySelector("[data-side]");
    const place = () => {
      this.close();
      (this.isNarrow.matches ? this.sheet : side).append(this.root);
      side.hidden = this.isNarrow.matches;
    };
    this.isNarrow.addEventListener("change", place);
    place();
    this.sheet.addEventListener("click", ({ target }) => {
      if (target === this.sheet || target.closest("[data-sheet-close]")) this.sheet.close();
    });
  }
}

function reviewRow({ slot, section }) {
  const row = control("player-review-row");
  const stem = section.querySelector(".question-stem").textContent.trim();
  row.querySelector("[data-row-slot]").textContent = slot;
  row.querySelector("[data-row-begins]").textContent = stem.slice(0, 160);
  const button = row.querySelector("[data-go]");
  button.dataset.go = slot;
  button.textContent = text("go-to", { slot });
  return row;
}
