// A picture is sent by itself, and its Markdown put where the caret was.

import { say, text } from "../player/texts.js";

export function setUpPictures(form) {
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-picture] button");
    if (!button) return;
    event.preventDefault();
    send(form, button);
  });
}

async function send(form, button) {
  const adder = button.closest("[data-picture]");
  const area = adder.closest("[data-text-field]").querySelector("textarea");
  const file = adder.querySelector("input[type=file]");
  const alt = adder.querySelector("input:not([type=file])");
  const body = new FormData();
  if (file.files.length) body.append("picture", file.files[0]);
  body.append("alt", alt.value);
  button.disabled = true;
  const reply = await ask(form, body);
  button.disabled = false;
  tell(adder, reply.message ?? "");
  if (!reply.markdown) return (file.files.length ? alt : file).focus();
  const { selectionStart: caret, value } = area;
  const before = caret && value[caret - 1] !== "\n" && area.rows > 2 ? "\n\n" : "";
  area.focus();
  area.setRangeText(`${before}${reply.markdown}`, caret, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
  file.value = "";
  alt.value = "";
  adder.open = false;
  say(text("picture-in"));
}

async function ask(form, body) {
  try {
    const response = await fetch(form.dataset.pictures, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
      body,
      credentials: "same-origin",
      redirect: "manual",
    });
    return await response.json();
  } catch {
    return { message: text("picture-failed") };
  }
}

function tell(adder, problem) {
  const node = adder.querySelector("[data-picture-problem]");
  node.querySelector("span").textContent = problem;
  node.hidden = !problem;
  if (problem) say(problem);
}
