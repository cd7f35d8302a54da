// The editor: the form works without this; with it every change is saved as one types.

import { plural, say, text } from "../player/texts.js";
import "./filter.js";
import { remove } from "./kept.js";
import { setUpPictures } from "./pictures.js";
import { setUpRows } from "./rows.js";
import { Saver } from "./saver.js";
import { setUpTags } from "./tags.js";

const form = document.querySelector("[data-editor]");
const lines = document.querySelectorAll("[data-saved]");
const banner = document.querySelector("[data-banner]");
const preview = document.querySelector("[data-preview]");
setUpTags(form.querySelector("[data-tags]"));
const saver = new Saver(form);
let spoken = "saved";
let isReady = false;

setUpRows(form, () => saver.changed());
setUpPictures(form);
form.addEventListener("input", () => saver.changed());
form.addEventListener("change", () => saver.changed());
form.addEventListener("focusout", () => saver.hurry());
addEventListener("online", () => saver.hurry());
document.addEventListener("visibilitychange", () => saver.hurry());
addEventListener("focus", () => saver.hurry());
addEventListener("pagehide", () => saver.lastWords());
addEventListener("pageshow", ({ persisted }) => {
  // A page that comes back out of the browser's memory may be older than what is stored.
  if (persisted) location.reload();
});

saver.addEventListener("changed", () => {
  if (!saver.failures && !saver.isStopped) show(text("unsaved"));
});
saver.addEventListener("sending", () => {
  if (!saver.failures) show(text("saving"));
});
saver.addEventListener("saved", ({ detail }) => {
  const problems = tellProblems(detail.page);
  const state = detail.more ? "unsaved" : problems ? "saved-but" : "saved";
  tellStatus("saved", text(state, { time: detail.facts.dataset.savedAt }));
  if (!saver.isStopped) hideBanner();
  showAdvice(detail.page, detail.facts);
  if (!detail.more) refreshPreview();
});
saver.addEventListener("failed", ({ detail: { reason } }) => {
  if (reason === "session") {
    tellStatus(reason, text("session"));
    showBanner(text("session-banner"), signInLink());
  } else if (reason === "refused") {
    tellStatus(reason, text("stopped", { why: text("refused-banner") }));
    showBanner(text("refused-banner"));
  } else {
    tellStatus(reason, text(saver.isKept ? reason : "offline-memory"));
  }
});
saver.addEventListener("stopped", ({ detail }) => stop(detail.message));

// One's own buttons: everything has to have arrived before the page is left by one of them.
form.addEventListener("submit", async (event) => {
  if (isReady) return;
  event.preventDefault();
  const { submitter } = event;
  const hasArrived = await saver.flush();
  if (!hasArrived) return;
  if (!submitter || submitter.value === "save") {
    tellStatus("saved", lines[0].textContent, true);
  } else {
    // Not within the event itself: a form that is just being submitted takes no second submission.
    setTimeout(() => leave(submitter));
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector("[data-save]"));
});

form.querySelector("[data-type]").addEventListener("change", () => {
  // A type without a row of its own: the server makes the other form, and asks before it drops anything.
  const button = document.createElement("button");
  Object.assign(button, { name: "action", value: "type", hidden: true });
  form.append(button);
  form.requestSubmit(button);
});

preview.addEventListener("click", ({ target }) => {
  const chosen = target.closest("[data-preview-mode]");
  if (!chosen) return;
  for (const each of preview.querySelectorAll("[data-preview-mode]")) each.removeAttribute("aria-current");
  chosen.setAttribute("aria-current", "true");
});

bringBack();

function leave(submitter) {
  isReady = true;
  saver.isLeaving = true;
  form.requestSubmit(submitter);
}

function refreshPreview() {
  const body = preview.querySelector("#preview-body");
  if (body.contains(document.activeElement)) return;
  const { href } = preview.querySelector("[data-preview-mode][aria-current]");
  htmx.ajax("GET", href, { target: body, swap: "innerHTML" });
}

