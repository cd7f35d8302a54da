// Ordering: buttons first, every move is said aloud; dragging by the handle is an extra. The selects that work without
// JavaScript are kept in step, so that the form says the same as the lists.

import { control, say, text } from "./texts.js";

export class Ordering {
  constructor(section, onChange) {
    this.list = section.querySelector("[data-ordering]");
    this.surplus = section.querySelector("[data-surplus]");
    this.empty = section.querySelector("[data-ordering-empty]");
    this.surplusTitle = section.querySelector("[data-surplus-title]");
    this.items = [...this.surplus.children];
    this.onChange = onChange;
    for (const item of this.items) {
      const moves = control("player-moves");
      for (const button of moves.children) button.setAttribute("aria-describedby", item.querySelector("p").id);
      item.append(moves);
    }
    section.addEventListener("click", ({ target }) => {
      const button = target.closest("[data-move]");
      if (button) this.#move(button.closest("li"), button.dataset.move);
    });
    section.addEventListener("pointerdown", (event) => this.#grab(event));
  }

  get answer() {
    const ids = [...this.list.children].map((item) => item.dataset.option);
    return ids.length ? ids : null;
  }

  show(answer) {
    const order = answer ?? [];
    for (const item of this.items) if (!order.includes(item.dataset.option)) this.surplus.append(item);
    for (const id of order) {
      const item = this.items.find((each) => each.dataset.option === id);
      if (item) this.list.append(item);
    }
    for (const item of this.items) item.classList.remove("moved");
    this.#number();
  }

  /** A letter puts its step at the end of the order, or takes it out again. */
  toggle(letter) {
    const item = this.items.find((each) => each.dataset.letter === letter);
    if (!item) return false;
    this.#move(item, item.parentElement === this.list ? "out" : "in", { focus: false });
    return true;
  }

  #move(item, how, { focus = true } = {}) {
    if (how === "up") item.previousElementSibling?.before(item);
    if (how === "down") item.nextElementSibling?.after(item);
    if (how === "in") this.list.append(item);
    if (how === "out") this.#giveBack(item);
    this.#settled(item);
    if (focus) {
      // The pressed button may be gone or at its end: the nearest useful one takes the focus.
      const next = { up: ["up", "down"], down: ["down", "up"], in: ["up", "down", "out"], out: ["in"] }[how];
      next.map((name) => item.querySelector(`[data-move="${name}"]`)).find((b) => !b.disabled)?.focus();
    }
  }

  #giveBack(item) {
    const rank = this.items.indexOf(item);
    const after = [...this.surplus.children].find((other) => this.items.indexOf(other) > rank);
    this.surplus.insertBefore(item, after ?? null);
  }

  #settled(item) {
    for (const each of this.items) each.classList.remove("moved");
    this.#number();
    const label = item.querySelector("p").textContent.trim();
    if (item.parentElement === this.list) {
      item.classList.add("moved");
      const n = [...this.list.children].indexOf(item) + 1;
      say(text("placed", { label, n, all: this.list.children.length }));
    } else {
      say(text("taken-out", { label }));
    }
    this.onChange();
  }

  #number() {
    const ordered = [...this.list.children];
    for (const item of this.items) {
      const place = ordered.indexOf(item);
      const isIn = place >= 0;
      item.querySelector("[data-place]").textContent = isIn ? place + 1 : item.dataset.letter;
      item.querySelector("[data-position]").value = isIn ? String(place + 1) : "";
      for (const button of item.querySelectorAll("[data-move]")) {
        const how = button.dataset.move;
        button.hidden = isIn === (how === "in");
        button.disabled = (how === "up" && place === 0) || (how === "down" && place === ordered.length - 1);
      }
    }
    this.empty.hidden = ordered.length > 0;
    this.surplusTitle.hidden = this.surplus.hidden = !this.surplus.children.length;
  }

  #grab(event) {
    const item = event.target.closest("[data-place]")?.closest("li");
    if (!item || event.button !== 0 || item.closest("fieldset").disabled) return;
    event.preventDefault();
    const [home, neighbour] = [item.parentElement, item.nextElementSibling];
    // Both lists take drops, so both must be there.
    this.surplusTitle.hidden = this.surplus.hidden = false;
    item.classList.add("dragged");

    // Moving a node ends its pointer capture, so the document listens.
    const { pointerId } = event;
    const drag = ({ clientX, clientY, pointerId: id }) => {
      if (id !== pointerId) return;
      const under = document.elementFromPoint(clientX, clientY);
      const over = under?.closest("[data-ordering] > li, [data-surplus] > li");
      if (over && over !== item && this.items.includes(over)) {
        const box = over.getBoundingClientRect();
        if (clientY < box.top + box.height / 2) over.before(item);
        else over.after(item);
      } else if (under === this.empty) {
        this.list.append(item);
      }
    };
    const drop = ({ type, pointerId: id }) => {
      if (id !== pointerId) return;
      document.removeEventListener("pointermove", drag);
      document.removeEventListener("pointerup", drop);
      document.removeEventListener("pointercancel", drop);
      item.classList.remove("dragged");
      if (type === "pointercancel") home.insertBefore(item, neighbour);
      if (item.parentElement === this.surplus) this.#giveBack(item);
      const moved = item.parentElement !== home || (home === this.list && item.nextElementSibling !== neighbour);
      if (moved) this.#settled(item);
      else this.#number();
    };
    document.addEventListener("pointermove", drag);
    document.addEventListener("pointerup", drop);
    document.addEventListener("pointercancel", drop);
  }
}
