// What this browser had kept of a draft is settled by the button that is pressed here.

import { forget } from "./kept.js";

const place = document.querySelector("[data-forgets]");
place?.addEventListener("submit", () => forget(place.dataset.forgets));
place?.addEventListener("click", ({ target }) => {
  if (target.closest("[data-forget]")) forget(place.dataset.forgets);
});
