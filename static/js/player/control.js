// What an instructor does to this sitting: told in banners, once each; a pause covers the questions.

import { notify, withdraw } from "./reports.js";
import { remember, remembered } from "./sitting.js";
import { clockTime, plural, say, text } from "./texts.js";

const exam = document.querySelector("[data-exam]");
const cover = document.querySelector("[data-paused]");

export class Control {
  /** `onPause(secondsLeft)`, `onResume()`: the page stops and goes on. */
  constructor({ attempt, onPause, onResume }) {
    this.name = `control.${attempt}`;
    this.onPause = onPause;
    this.onResume = onResume;
    this.isPaused = false;
    this.known = remembered(this.name) ?? 0;
  }

  isBehind(revision) {
    return revision > this.known;
  }

  /** Take the reply to a pulse; whether it told the learner why the end moved. */
  read(standing) {
    if (standing.paused) this.#pause(standing);
    else if (this.isPaused) this.#resume();
    // Two pulses may be under way at once: each piece of news is told by the first.
    const news = (standing.news ?? []).filter(({ revision }) => revision > this.known);
    for (const each of news) this.#tell(each, standing);
    if (standing.control_revision > this.known) {
      this.known = standing.control_revision;
      remember(this.name, this.known);
    }
    return news.some(({ ends_at: endsAt }) => endsAt);
  }

  #tell({ revision, kind, by, reason, text: words, minutes, ends_at: endsAt }, standing) {
    const time = endsAt ? clockTime(endsAt, { seconds: false }) : "";
    const why = reason ? ` ${text("control-reason", { reason })}` : "";
    const who = by || text("control-instructor");
    if (kind === "message") notify(text("control-message", { by: who, text: words }), { id: `control-${revision}` });
    else if (kind === "deadline_changed") {
      const added = time ? plural("control-added", minutes, { time }) : plural("control-added-paused", minutes);
      notify(added + why, { id: `control-${revision}` });
    } else if (kind === "reopened") notify(text("control-reopened", { time }) + why, { id: "control-reopened" });
    else if (kind === "resumed" && !standing.paused) notify(text("control-resumed", { time }) + why, { id: "control-resumed" });
    else if (kind === "paused" && standing.paused) cover.querySelector("[data-paused-why]").textContent = why.trim();
  }

  #pause(standing) {
    const minutes = Math.floor(standing.seconds_left / 60);
    cover.querySelector("[data-paused-left]").textContent =
      exam.dataset.timed === "true" ? plural("paused-left", minutes) : "";
    if (this.isPaused) return;
    this.isPaused = true;
    cover.querySelector("[data-paused-why]").textContent = "";
    exam.dataset.isPaused = "";
    cover.hidden = false;
    withdraw("control-resumed");
    this.onPause(standing.seconds_left);
    cover.querySelector("[data-paused-title]").focus();
    say(text("paused-said"));
  }

  #resume() {
    this.isPaused = false;
    delete exam.dataset.isPaused;
    cover.hidden = true;
    this.onResume();
  }
}