function showAdvice(page, facts) {
  for (const fresh of page.querySelectorAll("[data-live]")) {
    const place = document.querySelector(`[data-live="${fresh.dataset.live}"]`);
    if (!place || place.contains(document.activeElement) || place.innerHTML === fresh.innerHTML) continue;
    place.replaceChildren(...[...fresh.childNodes].map((node) => document.importNode(node, true)));
  }
  const blocks = Number(facts.dataset.blocks);
  const submit = document.querySelector("[data-submit]");
  submit.disabled = blocks > 0 || "retired" in submit.dataset;
  document.querySelector("[data-blocked]").hidden = !blocks;
  form.querySelector("[data-words]").textContent = plural("words", Number(facts.dataset.words));
}

/** How many fields could not be stored; each says why. */
function tellProblems(page) {
  const found = new Map([...page.querySelectorAll("[data-found-problem]")].map((p) => [p.dataset.foundProblem, p.textContent]));
  for (const node of form.querySelectorAll("[data-problem]")) {
    const { problem: name } = node.dataset;
    const said = found.get(name) ?? "";
    node.querySelector("span").textContent = said;
    node.hidden = !said;
    const field = document.getElementById(name);
    if (said) field?.setAttribute("aria-invalid", "true");
    else field?.removeAttribute("aria-invalid");
  }
  return found.size;
}

/** The line is for the eye and changes with every save; it is spoken only when the state is another. */
function tellStatus(state, words, isAsked = false) {
  show(words);
  if (state !== spoken || isAsked) say(words);
  spoken = state;
}

function show(words) {
  for (const line of lines) line.textContent = words;
}

function showBanner(words, ...tools) {
  banner.querySelector("[data-banner-text]").textContent = words;
  banner.querySelector("[data-banner-tools]").replaceChildren(...tools);
  banner.hidden = false;
}

function hideBanner() {
  banner.hidden = true;
}

function stop(why, entry = null) {
  saver.isStopped = true;
  tellStatus("stopped", text("stopped", { why }));
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.textContent = text("both-texts");
  button.addEventListener("click", () => (entry ? sendKept(entry) : leave(document.querySelector("[data-save]"))));
  showBanner(text("conflict-banner", { why }), button);
}

/** The page with both texts, for a text that is not in this form. */
function sendKept(entry) {
  const own = document.createElement("form");
  own.method = "post";
  own.hidden = true;
  const fields = new URLSearchParams(entry.body);
  fields.append("revision", entry.revision);
  fields.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  for (const [name, value] of fields) {
    // A text area, for it keeps line ends.
    const field = document.createElement("textarea");
    field.name = name;
    field.value = value;
    own.append(field);
  }
  document.body.append(own);
  own.submit();
}

function signInLink() {
  const link = document.createElement("a");
  link.className = "button";
  link.href = form.dataset.signIn;
  link.target = "_blank";
  link.rel = "noopener";
  link.textContent = text("sign-in");
  return link;
}

/** What was typed before and never arrived goes to the server first; then the page shows it. */
async function bringBack() {
  const flag = `cutscore.restored.${form.dataset.code}`;
  if (sessionStorage.getItem(flag)) {
    sessionStorage.removeItem(flag);
    tellStatus("restored", text("restored"));
  }
  for (const [key, entry] of await saver.kept.left()) {
    if (entry.body === saver.saved) {
      remove(key);
      continue;
    }
    form.inert = true;
    const reply = await saver.store(entry);
    // Its last words may have arrived after this page was asked for.
    const isThere = reply.data?.code === "conflict" && (await saver.adopt(new Set([entry.body])));
    if (reply.html || isThere) {
      remove(key);
      sessionStorage.setItem(flag, "1");
      // What this page shows is older than what is stored now: it must not have the last word.
      saver.isLeaving = true;
      location.reload();
      return;
    }
    form.inert = false;
    if (reply.kind === "reply") return stop(reply.data.message, entry);
    if (key === saver.kept.key) saver.kept.setAside();
    tellStatus("offline", text("offline"));
  }
}
