// The HTTP interface, drawn from openapi.json: every call with its parameters, an example as curl, and its answers.

import { element, token } from "/pages/shared.js";

const by = (id) => document.getElementById(id);
const METHODS = ["get", "post", "put", "patch", "delete"];

const resolve = (document_, schema) => {
  const reference = schema?.$ref;
  return reference ? reference.slice(2).split("/").reduce((part, key) => part[key], document_) : schema;
};

function example(document_, schema, depth = 0) {
  schema = resolve(document_, schema) ?? {};
  if (schema.example !== undefined) return schema.example;
  if (schema.examples?.length) return schema.examples[0];
  if (schema.default !== undefined && schema.default !== null) return schema.default;
  if (schema.enum) return schema.enum[0];
  const choice = (schema.anyOf ?? schema.oneOf ?? schema.allOf ?? []).find((one) => one.type !== "null");
  if (choice) return example(document_, choice, depth);
  if (depth > 5) return null;
  if (schema.type === "array") return [example(document_, schema.items, depth + 1)];
  if (schema.type === "object" || schema.properties) {
    return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([key, part]) => [key, example(document_, part, depth + 1)]));
  }
  if (schema.format === "date-time") return "2026-11-23T08:00:00+07:00";
  return { string: "…", integer: 1, number: 1.5, boolean: false }[schema.type] ?? null;
}

function bodyOf(document_, content = {}) {
  const [type, media] = Object.entries(content)[0] ?? [];
  if (!type) return null;
  const named = Object.values(media.examples ?? {})[0]?.value;
  return { type, value: media.example ?? named ?? example(document_, media.schema) };
}

const written = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

function curl(document_, method, path, operation) {
  const open = operation.security === undefined && !document_.security;
  const lines = [`curl -s${method === "get" ? "" : ` -X ${method.toUpperCase()}`} '${location.origin}${path}'`];
  if (!open) lines.push(`-H "Authorization: Bearer $TOKEN"`);
  const body = bodyOf(document_, operation.requestBody?.content);
  if (body) lines.push(`-H 'Content-Type: ${body.type}'`, `-d '${written(body.value).replaceAll("'", "'\\''")}'`);
  return lines.join(" \\\n  ");
}

function parameters(document_, operation) {
  const rows = (operation.parameters ?? []).map((one) => resolve(document_, one)).map((one) =>
    element("tr", {},
      element("td", {}, element("code", {}, one.name), one.required ? " *" : ""),
      element("td", { class: "quiet" }, one.in),
      element("td", {}, resolve(document_, one.schema)?.enum?.join(" | ") ?? resolve(document_, one.schema)?.type ?? ""),
      element("td", {}, one.description ?? "")));
  return rows.length ? element("table", {}, element("tbody", {}, ...rows)) : null;
}

function answers(document_, operation) {
  return Object.entries(operation.responses ?? {}).map(([status, answer]) => {
    const body = status.startsWith("2") ? bodyOf(document_, resolve(document_, answer).content) : null;
    return element("div", {},
      element("p", {}, element("code", {}, status), ` ${resolve(document_, answer).description ?? ""}`),
      body ? element("pre", {}, written(body.value)) : null);
  });
}

function draw(document_) {
  by("description").textContent = document_.info.description.trim().replaceAll("`", "");
  const groups = new Map();
  for (const [path, item] of Object.entries(document_.paths)) {
    for (const method of METHODS.filter((one) => item[one])) {
      const operation = item[method];
      const tag = operation.tags?.[0] ?? "other";
      groups.set(tag, [...(groups.get(tag) ?? []), { path, method, operation }]);
    }
  }
  const sections = [...groups].map(([tag, calls]) =>
    element("section", {}, element("h2", {}, tag), ...calls.map(({ path, method, operation }) =>
      element("details", { "data-text": `${method} ${path} ${operation.summary} ${tag}`.toLowerCase() },
        element("summary", {}, element("span", { class: "method" }, method.toUpperCase()), element("code", {}, path), ` ${operation.summary ?? ""}`),
        ...(operation.description ?? "").split("\n\n").filter(Boolean).map((text) => element("p", {}, text)),
        parameters(document_, operation),
        element("pre", {}, curl(document_, method, path, operation)),
        ...answers(document_, operation)))));
  by("operations").replaceChildren(...sections);
}

by("search").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const call of document.querySelectorAll("details")) call.hidden = !words.every((word) => call.dataset.text.includes(word));
  for (const section of document.querySelectorAll("section")) section.hidden = ![...section.querySelectorAll("details")].some((call) => !call.hidden);
});

const shown = token.get() ? { Authorization: `Bearer ${token.get()}` } : {};
fetch("/openapi.json", { headers: shown })
  .then(async (answer) => (answer.ok ? draw(await answer.json()) : Promise.reject(new Error((await answer.json()).detail))))
  .catch((error) => { by("description").textContent = error.message; });
