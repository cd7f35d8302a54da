// The clock: seconds left by the server's reckoning, counted with performance.now() only. The device's own time of
// day may be an hour wrong and jump; nothing here reads it.

import { plural, say, text } from "./texts.js";

const THRESHOLDS = [30, 10, 5, 1];
const RETURNS_AT = 300;
const now = () => performance.now() / 1000;
const two = (n) => String(n).padStart(2, "0");

export class Clock extends EventTarget {
  /** Events: threshold (detail: minutes), zero. Untimed, it counts up and never ends. */
  constructor({ root, isTimed, secondsLeft, isHidden, onHide }) {
    super();
    this.root = root;
    this.isTimed = isTimed;
    this.frozen = null;
    this.isHidden = isHidden;
    this.onHide = onHide;
    this.face = root.querySelector("[data-clock-time]");
    this.toggle = root.querySelector("[data-clock-toggle]");
    this.copies = document.querySelectorAll("[data-clock-copy]");
    this.startedAt = now();
    this.endsAt = isTimed ? now() + secondsLeft - ageOfPage() : Infinity;
    this.last = this.left;
    this.isRunning = true;
    this.toggle?.addEventListener("click", () => this.hide(!this.isHidden));
    this.#tick();
  }

  get left() {
    return this.frozen ?? Math.max(0, this.endsAt - now());
  }

  /** The exam is paused: the clock stands at what the server says is left. */
  freeze(secondsLeft) {
    this.stop();
    this.frozen = secondsLeft;
    this.#draw();
  }

  /** It goes on; `adopt` comes next, for the end has moved. */
  thaw() {
    this.frozen = null;
    this.isRunning = false;
  }

  /** Take the server's word. Returns by how many seconds the end moved (0 when within what the line blurs). */
  adopt(secondsLeft, roundTrip = 0) {
    if (!this.isTimed || this.frozen !== null || typeof secondsLeft !== "number") return 0;
    // The server looked somewhere between sending and receiving: half the round trip ago, give or take that half.
    const endsAt = now() + secondsLeft - roundTrip / 2;
    const moved = endsAt - this.endsAt;
    if (Math.abs(moved) <= Math.max(0.5, roundTrip / 2)) return 0;
    this.endsAt = endsAt;
    if (moved > 0) this.last = Math.max(this.last, this.left);
    this.#draw();
    if (!this.isRunning && this.left > 0) this.resume();
    return moved;
  }

  stop() {
    this.isRunning = false;
    clearTimeout(this.timer);
  }

  resume() {
    clearTimeout(this.timer);
    this.isRunning = true;
    this.last = this.left;
    this.#tick();
  }

  hide(isHidden) {
    this.isHidden = isHidden;
    this.onHide(isHidden);
    this.#draw();
  }

  speak() {
    say(this.words());
  }

  words() {
    const total = Math.floor(this.isTimed ? this.left : now() - this.startedAt);
    const minutes = Math.floor(total / 60);
    if (!this.isTimed) return text("spent", { minutes, seconds: total % 60 });
    if (total >= 3600) return text("left-long", { hours: Math.floor(total / 3600), minutes: minutes % 60 });
    if (total >= 300) return plural("left", minutes);
    return text("left-short", { minutes, seconds: total % 60 });
  }

  #tick() {
    if (!this.isRunning) return;
    const left = this.left;
    const crossed = THRESHOLDS.filter((minutes) => this.last > minutes * 60 && left <= minutes * 60);
    this.last = left;
    this.#draw();
    if (left <= 0) {
      this.stop();
      this.dispatchEvent(new Event("zero"));
      return;
    }
    if (crossed.length) {
      const minutes = Math.min(...crossed);
      this.dispatchEvent(new CustomEvent("threshold", { detail: minutes }));
    }
    // Just after the shown second changes, and never later than the end.
    const fraction = this.isTimed ? left % 1 : 1 - ((now() - this.startedAt) % 1);
    this.timer = setTimeout(() => this.#tick(), Math.max(50, fraction * 1000 + 5));
  }

  #draw() {
    const total = this.isTimed ? Math.ceil(this.left) : Math.floor(now() - this.startedAt);
    const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
    const figures = hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
    const mustShow = this.isTimed && total <= RETURNS_AT;
    const isHidden = this.isHidden && !mustShow;
    this.face.textContent = isHidden ? text("clock-hidden") : figures;
    this.root.classList.toggle("clock-hidden", isHidden);
    this.root.classList.toggle("clock-warning", this.isTimed && total <= 1800);
    this.root.classList.toggle("clock-last", mustShow);
    for (const copy of this.copies) copy.textContent = figures;
    if (!this.toggle) return;
    this.toggle.hidden = mustShow;
    const label = text(isHidden ? "clock-show" : "clock-hide");
    if (this.toggle.title === label) return;
    this.toggle.title = label;
    this.toggle.setAttribute("aria-label", label);
    this.toggle.querySelector("use").setAttribute("href", isHidden ? "#i-eye-off" : "#i-eye");
  }
}

/** Seconds since the server sent this page: its seconds_left was true then, not now. */
function ageOfPage() {
  const [navigation] = performance.getEntriesByType("navigation");
  const sent = navigation?.responseStart ?? 0;
  return sent ? Math.max(0, now() - sent / 1000) : 0;
}
