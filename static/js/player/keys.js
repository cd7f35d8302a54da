// Single keys. They act only where they can't be meant otherwise, and can be switched off (WCAG 2.1.4).

import { say, text } from "./texts.js";

const TYPED_INTO = "select, textarea, [contenteditable], input:not([type=radio], [type=checkbox])";
const PRESSED_BY_ENTER = "button, a, summary, select, textarea";

/** `acts`: question() → the one shown or null, step(by), speak(), check(question), isOn(). */
export function listen(acts) {
  let strikeNext = false;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
    if (!acts.isOn() || document.querySelector("dialog[open]") || event.target.closest?.(TYPED_INTO)) return;
    const wantsStrike = strikeNext;
    strikeNext = false;
    if (act(event, wantsStrike)) event.preventDefault();
  });

  function act(event, wantsStrike) {
    const question = acts.question();
    const key = event.key.toLowerCase();
    const letter = letterOf(key);
    if (question && letter) {
      if (wantsStrike) return question.strikeLetter(letter), true;
      if (!event.shiftKey && question.hasLetter(letter) && question.choose(letter)) return true;
    }
    switch (key) {
      case "n":
        return acts.step(1), true;
      case "p":
        return acts.step(-1), true;
      case "f":
        return question?.toggleFlag(), true;
      case "t":
        return acts.speak(), true;
      case "x":
        if (!question?.inputs.length) return false;
        strikeNext = true;
        return say(text("strike-which")), true;
      case "?":
        return document.getElementById("keys").showModal(), true;
      case "enter":
        if (!question || event.target.closest?.(PRESSED_BY_ENTER)) return false;
        return acts.check(question);
      default:
        return false;
    }
  }
}

function letterOf(key) {
  if (/^[a-f]$/.test(key)) return key.toUpperCase();
  if (/^[1-6]$/.test(key)) return "ABCDEF"[Number(key) - 1];
  return null;
}
