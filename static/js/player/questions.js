// A question on the page: reads the learner's answer out of its controls, and shows a stored one in them.
// The controls come from the server; nothing is built here.

import { Ordering } from "./ordering.js";
import { clockTime, control, plural, say, text } from "./texts.js";

export class Question {
  /** `onChange(question)` is called after each change that must be saved. */
  constructor(section, onChange) {
    this.section = section;
    this.onChange = onChange;
    this.slot = Number(section.dataset.slot);
    this.type = section.dataset.type;
    this.selectCount = Number(section.dataset.select) || null;
    this.revision = Number(section.dataset.revision);
    this.savedAt = section.dataset.savedAt || null;
    this.isSeen = section.dataset.seen === "true";
    this.seconds = Number(section.dataset.seconds) || 0;
    this.isChecked = "checked" in section.dataset;
    this.field = section.querySelector("[data-answer-field]");
    this.heading = section.querySelector("[data-title]");
    this.flag = section.querySelector("[data-flag]");
    this.note = section.querySelector("[data-saved]");
    this.chosen = section.querySelector("[data-chosen]");
    this.inputs = [...section.querySelectorAll("input[data-letter]")];
    this.selects = [...section.querySelectorAll("select[data-prompt]")];
    this.ordering = this.type === "ordering" ? new Ordering(section, () => this.#changed()) : null;
    for (const option of section.querySelectorAll(".option")) this.#addStrike(option);
    section.addEventListener("change", (event) => this.#input(event.target));
    section.addEventListener("click", ({ target }) => {
      const button = target.closest("[data-strike]");
      if (button) this.strike(button.closest("[data-option]"));
    });
    // The server's state, not what a browser restored into the form.
    this.flag.checked = this.flag.defaultChecked;
    this.show(JSON.parse(section.dataset.answer));
  }

  /** In the shape the server stores: "a", ["a", "c"], ["c", "a", "b"], {"p1": "b"}, or null for blank. */
  get answer() {
    const chosen = this.inputs.filter((input) => input.checked).map((input) => input.value);
    switch (this.type) {
      case "multiple_choice":
        return chosen[0] ?? null;
      case "multiple_response":
        return chosen.length ? chosen.sort() : null;
      case "ordering":
        return this.ordering.answer;
      default: {
        const pairs = this.selects.filter((s) => s.value).map((s) => [s.dataset.prompt, s.value]);
        return pairs.length ? Object.fromEntries(pairs) : null;
      }
    }
  }

  show(answer) {
    const chosen = [answer].flat();
    for (const input of this.inputs) input.checked = chosen.includes(input.value);
    for (const select of this.selects) select.value = answer?.[select.dataset.prompt] ?? "";
    this.ordering?.show(answer);
    this.#count();
  }

  get isFlagged() {
    return this.flag.checked;
  }

  get struck() {
    return [...this.section.querySelectorAll(".option-struck")].map((option) => option.dataset.option);
  }

  /** The whole stored state of this slot, from the server, another tab or the outbox. */
  adopt({ answer, flagged, struck, revision }) {
    this.show(answer);
    if (typeof flagged === "boolean") this.flag.checked = flagged;
    if (Array.isArray(struck)) {
      for (const option of this.section.querySelectorAll(".option")) {
        this.#drawStrike(option, struck.includes(option.dataset.option));
      }
    }
    this.revision = revision;
  }

  /** answered, partial, unanswered or unseen */
  get state() {
    const answer = this.answer;
    if (answer === null) return this.isSeen ? "unanswered" : "unseen";
    if (this.type === "multiple_response" && answer.length < this.selectCount) return "partial";
    if (this.type === "matching" && Object.keys(answer).length < this.selects.length) return "partial";
    if (this.type === "ordering" && answer.length < 2) return "partial";
    return "answered";
  }

  choose(letter) {
    if (this.field.disabled) return true;
    if (this.ordering) return this.ordering.toggle(letter);
    const input = this.inputs.find((each) => each.dataset.letter === letter);
    input?.click();
    return Boolean(input);
  }

  hasLetter(letter) {
    return Boolean(this.section.querySelector(`[data-letter="${letter}"]`));
  }

  strikeLetter(letter) {
    const option = this.inputs.find((input) => input.dataset.letter === letter)?.closest(".option");
    if (option) this.strike(option);
    return Boolean(option);
  }

  strike(option) {
    if (this.field.disabled) return;
    const on = !option.classList.contains("option-struck");
    const input = option.querySelector("input");
    this.#drawStrike(option, on);
    if (on) input.checked = false;
    say(text(on ? "struck" : "unstruck", { letter: input.dataset.letter }));
    this.#changed();
  }

  toggleFlag() {
    this.flag.click();
  }

  /** Its own line of saving: {savedAt} | {isWaiting} | nothing yet. */
  showSaved({ savedAt = null, isWaiting = false, isKnown = false }) {
    this.note.classList.toggle("question-waiting", isWaiting);
    if (isWaiting) this.note.textContent = text("not-sent");
    else if (savedAt) this.note.textContent = text("saved", { time: clockTime(savedAt) });
    else this.note.textContent = isKnown ? text("saved-earlier") : "";
  }

  lock() {
    this.field.disabled = true;
    this.flag.disabled = true;
  }

  #input(target) {
    if (target === this.flag) {
      say(text(target.checked ? "flag-on" : "flag-off"));
      return this.onChange(this);
    }
    if (!target.closest("[data-answer-field]") || target.matches("[data-position]")) return;
    if (this.type === "multiple_response" && target.checked) {
      const already = this.inputs.filter((input) => input.checked && input !== target).length;
      if (already >= this.selectCount) {
        target.checked = false;
        this.chosen.classList.add("chip-warn");
        return say(plural("too-many", already));
      }
    }
    const option = target.closest(".option-struck");
    if (option && target.checked) this.#drawStrike(option, false);
    this.#changed();
  }

  #changed() {
    this.#count();
    this.onChange(this);
  }

  #addStrike(option) {
    const button = control("player-strike");
    const { letter } = option.querySelector("input").dataset;
    button.setAttribute("aria-label", text("strike", { letter }));
    option.append(button);
    this.#drawStrike(option, option.classList.contains("option-struck"));
  }

  #drawStrike(option, on) {
    option.classList.toggle("option-struck", on);
    option.querySelector("[data-strike]").setAttribute("aria-pressed", String(on));
  }

  #count() {
    if (!this.chosen) return;
    this.chosen.classList.remove("chip-warn");
    const [n, all] =
      this.type === "matching"
        ? [this.selects.filter((select) => select.value).length, this.selects.length]
        : [this.inputs.filter((input) => input.checked).length, this.selectCount];
    this.chosen.textContent = text("of-chosen", { n, all });
  }
}
