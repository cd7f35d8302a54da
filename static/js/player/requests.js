// One way to ask the server, whose answers are facts about delivery:
//   {kind: "reply", status, data, html, roundTrip}   the server has spoken
//   {kind: "offline"}                                nothing came back: keep, try again
//   {kind: "busy", status}                           429, 5xx: keep, try again
//   {kind: "session"}                                signed out, or signed in as somebody else: keep, say so

const field = document.querySelector("[data-form] input[name=csrfmiddlewaretoken]");
const TIMEOUT = 20_000;

export async function post(url, body, { keepalive = document.hidden, html = false } = {}) {
  const started = performance.now();
  const reply = await attempt(url, body, { keepalive, html });
  if (reply.kind === "session" && reply.status === 403 && (await refreshToken())) {
    return attempt(url, body, { keepalive, html });
  }
  if (reply.kind === "reply") reply.roundTrip = (performance.now() - started) / 1000;
  return reply;
}

async function attempt(url, body, { keepalive, html }) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), TIMEOUT);
  const headers = { Accept: html ? "text/html" : "application/json", "X-CSRFToken": field.value };
  if (html) headers["HX-Request"] = "true";
  else headers["Content-Type"] = "application/json";
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body: html ? new URLSearchParams(body) : JSON.stringify(body),
      credentials: "same-origin",
      redirect: "manual",
      cache: "no-store",
      keepalive,
      signal: abort.signal,
    });
    return await read(response, html);
  } catch {
    return { kind: "offline" };
  } finally {
    clearTimeout(timer);
  }
}

async function read(response, html) {
  const { status } = response;
  // A redirect leads to the sign-in page. A 404 means that this attempt is not this account's.
  if (response.type === "opaqueredirect" || [401, 403, 404].includes(status)) return { kind: "session", status };
  if (status === 429 || status >= 500) return { kind: "busy", status };
  if (html && response.ok) return { kind: "reply", status, html: await response.text() };
  try {
    return { kind: "reply", status, data: await response.json() };
  } catch {
    return { kind: "busy", status }; // a proxy's page, or a reply cut short
  }
}

/** Signing in again in another tab makes this page's token void; the page itself has the new one. */
async function refreshToken() {
  try {
    const response = await fetch(location.pathname, {
      headers: { Accept: "text/html" },
      credentials: "same-origin",
      redirect: "manual",
      cache: "no-store",
    });
    if (!response.ok) return false;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.querySelector("input[name=csrfmiddlewaretoken]")?.value;
    if (!fresh) return false;
    for (const each of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) each.value = fresh;
    document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": fresh }));
    return true;
  } catch {
    return false;
  }
}
