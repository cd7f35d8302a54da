// The proposed code follows the topic, unless somebody has written another.

import "./filter.js";

const form = document.querySelector("[data-new]");

form?.elements.topic.addEventListener("change", async () => {
  const { blueprint, topic, code, suggested } = form.elements;
  const asked = new URLSearchParams({ blueprint: blueprint.value, topic: topic.value });
  try {
    const response = await fetch(`${location.pathname}?${asked}`, { credentials: "same-origin", redirect: "manual" });
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.querySelector("[name=suggested]").value;
    if (code.value === suggested.value) code.value = fresh;
    suggested.value = fresh;
  } catch {
    // Without a proposal the server chooses: the code that stands here was only proposed, too.
  }
});
