// What the pages share: the token of this browser tab, calls of the API, and building elements without HTML text.

const KEY = "quantrac.token";

export const token = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (text) => sessionStorage.setItem(KEY, text),
  clear: () => sessionStorage.removeItem(KEY),
};

// Who is signed in, as `GET /session` tells it; null where a token of this tab has to do.
export const session = {
  who: null,
  may: (right) => session.who?.rights.includes(right) ?? false,
  // Where the browser goes to sign in, and comes back from.
  enter: () => location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`),
};

export class Refused extends Error {
  constructor(status, problem, wait = null) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    this.status = status;
    this.kind = (problem.type ?? "").replace("urn:quantrac:problem:", "");
    this.faults = problem.errors ?? [];
    this.wait = wait;
  }
}

async function asked(path, method, headers, body) {
  const shown = session.who || !token.get() ? {} : { Authorization: `Bearer ${token.get()}` };
  const sent = body === undefined ? {} : { "Content-Type": "application/json" };
  const answer = await fetch(path, {
    method, headers: { Accept: "application/json", ...shown, ...sent, ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const told = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, told, answer.headers.get("Retry-After"));
  return told;
}

export const call = (path) => asked(path, "GET", {});

// A change; with a session it carries the token that only our own pages know.
export const change = (method, path, body, headers = {}) =>
  asked(path, method, session.who?.csrf ? { "X-CSRF-Token": session.who.csrf, ...headers } : headers, body);

// A move on something that people edit: `revision` is what the reader has seen.
export const send = (path, body, revision) => change("POST", path, body, { "If-Match": `"${revision}"` });

// Finds out who is signed in, by the cookie alone.
export async function recognise() {
  session.who = null;
  const answer = await fetch("/session", { headers: { Accept: "application/json" } });
  if (answer.ok) session.who = await answer.json();
  else if (answer.status !== 401) throw new Refused(answer.status, await answer.json().catch(() => ({})));
  return session.who;
}

export async function everyItem(path) {
  const items = [];
  let cursor = null;
  do {
    const page = await call(path + (cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""));
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor);
  return items;
}

// element("td", { class: "n" }, "7.21", otherElement): values become text, never markup.
export function element(name, attributes = {}, ...children) {
  const svg = ["svg", "polyline", "line", "circle", "rect", "title"].includes(name);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}
