// The page of a paused attempt: it asks how the attempt stands and goes back to the questions by itself.

const page = document.querySelector("[data-paused-page]");
const EVERY = 10_000;
const token = page.querySelector("input[name=csrfmiddlewaretoken]").value;

document.documentElement.dataset.player = "on";

// Submitting now would leave behind what still waits on this device.
function hasWaiting() {
  try {
    return localStorage.getItem(`cutscore.outbox.${page.dataset.attempt}`) !== null;
  } catch {
    return false;
  }
}
if (hasWaiting()) {
  page.querySelector("[data-paused-waiting]").hidden = false;
  page.querySelector("[data-paused-submit]")?.remove();
}

async function look() {
  try {
    const response = await fetch(page.dataset.pulse, {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": token },
      body: "{}",
      credentials: "same-origin",
      redirect: "manual",
      cache: "no-store",
    });
    if (!response.ok) return;
    const standing = await response.json();
    if (standing.state === "in_progress" && standing.paused) return;
    goOn();
  } catch {
    // no line: the next look finds out
  }
}

function goOn() {
  const unsent = page.querySelector("form input[name^=revision-]")?.form;
  document.querySelector("[data-paused-say]").textContent = document.querySelector("[data-paused-say]").dataset.text;
  if (unsent) unsent.submit();
  else location.assign(page.dataset.url);
}

setInterval(look, EVERY);
addEventListener("online", look);
document.addEventListener("visibilitychange", () => document.hidden || look());
