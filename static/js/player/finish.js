// The end of a sitting: submitted by the learner, by the clock, or closed elsewhere. Everything that waits goes first;
// what can't be delivered is never dropped in silence.

import { post } from "./requests.js";
import { plural, say, text } from "./texts.js";

const PATIENCE = 8000;
const LONGEST_WAIT = 10_000;

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export class Finish {
  /** `pulse()` asks the server how the sitting stands; `openCount()` how many questions are open. */
  constructor({ submitUrl, resultsUrl, grace, outbox, seconds, pulse, openCount, onLeave }) {
    Object.assign(this, { submitUrl, resultsUrl, grace, outbox, seconds, pulse, openCount, onLeave });
    this.late = [];
    this.isEnding = false;
    this.isSubmitting = false;
    this.wake = () => {};
    this.dialog = document.querySelector("[data-submit-dialog]");
    this.closing = document.querySelector("[data-closing]");
    this.dialog.querySelector("[data-submit-now]").addEventListener("click", () => this.#submit());
    this.dialog.querySelector("[data-submit-back]").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("close", () => {
      this.isSubmitting = false;
      this.wake();
    });
    // Nothing is left to do on the page once its time is up: the dialog stays.
    this.closing.addEventListener("cancel", (event) => event.preventDefault());
    this.closing.addEventListener("close", () => this.isEnding && this.closing.showModal());
    this.closing.querySelector("[data-closing-go]").addEventListener("click", () => this.onLeave());
  }

  ask() {
    const open = this.openCount();
    const title = open ? plural("submit-title", open) : text("submit-title-none");
    this.#drawSubmit({ title, words: text("submit-text"), isBusy: false });
    this.dialog.showModal();
  }

  /** Somebody pressed "Try now", or the line is back. */
  hurry() {
    this.wake();
  }

  async #submit() {
    if (this.isSubmitting || this.isEnding) return;
    this.isSubmitting = true;
    this.#drawSubmit({ title: text("submitting"), words: text("submitting-text"), isBusy: true });
    for (let failures = 0; this.isSubmitting && !this.isEnding; failures += 1) {
      if (await this.outbox.flush(failures ? 0 : PATIENCE)) {
        if (!this.isSubmitting || this.isEnding) return;
        const reply = await this.#post();
        if (reply.status === 200 || reply.status === 410) return this.leave(reply.data.results);
        if (!this.isSubmitting) return;
        this.#drawStuck(reply.kind);
      } else {
        this.#drawStuck(this.outbox.reason);
      }
      await this.#pause(failures);
    }
  }

  /** Zero on the clock. Returns only if the server has given more time. */
  async timeUp() {
    if (this.isEnding) return;
    this.isEnding = true;
    const graceEnds = performance.now() + this.grace * 1000;
    this.#drawClosing(text("time-up"), text("time-up-sending"));
    say(`${text("time-up")}. ${text("time-up-sending")}`);
    for (let failures = 0; ; failures += 1) {
      const left = graceEnds - performance.now();
      const draw = () => this.#drawTimeUp(graceEnds);
      this.outbox.addEventListener("state", draw);
      await this.outbox.flush(failures ? 1500 : Math.max(1500, Math.min(PATIENCE, left)));
      this.outbox.removeEventListener("state", draw);
      const standing = await this.pulse();
      const goesOn = standing?.state === "in_progress" && (standing.paused || standing.seconds_left > 0.5);
      if (goesOn) return this.#resume();
      if (standing) {
        const reply = await this.#post();
        if (reply.kind === "reply") return this.#end(reply.data?.results);
      }
      this.#drawTimeUp(graceEnds);
      await this.#pause(failures);
    }
  }

  /** The server says that the sitting is over. What still waits is sent once more, as evidence. */
  async closedElsewhere(results) {
    if (this.isEnding) return;
    this.isEnding = true;
    this.#drawClosing(text("closed"), text("closed-text"));
    say(`${text("closed")}. ${text("closed-text")}`);
    await this.outbox.flush(PATIENCE);
    this.#end(results);
  }

  cameLate(slot) {
    if (!this.late.includes(slot)) this.late.push(slot);
  }

  leave(results) {
    this.onLeave();
    location.assign(results ?? this.resultsUrl);
  }

  #post() {
    return post(this.submitUrl, { seconds: this.seconds() });
  }

  #end(results) {
    for (const slot of this.outbox.entries.keys()) this.cameLate(slot);
    if (!this.late.length) return this.leave(results);
    this.#drawClosing(text("closed"), text("closed-text"));
    this.closing.querySelector("[data-late]").hidden = false;
    const list = this.closing.querySelector("[data-late-list]");
    list.replaceChildren(
      ...this.late.map((slot) => {
        const item = document.createElement("li");
        item.textContent = text("late-item", { slot });
        return item;
      }),
    );
    const go = this.closing.querySelector("[data-closing-go]");
    if (results) go.href = results;
    go.hidden = false;
    this.closing.querySelector("[data-closing-busy]").hidden = true;
    this.closing.querySelector("[data-retry]").hidden = true;
    go.focus();
  }

  #resume() {
    this.isEnding = false;
    this.closing.close();
  }

  #pause(failures) {
    const milliseconds = Math.min(LONGEST_WAIT, 1000 * 2 ** failures) * (0.5 + Math.random() / 2);
    return Promise.race([wait(milliseconds), new Promise((resolve) => (this.wake = resolve))]);
  }

  #drawSubmit({ title, words, isBusy }) {
    const part = (name) => this.dialog.querySelector(`[data-submit-${name}]`);
    part("title").textContent = title;
    part("text").textContent = words;
    part("busy").hidden = !isBusy;
    part("now").hidden = isBusy;
  }

  #drawStuck(reason) {
    const waiting = this.outbox.size;
    const title = waiting ? plural("stuck-title", waiting) : text("stuck-title-none");
    const words = text(["session", "paused"].includes(reason) ? `stuck-${reason}` : "stuck-text");
    const isNew = this.dialog.querySelector("[data-submit-title]").textContent !== title;
    this.#drawSubmit({ title, words, isBusy: true });
    if (isNew) say(`${title}. ${words}`);
  }

  #drawTimeUp(graceEnds) {
    const waiting = this.outbox.size;
    const isInGrace = performance.now() < graceEnds;
    let words = text(this.outbox.reason ? "time-up-offline" : "time-up-sending");
    if (waiting && isInGrace) words = plural("time-up-waiting", waiting, { grace: this.grace });
    else if (waiting) words = plural("time-up-late", waiting);
    if (this.outbox.reason === "session") words = text("stuck-session");
    const shown = this.closing.querySelector("[data-closing-text]");
    if (shown.textContent === words) return;
    shown.textContent = words;
    say(`${text("time-up")}. ${words}`);
  }

  #drawClosing(title, words) {
    for (const open of document.querySelectorAll("dialog[open]")) if (open !== this.closing) open.close();
    this.closing.querySelector("[data-closing-title]").textContent = title;
    this.closing.querySelector("[data-closing-text]").textContent = words;
    if (!this.closing.open) this.closing.showModal();
    this.closing.querySelector("[data-closing-title]").focus();
  }
}
