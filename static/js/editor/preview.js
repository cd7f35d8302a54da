// A question as a learner sits it, played by the player's own script; nothing of it is stored.

import { Question } from "../player/questions.js";

document.documentElement.dataset.player = "on";
play(document);
document.addEventListener("htmx:afterSwap", ({ target }) => play(target));

function play(place) {
  const section = place.querySelector("[data-question]");
  if (section) new Question(section, () => {});
}
