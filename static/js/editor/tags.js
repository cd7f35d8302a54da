// Tags as chips with a field that proposes known ones; the form's own field, with commas, stays what is posted.

import { text } from "../player/texts.js";

export function setUpTags(field) {
  if (!field || field.disabled) return;
  const box = document.createElement("div");
  box.className = "tag-box";
  const entry = document.createElement("input");
  entry.id = `${field.id}-entry`;
  entry.setAttribute("list", field.dataset.list);
  entry.autocomplete = "off";
  entry.setAttribute("aria-describedby", field.getAttribute("aria-describedby"));
  entry.placeholder = text("tag-add");
  document.querySelector(`label[for=${field.id}]`).htmlFor = entry.id;
  field.type = "hidden";
  field.before(box);
  draw();

  entry.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === ",") {
      event.preventDefault();
      take();
    } else if (event.key === "Backspace" && !entry.value && names().length) {
      write(names().slice(0, -1));
      entry.focus();
    }
  });
  entry.addEventListener("change", () => take());
  box.addEventListener("click", ({ target }) => {
    const name = target.closest("button")?.dataset.name;
    if (name !== undefined) {
      write(names().filter((each) => each !== name));
    }
    if (!target.closest("input")) entry.focus();
  });

  function take() {
    const added = split(entry.value);
    entry.value = "";
    if (!added.length) return;
    write([...new Set([...names(), ...added])]);
    entry.focus();
  }

  function names() {
    return split(field.value);
  }

  function write(tags) {
    field.value = tags.join(", ");
    draw();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function draw() {
    const hadFocus = document.activeElement === entry;
    box.replaceChildren(...names().map(chip), entry);
    if (hadFocus) entry.focus();
  }

  function chip(name) {
    const chip = document.createElement("span");
    chip.className = "chip";
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.name = name;
    button.setAttribute("aria-label", `${field.dataset.remove} ${name}`);
    button.append(icon("cross"));
    chip.append(name, button);
    return chip;
  }
}

const split = (words) => words.split(",").map((each) => each.trim().replace(/\s+/g, " ").toLowerCase()).filter(Boolean);

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}
