// The player. Without it the page is one long form that saves and submits; with it, one question at a time, and every
// change saved at once through the outbox.

import { Clock } from "./clock.js";
import { Finish } from "./finish.js";
import { listen } from "./keys.js";
import { Navigator } from "./navigator.js";
import { Outbox, sameValue } from "./outbox.js";
import { Practice } from "./practice.js";
import { Question } from "./questions.js";
import { Control } from "./control.js";
import { notify, reportSaving, toast, withdraw } from "./reports.js";
import { post } from "./requests.js";
import { remember, remembered, Stopwatch } from "./sitting.js";
import { clockTime, plural, text } from "./texts.js";

// Each save sets the clock too: the pulse is for quiet minutes, and 3,000 learners' pulses add up.
const PULSE = 90_000;
const PAUSED_PULSE = 10_000; // the learner waits to go on
const NOTABLE = 5; // seconds by which the end must move before the learner is told

const exam = document.querySelector("[data-exam]");
const { attempt, submit: submitUrl, pulse: pulseUrl, results: resultsUrl } = exam.dataset;
const isTimed = exam.dataset.timed === "true";
const form = document.querySelector("[data-form]");
const review = document.querySelector("[data-screen=review]");

const [previousButton, nextButton] = document.querySelectorAll("[data-step]");

const questions = [...document.querySelectorAll("[data-slot]")].map((section) => new Question(section, changed));
const bySlot = new Map(questions.map((question) => [question.slot, question]));
const outbox = new Outbox({ attempt, urlOf: (slot) => bySlot.get(slot).section.dataset.save });
const stopwatch = new Stopwatch({ attempt, questions });
const overview = new Navigator({ questions, isWaiting: (slot) => outbox.entries.has(slot) });
const tabs = "BroadcastChannel" in window ? new BroadcastChannel(`cutscore.${attempt}`) : null;
const clock = new Clock({
  root: document.querySelector("[data-clock]"),
  isTimed,
  secondsLeft: Number(exam.dataset.secondsLeft),
  isHidden: remembered("clockHidden") === true,
  onHide: (isHidden) => remember("clockHidden", isHidden),
});
let deadlineAt = Date.parse(exam.dataset.deadlineAt);
let here = questions[0];
let last = questions[0];
let isLeaving = false;
const pulseEvery = Number(exam.dataset.pulseSeconds) * 1000 || PULSE;
const control = new Control({
  attempt,
  onPause(secondsLeft) {
    clock.freeze(secondsLeft);
    stopwatch.pause();
    overview.close();
    setPulse(PAUSED_PULSE);
  },
  onResume() {
    clock.thaw();
    setPulse(pulseEvery);
    // The reply to this pulse sets the clock; then what waited goes out.
    setTimeout(() => {
      clock.resume();
      stopwatch.watch(here);
      outbox.hurry();
    });
  },
});

const finish = new Finish({
  submitUrl,
  resultsUrl,
  grace: Number(exam.dataset.grace),
  outbox,
  seconds: () => stopwatch.all(),
  pulse,
  openCount: () => overview.draw(here?.slot ?? null).open,
  onLeave: () => {
    isLeaving = true;
    clock.stop();
    tabs?.postMessage({ kind: "over", results: resultsUrl });
  },
});
const practice = new Practice({ outbox, onChecked: () => overview.draw(here?.slot ?? null) });

// ── moving about: no request ──

function go(to, { focus = true } = {}) {
  const question = bySlot.get(Number(to)) ?? null;
  if (question) last = question;
  here = question;
  if (question) question.isSeen = true;
  for (const each of questions) each.section.hidden = each !== question;
  review.hidden = Boolean(question);
  nextButton.disabled = !question;
  previousButton.disabled = question === questions[0];
  stopwatch.watch(question);
  overview.draw(question?.slot ?? null);
  overview.close();
  remember(`at.${attempt}`, question?.slot ?? "review", { forThisTab: true });
  if (!focus) return;
  window.scrollTo({ top: 0 });
  (question?.heading ?? review.querySelector("[data-title]")).focus({ preventScroll: true });
}

