// Practice: "Check answer" saves this question, asks for its feedback and shows it below. Keys and rationales come
// from the server only now.

import { post } from "./requests.js";
import { say, text } from "./texts.js";

const PATIENCE = 8000;

export class Practice {
  constructor({ outbox, onChecked }) {
    this.outbox = outbox;
    this.onChecked = onChecked;
  }

  /** True when the key or button was meant for this question. */
  check(question) {
    const button = question.section.querySelector("[data-check-answer]");
    if (!button || question.isChecked || button.disabled) return false;
    this.#check(question, button);
    return true;
  }

  async #check(question, button) {
    const note = question.section.querySelector("[data-check-note]");
    const explain = (words) => {
      note.textContent = words;
      note.hidden = !words;
      if (words) say(words);
    };
    if (question.answer === null) return explain(text("answer-first"));
    explain("");
    button.disabled = true;
    try {
      if (!(await this.outbox.flushSlot(question.slot, PATIENCE))) return explain(text("check-failed"));
      const reply = await post(question.section.dataset.check, {}, { html: true });
      if (reply.kind !== "reply" || !reply.html) return explain(text("check-failed"));
      this.#show(question, button, reply.html);
    } finally {
      button.disabled = false;
    }
  }

  #show(question, button, html) {
    const place = question.section.querySelector("[data-feedback-place]");
    const template = document.createElement("template");
    template.innerHTML = html;
    place.replaceChildren(template.content);
    question.isChecked = true;
    question.lock();
    button.hidden = true;
    const isCorrect = place.querySelector("[data-correct]")?.dataset.correct === "true";
    say(text(isCorrect ? "right" : "not-right"));
    place.querySelector("h3")?.focus();
    this.onChecked();
  }
}
