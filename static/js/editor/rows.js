// Options, steps, responses and prompts: added, removed and moved without a round trip. The order of the rows is the
// order in which they are posted; a row's number is only its name.

import { say, text } from "../player/texts.js";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

export function setUpRows(form, changed) {
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (!button) return;
    event.preventDefault();
    const section = button.closest("[data-rows]");
    const row = button.closest("[data-row]");
    ({ add, remove, up: move, down: move })[button.dataset.act](section, row, button);
    tidy(form);
    changed();
  });
  form.addEventListener("focusin", (event) => {
    if (event.target.matches("[data-match]")) tellResponses(form);
  });

  function remove(section, row) {
    const label = labelOf(row);
    const place = document.createComment("");
    row.replaceWith(place);
    const notice = document.createElement("p");
    notice.className = "notice";
    const words = document.createElement("span");
    words.textContent = text("removed", { label });
    const undo = document.createElement("button");
    undo.type = "button";
    undo.className = "button button-small";
    undo.textContent = text("undo");
    undo.addEventListener("click", () => {
      notice.replaceWith(row);
      tidy(form);
      changed();
      row.querySelector("textarea").focus();
    });
    notice.append(words, undo);
    place.replaceWith(notice);
    undo.focus();
    say(words.textContent);
  }
}

function add(section) {
  const kind = section.dataset.rows;
  const rows = rowsOf(section);
  const number = 1 + Math.max(0, ...rows.map(numberOf));
  const row = section.querySelector("template[data-blank]").content.firstElementChild.cloneNode(true);
  for (const node of [row, ...row.querySelectorAll("*")]) {
    for (const { name, value } of [...node.attributes]) {
      if (value.includes(`${kind}-0`)) node.setAttribute(name, value.replaceAll(`${kind}-0`, `${kind}-${number}`));
    }
  }
  const key = row.querySelector("[name=key]");
  if (key) key.value = String(number);
  row.querySelector("[data-id]").value = freeId(kind, rows);
  section.insertBefore(row, section.querySelector("template[data-blank]"));
  tidy(section.closest("form"));
  row.querySelector("textarea").focus();
  say(text("added", { label: labelOf(row) }));
}

function move(section, row, button) {
  const rows = rowsOf(section);
  const label = labelOf(row);
  const other = rows[rows.indexOf(row) + (button.dataset.act === "up" ? -1 : 1)];
  if (!other) return;
  if (button.dataset.act === "up") other.before(row);
  else other.after(row);
  tidy(section.closest("form"));
  button.focus();
  say(text("moved", { label, letter: row.querySelector("[data-letter]").textContent }));
}

/** Letters, places and the lists that name rows follow the rows. */
function tidy(form) {
  for (const section of form.querySelectorAll("[data-rows]")) {
    const rows = rowsOf(section);
    for (const [place, row] of rows.entries()) {
      const letter = section.dataset.rows === "prompt" ? String(place + 1) : (LETTERS[place] ?? String(place + 1));
      row.querySelector("[data-letter]").textContent = letter;
      for (const node of row.querySelectorAll("[data-says-letter]")) node.textContent = ` ${letter}`;
      const label = row.querySelector("label");
      label.textContent = label.textContent.replace(/\S+\s*$/, letter);
    }
    for (const select of section.querySelectorAll("[data-position]")) {
      for (let n = select.options.length; n <= rows.length; n += 1) select.add(new Option(String(n), String(n)));
    }
  }
  tellResponses(form);
}

function tellResponses(form) {
  const responses = rowsOf(form.querySelector("[data-rows=option]"));
  for (const select of form.querySelectorAll("[data-match]")) {
    const chosen = select.value;
    const made = responses.map((row) => {
      const letter = row.querySelector("[data-letter]").textContent;
      const words = row.querySelector("textarea").value.trim();
      const said = words.length > 60 ? `${words.slice(0, 59)}…` : words;
      return new Option(`${letter} ${said}`, String(numberOf(row)));
    });
    if (isSame(select, made)) continue;
    select.replaceChildren(select.options[0], ...made);
    select.value = chosen;
    if (select.selectedIndex < 0) select.value = "";
  }
}

function isSame(select, made) {
  const had = [...select.options].slice(1);
  return had.length === made.length && had.every((each, i) => each.text === made[i].text && each.value === made[i].value);
}

const rowsOf = (section) => [...section.querySelectorAll(":scope > [data-row]")];
const numberOf = (row) => Number(row.querySelector("[data-id]").name.split("-")[1]);
const labelOf = (row) => row.querySelector("label").textContent.trim();

function freeId(kind, rows) {
  const taken = new Set(rows.map((row) => row.querySelector("[data-id]").value));
  const names = kind === "prompt" ? rows.map((_, i) => `p${i + 1}`) : [...LETTERS.toLowerCase()];
  return names.find((name) => !taken.has(name)) ?? (kind === "prompt" ? `p${rows.length + 1}` : "");
}
