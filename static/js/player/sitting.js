// What this browser remembers about the learner's way of working, and the time spent on each question.

/** null when nothing is stored, or storage is off. */
export function remembered(name) {
  for (const storage of ["sessionStorage", "localStorage"]) {
    try {
      const value = JSON.parse(window[storage].getItem(`cutscore.${name}`));
      if (value !== null) return value;
    } catch {
      // storage is off: everything starts afresh
    }
  }
  return null;
}

export function remember(name, value, { forThisTab = false } = {}) {
  try {
    (forThisTab ? sessionStorage : localStorage).setItem(`cutscore.${name}`, JSON.stringify(value));
  } catch {
    // storage is off or full: it lasts for this page
  }
}

const now = () => performance.now() / 1000;

/** Seconds spent on each question while it was shown and the page was visible. */
export class Stopwatch {
  constructor({ attempt, questions }) {
    this.name = `seconds.${attempt}`;
    this.questions = questions;
    this.current = null;
    this.since = 0;
    const known = remembered(this.name) ?? {};
    for (const question of questions) question.seconds = Math.max(question.seconds, known[question.slot] ?? 0);
    this.acknowledged = Object.fromEntries(questions.map((q) => [q.slot, Math.floor(q.seconds)]));
  }

  watch(question) {
    this.pause();
    this.current = document.hidden ? null : question;
    this.since = now();
  }

  pause() {
    this.#settle();
    this.current = null;
    remember(this.name, this.all(), { forThisTab: true });
  }

  /** Whole seconds spent on this question so far. */
  of(question) {
    this.#settle();
    return Math.floor(question.seconds);
  }

  all() {
    this.#settle();
    return Object.fromEntries(
      this.questions.filter((q) => q.seconds >= 1).map((q) => [String(q.slot), Math.floor(q.seconds)]),
    );
  }

  changes() {
    return Object.fromEntries(Object.entries(this.all()).filter(([slot, n]) => n > this.acknowledged[slot]));
  }

  acknowledge(seconds) {
    Object.assign(this.acknowledged, seconds);
  }

  #settle() {
    if (!this.current) return;
    const time = now();
    this.current.seconds += time - this.since;
    this.since = time;
  }
}