function step(by) {
  if (!here) return by < 0 ? go(questions.at(-1).slot) : undefined;
  const to = here.slot + by;
  if (to > questions.length) go("review");
  else if (to >= 1) go(to);
}

// ── saving ──

function changed(question) {
  question.revision += 1;
  outbox.put({
    slot: question.slot,
    revision: question.revision,
    answer: question.answer,
    flagged: question.isFlagged,
    struck: question.struck,
  });
  overview.draw(here?.slot ?? null);
}

function adopt(question, stored) {
  const isNews = !sameValue(question.answer, stored.answer ?? null);
  question.adopt(stored);
  question.showSaved({ savedAt: stored.saved_at, isKnown: true });
  if (isNews) {
    const words = text("changed-elsewhere", { slot: question.slot });
    notify(words, { level: "warn", id: `changed-${question.slot}` });
  }
}

outbox.addEventListener("saved", ({ detail: { entry, reply, isNewest, roundTrip } }) => {
  const question = bySlot.get(entry.slot);
  if (isNewest) question.showSaved({ savedAt: reply.saved_at });
  tabs?.postMessage({ kind: "saved", ...entry, saved_at: reply.saved_at });
  told(reply.seconds_left, roundTrip);
});

outbox.addEventListener("stale", ({ detail: { entry, reply, resent, roundTrip } }) => {
  const question = bySlot.get(entry.slot);
  told(reply.seconds_left, roundTrip);
  if (resent) {
    question.revision = resent.revision;
    return;
  }
  adopt(question, reply);
});

outbox.addEventListener("refused", ({ detail: { entry, reply, isNewest } }) => {
  const message = reply?.message ?? "";
  notify(text("refused", { slot: entry.slot, message }), { level: "bad", id: `refused-${entry.slot}` });
  if (isNewest) bySlot.get(entry.slot).showSaved({});
});

outbox.addEventListener("closed", ({ detail: { entry, reply } }) => {
  finish.cameLate(entry.slot);
  over(reply.results);
});

outbox.addEventListener("paused", () => control.isPaused || pulse());

outbox.addEventListener("state", () => {
  for (const slot of outbox.entries.keys()) bySlot.get(slot)?.showSaved({ isWaiting: Boolean(outbox.reason) });
  overview.draw(here?.slot ?? null);
});

/** What an earlier life of this page could not deliver goes over the server's state, and out. */
function replay() {
  const sent = [];
  for (const entry of Object.values(outbox.stored())) {
    const question = bySlot.get(entry?.slot);
    if (!question || !Number.isInteger(entry.revision)) continue;
    if (entry.revision > question.revision) {
      question.adopt(entry);
      outbox.resume(entry);
      sent.push(entry.slot);
    } else {
      outbox.discard(entry);
      const isLost = !sameValue(entry.answer, question.answer);
      if (isLost) notify(text("changed-elsewhere", { slot: entry.slot }), { level: "warn", id: `changed-${entry.slot}` });
    }
  }
  if (sent.length) notify(text("kept-from-before", { slots: sent.sort((a, b) => a - b).join(", ") }));
}

tabs?.addEventListener("message", ({ data }) => {
  if (data.kind === "over") return over(data.results);
  const question = bySlot.get(data.slot);
  // With a change of our own under way, the server decides.
  if (!question || outbox.entries.has(data.slot) || data.revision <= question.revision) return;
  adopt(question, data);
  overview.draw(here?.slot ?? null);
});

// ── time ──

function told(secondsLeft, roundTrip) {
  const moved = clock.adopt(secondsLeft, roundTrip);
  if (moved <= NOTABLE) return;
  // Of what an instructor did the pulse tells more.
  if (pulseEvery < PULSE) pulse();
  else endMoved(deadlineAt + Math.round(moved) * 1000);
}

function endMoved(endsAt) {
  deadlineAt = endsAt;
  notify(text("time-changed", { time: clockTime(endsAt, { seconds: false }) }), { id: "time-changed" });
}

