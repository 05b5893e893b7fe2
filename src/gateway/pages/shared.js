// What the pages share: the token of this browser tab, calls of the API, and building elements without HTML text.

const KEY = "quantrac.token";

export const token = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (text) => sessionStorage.setItem(KEY, text),
  clear: () => sessionStorage.removeItem(KEY),
};

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    this.status = status;
  }
}

export async function call(path) {
  const answer = await fetch(path, { headers: { Authorization: `Bearer ${token.get()}`, Accept: "application/json" } });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, body);
  return body;
}

// A move on something that people edit: `revision` is what the reader has seen.
export async function send(path, body, revision) {
  const headers = { Authorization: `Bearer ${token.get()}`, "Content-Type": "application/json", "If-Match": `"${revision}"` };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, told);
  return told;
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
