// The words of the page: templates hold them, so that they are translated where all words are.

const template = document.getElementById("player-texts");
const store = new Map(
  [...template.content.querySelectorAll("[data-text]")].map((node) => [node.dataset.text, node.textContent]),
);
const language = template.dataset.language || "en";
const rules = new Intl.PluralRules(language);

export function text(key, values = {}) {
  return (store.get(key) ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export function plural(key, n, values = {}) {
  const form = `${key}.${rules.select(n)}`;
  return text(store.has(form) ? form : `${key}.other`, { n, ...values });
}

/** A moment of the server, as the learner's wall clock shows it. */
export function clockTime(moment, { seconds = true } = {}) {
  const shape = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (seconds) shape.second = "2-digit";
  return new Date(moment).toLocaleTimeString(language, shape);
}

/** A fresh one of the controls that only scripts can serve. */
export function control(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

const status = document.querySelector("[data-say]");
let speaking = 0;

/** Announce through the page's one status node. Emptied first, so that the same words are said again. */
export function say(words) {
  status.textContent = "";
  clearTimeout(speaking);
  speaking = setTimeout(() => {
    status.textContent = words;
  }, 50);
}