/** Ask how the sitting stands; null when the server can't be asked. */
async function pulse() {
  const seconds = stopwatch.changes();
  const reply = await post(pulseUrl, { position: here?.slot ?? null, seconds, control_revision: control.known });
  if (reply.kind === "session") notify(`${text("session-title")} ${text("session-text")}`, { level: "warn", id: "session" });
  if (reply.kind !== "reply" || reply.status !== 200) return null;
  withdraw("session");
  stopwatch.acknowledge(seconds);
  const standing = reply.data;
  if (standing.state !== "in_progress") {
    over(resultsUrl);
    return standing;
  }
  const isTold = control.read(standing);
  if (standing.paused) return standing;
  const endsAt = Date.parse(standing.deadline_at);
  clock.adopt(standing.seconds_left, reply.roundTrip);
  if (isTold) deadlineAt = endsAt;
  else if (isTimed && Math.abs(endsAt - deadlineAt) > NOTABLE * 1000) endMoved(endsAt);
  return standing;
}

function over(results) {
  clock.stop();
  for (const question of questions) question.lock();
  if (!isLeaving) finish.closedElsewhere(results);
}

clock.addEventListener("threshold", ({ detail: minutes }) => toast(plural("left", minutes)));
clock.addEventListener("zero", () => finish.timeUp());

let heartbeat = setInterval(pulse, pulseEvery);
function setPulse(every) {
  clearInterval(heartbeat);
  heartbeat = setInterval(pulse, every);
}

function beat() {
  setPulse(control.isPaused ? PAUSED_PULSE : pulseEvery);
  outbox.hurry();
  finish.hurry();
  pulse();
}

// ── listening ──

document.addEventListener("click", (event) => {
  const hit = event.target.closest("[data-go], [data-step], [data-retry], [data-submit-open], [data-navigator-open], [data-text-size]");
  if (!hit) return;
  const { go: to, step: by, textSize } = hit.dataset;
  event.preventDefault();
  if (to) go(to === "last" ? last.slot : to);
  else if (by) step(Number(by));
  else if ("retry" in hit.dataset) beat();
  else if ("submitOpen" in hit.dataset) finish.ask();
  else if ("navigatorOpen" in hit.dataset) overview.open();
  else if (textSize) setTextSize(textSize);
  hit.closest("details.menu")?.removeAttribute("open");
});

// Enter in a field must not send the form away from under the outbox.
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.submitter?.matches("[data-check-answer]") && here) practice.check(here);
});

function setTextSize(size) {
  document.documentElement.dataset.text = size;
  remember("textSize", size);
  for (const button of document.querySelectorAll("[data-text-size]")) {
    button.setAttribute("aria-pressed", String(button.dataset.textSize === size));
  }
}

const keysOn = document.querySelector("[data-keys-on]");
keysOn.checked = remembered("keysOff") !== true;
keysOn.addEventListener("change", () => remember("keysOff", !keysOn.checked));
listen({
  question: () => here,
  step,
  speak: () => clock.speak(),
  check: (question) => practice.check(question),
  isOn: () => keysOn.checked && !control.isPaused,
});

addEventListener("online", beat);
addEventListener("pageshow", ({ persisted }) => persisted && beat());
addEventListener("pagehide", () => {
  stopwatch.pause();
  outbox.lastWords();
});
addEventListener("beforeunload", (event) => {
  if (outbox.size && !isLeaving) event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    stopwatch.pause();
    outbox.hurry();
  } else {
    if (!control.isPaused) stopwatch.watch(here);
    beat();
  }
});

// ── start ──

document.documentElement.dataset.player = "on";
setTextSize(remembered("textSize") ?? "normal");
for (const question of questions) {
  question.showSaved({ savedAt: question.savedAt, isKnown: question.revision > 0 });
  if (question.isChecked) question.lock();
}
reportSaving(outbox);
replay();
const linked = Number(location.hash.match(/^#question-(\d+)$/)?.[1]);
const at = linked || remembered(`at.${attempt}`) || Number(exam.dataset.position) || 1;
go(at, { focus: false });
// What an instructor did while this page was not open is told now.
if (control.isBehind(Number(exam.dataset.controlRevision))) pulse();
