// Saves the form as one types: one request at a time, each on the revision that the last reply named. What is not
// acknowledged is kept in the browser and tried again; when somebody else has saved, nothing more is sent.

import { post } from "../player/requests.js";
import { Kept } from "./kept.js";

const PAUSE = 800;
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;
const NOT_TYPED = /^(csrfmiddlewaretoken|revision|type|reviewer|comment|action|(alt|picture)-.*)$/;

/** What the form says, as the server reads it; files, comments and the like are not part of the draft. */
export function bodyOf(form) {
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (!NOT_TYPED.test(name) && typeof value === "string") body.append(name, value);
  }
  return body.toString();
}

export class Saver extends EventTarget {
  /** Events: saved (detail: the reply's document and whether more waits), failed, stopped (detail). */
  constructor(form) {
    super();
    this.form = form;
    this.kept = new Kept(form.dataset.code);
    this.saved = bodyOf(form);
    this.revision = Number(form.elements.revision.value);
    this.failures = 0;
    this.reason = "";
    this.isStopped = false;
    this.isLeaving = false;
    this.isKept = true;
    this.unheard = new Set();
    this.sent = "";
    this.inFlight = null;
    this.timer = 0;
  }

  get isDirty() {
    return bodyOf(this.form) !== this.saved;
  }

  changed() {
    const body = bodyOf(this.form);
    if (body === this.saved && !this.inFlight) return this.kept.drop();
    this.isKept = this.#keep(body);
    this.dispatchEvent(new Event("changed"));
    if (!this.failures || this.reason === "refused") this.#later(PAUSE);
  }

  /** Try at once: the field was left, the line is back, the page is seen again. */
  hurry() {
    if (this.isDirty) this.#later(0);
  }

  /** Whether everything that is typed has arrived. */
  async flush() {
    for (let round = 0; round < 5; round += 1) {
      clearTimeout(this.timer);
      await (this.inFlight ?? this.#send());
      if (this.isStopped || this.failures) return false;
      if (!this.isDirty) return true;
    }
    return false;
  }

  /** The page goes away: send what is not on its way, in a request that outlives it. */
  lastWords() {
    if (this.isLeaving || this.isStopped || this.inFlight || !this.isDirty) return;
    this.isLeaving = true;
    this.#post(bodyOf(this.form), true);
  }

  /** Store what an earlier life of the page had kept; the reply as `post` gives it. */
  async store(entry) {
    const reply = await this.#post(entry.body, false, entry.revision);
    if (reply.data?.code !== "conflict" || !(await this.adopt(new Set(entry.sent ?? [])))) return reply;
    return this.#post(entry.body, false, this.revision);
  }

  /** A save whose reply was lost has moved the draft on: if that is what it says, go on from there. */
  async adopt(bodies) {
    const now = await look();
    if (!now || !bodies.has(now.body)) return false;
    this.saved = now.body;
    this.#goOn(now.revision);
    return true;
  }

  /** With what has been sent and not been heard of: if that is what is stored, the rest goes on from there. */
  #keep(body) {
    const sent = [...this.unheard, this.sent].filter(Boolean).slice(-3);
    return this.kept.write({ revision: this.revision, body, sent });
  }

  #later(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.inFlight ?? this.#send();
    }, milliseconds);
  }

  #send() {
    if (this.isStopped || this.isLeaving || !this.isDirty) return Promise.resolve();
    const body = bodyOf(this.form);
    this.sent = body;
    this.#keep(body);
    this.dispatchEvent(new Event("sending"));
    this.inFlight = this.#post(body, document.hidden).then(async (reply) => {
      const isOwn = reply.data?.code === "conflict" && (await this.adopt(this.unheard));
      this.inFlight = null;
      this.sent = "";
      if (isOwn) this.#later(0);
      else this.#settle(body, reply);
    });
    return this.inFlight;
  }

  #post(body, keepalive, revision = this.revision) {
    return post(this.form.dataset.autosave, `${body}&revision=${revision}`, { keepalive, html: true });
  }

  #settle(body, reply) {
    if (reply.kind === "reply" && reply.html) return this.#arrived(body, reply.html);
    if (reply.kind === "reply") {
      this.isStopped = true;
      return this.dispatchEvent(new CustomEvent("stopped", { detail: reply.data }));
    }
    this.unheard.add(body);
    this.failures += 1;
    // A form that the server will not even read is sent again when it has changed, not before.
    this.reason = reply.kind === "busy" && reply.status < 429 ? "refused" : reply.kind;
    this.dispatchEvent(new CustomEvent("failed", { detail: { reason: this.reason } }));
    if (this.reason !== "refused") this.#later(Math.min(FIRST_WAIT * 2 ** (this.failures - 1), LONGEST_WAIT));
  }

  #arrived(body, html) {
    const page = new DOMParser().parseFromString(html, "text/html");
    const facts = page.querySelector("[data-revision]");
    if (!facts) return this.#settle(body, { kind: "busy", status: 502 });
    this.saved = body;
    this.#goOn(facts.dataset.revision);
    const more = this.isDirty;
    if (more) this.#keep(bodyOf(this.form));
    else this.kept.drop();
    this.dispatchEvent(new CustomEvent("saved", { detail: { page, facts, more } }));
    if (more) this.#later(PAUSE);
  }

  #goOn(revision) {
    this.failures = 0;
    this.reason = "";
    this.unheard.clear();
    this.revision = Number(revision);
    this.form.elements.revision.value = revision;
  }
}

/** What the draft says now, and its revision. */
async function look() {
  try {
    const response = await fetch(location.pathname, {
      headers: { Accept: "text/html" },
      credentials: "same-origin",
      redirect: "manual",
      cache: "no-store",
    });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const form = page.querySelector("[data-editor]");
    return form && { body: bodyOf(form), revision: form.elements.revision.value };
  } catch {
    return null;
  }
}
