// Colours: as the system, dark or light. Loaded before the stylesheets so that no page flashes, hence not a module.
// Signed in, the profile decides (data-theme comes from the server) and the button tells the server; if that fails
// the choice lasts for this tab. Signed out, this browser remembers.
(() => {
  const root = document.documentElement;
  const signedIn = "themeUrl" in root.dataset;
  const THEMES = ["auto", "dark", "light"];

  const storage = () => (signedIn ? sessionStorage : localStorage);
  const remembered = () => {
    try {
      return storage().getItem("cutscore.theme");
    } catch {
      return null; // storage is off: the server's choice stands
    }
  };
  const remember = (theme) => {
    try {
      if (theme) storage().setItem("cutscore.theme", theme);
      else storage().removeItem("cutscore.theme");
    } catch {
      // storage is off: the choice lasts for this page
    }
  };

  const known = remembered();
  if (THEMES.includes(known)) root.dataset.theme = known;

  const describe = (button) => {
    const labels = (button.dataset.labels || "").split("|");
    const name = button.title;
    const value = labels[THEMES.indexOf(root.dataset.theme)];
    if (value) button.setAttribute("aria-label", `${name}: ${value}`);
  };

  const tell = async (theme) => {
    const token = document.querySelector("input[name=csrfmiddlewaretoken]");
    const body = new URLSearchParams({ theme, csrfmiddlewaretoken: token ? token.value : "" });
    try {
      const reply = await fetch(root.dataset.themeUrl, { method: "POST", body, redirect: "manual" });
      if (reply.ok || reply.type === "opaqueredirect") remember(null);
    } catch {
      // no connection: this tab remembers
    }
  };

  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.hidden = false;
      describe(button);
    }
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-toggle]");
    if (!button) return;
    const theme = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
    root.dataset.theme = theme;
    remember(theme);
    for (const each of document.querySelectorAll("[data-theme-toggle]")) describe(each);
    if (signedIn) tell(theme);
  });
})();
