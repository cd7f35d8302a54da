// What one typed and the server has not acknowledged, kept in this browser: one entry for each open page of a draft.
//
// A page finds its own entry again after a reload. An entry of a page that is no longer open (the browser broke down,
// the tab was closed) is found by the next page of that draft; an open page is known by the lock that it holds.

const PREFIX = "cutscore.draft.";

export class Kept {
  constructor(code) {
    this.code = code;
    this.key = `${PREFIX}${code}:${pageId(code)}`;
    navigator.locks?.request(this.key, { mode: "shared" }, () => new Promise(() => {}));
  }

  /** Whether the browser has taken it; private windows and full disks refuse. */
  write(entry) {
    try {
      localStorage.setItem(this.key, JSON.stringify(entry));
      return true;
    } catch {
      return false;
    }
  }

  drop() {
    remove(this.key);
  }

  /** Put the own entry where the next one won't replace it. */
  setAside() {
    const value = localStorage.getItem(this.key);
    if (value === null) return;
    localStorage.setItem(`${this.key}.${Date.now()}`, value);
    this.drop();
  }

  /** [key, entry] of everything that no other open page will see to. */
  async left() {
    const held = new Set(((await navigator.locks?.query())?.held ?? []).map(({ name }) => name));
    return stored(this.code).filter(([key]) => key === this.key || !held.has(key));
  }
}

export function forget(code) {
  for (const [key] of stored(code)) remove(key);
}

export function remove(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    // Where nothing can be stored there is nothing to remove.
  }
}

function stored(code) {
  const found = [];
  try {
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(`${PREFIX}${code}:`)) continue;
      const entry = JSON.parse(localStorage.getItem(key));
      if (typeof entry?.body === "string") found.push([key, entry]);
    }
  } catch {
    // As above.
  }
  return found;
}

function pageId(code) {
  const name = `${PREFIX}${code}`;
  const fresh = crypto.randomUUID?.() ?? String(Math.random());
  try {
    const known = sessionStorage.getItem(name) ?? fresh;
    sessionStorage.setItem(name, known);
    return known;
  } catch {
    return fresh;
  }
}
