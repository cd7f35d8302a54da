// The outbox: what the learner did and the server has not yet acknowledged.
//
// An entry is written to localStorage before its request goes out, and dropped only when the server has acknowledged
// that very revision. Per slot one request is in flight at a time and the newest entry wins; different slots go in
// parallel. Tabs of one browser share the stored map, so each change reads it, touches its own slot and writes it
// back; an entry carries an id, so that a tab never drops what another one wrote.

import { post } from "./requests.js";

const PARALLEL = 4;
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;

export const sameValue = (a, b) => JSON.stringify(canonical(a)) === JSON.stringify(canonical(b));

function canonical(value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, value[key]]));
}

export class Outbox extends EventTarget {
  /** Events: saved, stale, closed, refused (detail: {entry, reply, isNewest}), paused and state. */
  constructor({ attempt, urlOf }) {
    super();
    this.key = `cutscore.outbox.${attempt}`;
    this.urlOf = urlOf;
    this.entries = new Map();
    this.inFlight = new Map();
    this.failures = 0;
    this.reason = null;
    this.failedSince = null;
    this.memoryOnly = false;
    this.isClosed = false;
    this.timer = 0;
    this.waiters = new Set();
  }

  get size() {
    return this.entries.size;
  }

  /** What was stored for this attempt, by this tab's earlier life or another tab. */
  stored() {
    return this.#read();
  }

  put({ slot, revision, answer, flagged, struck }) {
    const entry = { id: crypto.randomUUID?.() ?? String(Math.random()), slot, revision, answer, flagged, struck };
    this.entries.set(slot, entry);
    this.#write(entry);
    this.#changed();
    this.#pump();
  }

  /** Adopt an entry of an earlier life of this page; it keeps its id, for it is already stored. */
  resume(entry) {
    this.entries.set(entry.slot, entry);
    this.#changed();
    this.#pump();
  }

  /** Forget a stored entry that the server has overtaken. */
  discard(entry) {
    this.#erase(entry);
  }

  /** Try at once: the line is back, the page is visible again, the learner asked. */
  hurry() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.#pump();
  }

  /** Whether everything has arrived within `milliseconds`. */
  flush(milliseconds) {
    this.hurry();
    return new Promise((resolve) => {
      if (!this.size) return resolve(true);
      const waiter = (done) => {
        clearTimeout(timer);
        this.waiters.delete(waiter);
        resolve(done);
      };
      const timer = setTimeout(() => waiter(false), milliseconds);
      this.waiters.add(waiter);
    });
  }

  /** Wait until nothing of this slot is pending; false if it did not get through. */
  async flushSlot(slot, milliseconds) {
    const end = performance.now() + milliseconds;
    this.hurry();
    while (this.entries.has(slot)) {
      const left = end - performance.now();
      if (left <= 0) return false;
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        this.addEventListener("state", () => (clearTimeout(timer), resolve()), { once: true });
      });
    }
    return true;
  }

  /** The page goes away: send what is not on its way, in requests that outlive it. No reply will be read. */
  lastWords() {
    for (const entry of this.entries.values()) {
      if (this.inFlight.get(entry.slot)?.keepalive) continue;
      post(this.urlOf(entry.slot), bodyOf(entry), { keepalive: true });
    }
  }

  #pump() {
    if (this.timer) return;
    // After a failure one request probes the line; the others follow when it got through.
    const limit = this.failures ? 1 : PARALLEL;
    for (const entry of this.entries.values()) {
      if (this.inFlight.size >= limit) return;
      if (!this.inFlight.has(entry.slot)) this.#send(entry);
    }
  }

  async #send(entry) {
    const keepalive = document.hidden;
    this.inFlight.set(entry.slot, { keepalive });
    const reply = await post(this.urlOf(entry.slot), bodyOf(entry), { keepalive });
    this.inFlight.delete(entry.slot);
    this.#settle(entry, reply);
    this.#changed();
    this.#pump();
  }

  #settle(entry, reply) {
    if (reply.kind !== "reply") return this.#failed(reply.kind);
    if (reply.status === 423) {
      // The exam is paused: everything is kept, and goes out when it goes on.
      this.#failed("paused");
      this.dispatchEvent(new Event("paused"));
      return;
    }
    this.failures = 0;
    this.reason = null;
    this.failedSince = null;
    clearTimeout(this.timer);
    this.timer = 0;
    const newest = this.entries.get(entry.slot);
    const isNewest = newest?.id === entry.id;
    const detail = { entry, reply: reply.data, roundTrip: reply.roundTrip, isNewest };
    if (reply.status === 200) {
      this.#drop(entry);
      this.#emit("saved", detail);
    } else if (reply.status === 409) {
      this.#drop(entry);
      // A change made since this entry was sent is newer than what the server has: it goes out on top of that.
      if (!isNewest && newest) {
        newest.revision = Math.max(newest.revision, reply.data.revision + 1);
        this.#write(newest);
        detail.resent = newest;
      }
      this.#emit("stale", detail);
    } else if (reply.status === 410) {
      // It is on record as having come too late; the server has it.
      this.isClosed = true;
      this.#drop(entry);
      this.#emit("closed", detail);
    } else {
      this.#drop(entry);
      this.#emit("refused", detail);
    }
  }

  #failed(reason) {
    this.failures += 1;
    this.failedSince ??= Date.now();
    this.reason = reason;
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (this.failures - 1));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.hurry(), wait * (0.5 + Math.random() / 2));
  }

  #drop(entry) {
    if (this.entries.get(entry.slot)?.id === entry.id) this.entries.delete(entry.slot);
    this.#erase(entry);
  }

  #changed() {
    if (!this.size) for (const waiter of [...this.waiters]) waiter(true);
    this.dispatchEvent(new Event("state"));
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #read() {
    try {
      const known = JSON.parse(localStorage.getItem(this.key) ?? "{}");
      return known && typeof known === "object" ? known : {};
    } catch {
      return {}; // storage is off, or its content isn't ours
    }
  }

  #write(entry) {
    try {
      localStorage.setItem(this.key, JSON.stringify({ ...this.#read(), [entry.slot]: entry }));
      this.memoryOnly = false;
    } catch {
      this.memoryOnly = true; // off or full: memory holds it, and the page says so
    }
  }

  #erase(entry) {
    const known = this.#read();
    if (known[entry.slot]?.id !== entry.id) return;
    delete known[entry.slot];
    try {
      if (Object.keys(known).length) localStorage.setItem(this.key, JSON.stringify(known));
      else localStorage.removeItem(this.key);
    } catch {
      // it stays, and is recognised as overtaken at the next load
    }
  }
}

function bodyOf({ answer, revision, flagged, struck }) {
  return { answer, revision, flagged, struck };
}
