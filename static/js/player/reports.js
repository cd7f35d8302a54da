// What the learner is told about saving and time: the line in the bar, the banners, the toasts.

import { clockTime, control, plural, say, text } from "./texts.js";

const SLOW = 1000;

const bar = document.querySelector("[data-save-state]");
const barText = bar.querySelector("[data-save-text]");
const banners = document.querySelector("[data-banners]");
const waiting = banners.querySelector("[data-waiting]");
const memoryOnly = banners.querySelector("[data-memory-only]");
const toasts = document.querySelector("[data-toasts]");

/** Keeps the bar and the banner in step with the outbox. */
export function reportSaving(outbox) {
  let savedAt = null;
  let slow = 0;
  let isSlow = false;
  let toldReason = null;

  const draw = () => {
    const isWaiting = Boolean(outbox.reason) && outbox.size > 0;
    bar.classList.toggle("save-state-waiting", isWaiting);
    bar.classList.toggle("save-state-idle", !isWaiting && !savedAt);
    bar.querySelector("use").setAttribute("href", isWaiting ? "#i-offline" : "#i-cloud");
    if (isWaiting) barText.textContent = plural(outbox.reason, outbox.size);
    else if (outbox.size && isSlow) barText.textContent = text("saving");
    else if (savedAt) barText.textContent = text("saved", { time: clockTime(savedAt) });
    else barText.textContent = text("nothing-yet");
    drawBanner(isWaiting);
    memoryOnly.hidden = !outbox.memoryOnly;
  };

  const drawBanner = (isWaiting) => {
    waiting.hidden = !isWaiting;
    if (isWaiting && outbox.reason !== toldReason) {
      const isKept = outbox.memoryOnly ? "offline-text-memory" : `${outbox.reason}-text`;
      const detail = outbox.reason === "session" ? "session-text" : isKept;
      const title = text(`${outbox.reason}-title`, { time: clockTime(outbox.failedSince) });
      waiting.querySelector("[data-waiting-title]").textContent = title;
      waiting.querySelector("[data-waiting-text]").textContent = text(detail);
      say(`${title} ${text(detail)}`);
    }
    if (!isWaiting && toldReason && !outbox.size) say(text("all-saved"));
    if (isWaiting || !outbox.size) toldReason = isWaiting ? outbox.reason : null;
  };

  outbox.addEventListener("state", () => {
    // "saving …" is only worth a word when it takes longer than a second.
    if (!outbox.size) {
      clearTimeout(slow);
      slow = 0;
      isSlow = false;
    } else if (!slow) {
      slow = setTimeout(() => {
        isSlow = true;
        draw();
      }, SLOW);
    }
    draw();
  });
  outbox.addEventListener("saved", ({ detail }) => {
    savedAt = detail.reply.saved_at;
  });
  draw();
}

/** A banner that stays until it is dismissed. The same `id` is shown once, or brought up to date. */
export function notify(words, { level = "info", id = words } = {}) {
  let notice = [...banners.children].find((each) => each.dataset.notice === id);
  if (notice?.querySelector("[data-notice-text]").textContent === words) return;
  if (!notice) {
    notice = control("player-notice");
    notice.dataset.notice = id;
    notice.classList.add(`notice-${level}`);
    notice.querySelector("[data-dismiss]").addEventListener("click", () => notice.remove());
    banners.append(notice);
  }
  notice.querySelector("[data-notice-text]").textContent = words;
  say(words);
}

/** Take back a banner that no longer holds. */
export function withdraw(id) {
  for (const notice of banners.children) if (notice.dataset.notice === id) notice.remove();
}

/** For what is worth a glance only. */
export function toast(words) {
  const node = document.createElement("p");
  node.className = "toast";
  node.textContent = words;
  toasts.append(node);
  setTimeout(() => node.remove(), 8000);
  say(words);
}
