// The account pages: offers the browser's time zone, shows passkey buttons where there are passkeys, and says when
// one did not work.

const here = Intl.DateTimeFormat().resolvedOptions().timeZone;

const hidden = document.querySelector("[data-time-zone-here]");
if (hidden && here) hidden.value = here;

const offer = document.querySelector("[data-time-zone-offer]");
const zones = document.querySelector("select[data-time-zone]");
if (offer && zones && here) {
  const button = offer.querySelector("button");
  const settle = () => {
    offer.hidden = zones.value === here;
  };
  offer.querySelector("[data-time-zone-name]").textContent = here;
  settle();
  zones.addEventListener("change", settle);
  button.addEventListener("click", () => {
    zones.value = here;
    if (zones.value !== here) {
      // This browser calls it by another name than the list does.
      zones.append(new Option(here, here, true, true));
    }
    settle();
    zones.focus();
  });
}

if (window.PublicKeyCredential) {
  for (const part of document.querySelectorAll("[data-needs-passkeys]")) part.hidden = false;
}

const failure = document.querySelector("[data-passkey-failure]");
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  if (!failure) return;
  failure.hidden = false;
  failure.querySelector("[data-reason]").textContent = event.detail.exception?.message ?? "";
});
