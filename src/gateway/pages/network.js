// The network at a glance: a tile for each station, and one station's values beside their limits and their last day.

import { by, frame } from "/pages/frame.js";
import { entrance } from "/pages/keys.js";
import { call, element, everyItem } from "/pages/shared.js";

const EVERY_MS = 15000;
const KINDS = ["ambient", "wastewater", "flue_gas", "groundwater"];
const STATES = ["good", "exceeding", "calibrating", "faulty", "silent", "never"];
const WORDS = {
  vi: {
    ambient: "Không khí xung quanh", wastewater: "Nước thải", flue_gas: "Khí thải", groundwater: "Khai thác nước dưới đất",
    good: "Hoạt động tốt", exceeding: "Vượt giới hạn", calibrating: "Hiệu chuẩn", faulty: "Lỗi thiết bị", silent: "Mất kết nối", never: "Chưa có số liệu",
    property: "Thông số", value: "Giá trị", limit: "Giới hạn", trend: "24 giờ qua", measured: "Thời điểm đo", state: "Tình trạng",
    unverified: "chưa xác minh", complete: "Số liệu nhận được 24 giờ",
  },
  en: {
    ambient: "Ambient", wastewater: "Wastewater", flue_gas: "Flue gas", groundwater: "Groundwater abstraction",
    good: "Good", exceeding: "Above limit", calibrating: "Calibrating", faulty: "Device fault", silent: "Silent", never: "No data yet",
    property: "Property", value: "Value", limit: "Limit", trend: "Last 24 hours", measured: "Measured", state: "State",
    unverified: "unverified", complete: "Received in 24 hours",
  },
};

let stations = [];
let latest = new Map();
let chosen = null;

const page = frame(WORDS, show, refresh, EVERY_MS);
const { word, number, clock } = page;
const name = (station) => page.own(station, "name");

function stateOf(code) {
  const values = latest.get(code) ?? [];
  if (!values.length) return "never";
  if (values.every((value) => value.overdue)) return "silent";
  if (values.some((value) => value.limit && value.limit.state !== "within" && value.quality < 4)) return "exceeding";
  if (values.some((value) => value.deviceStatus === "02")) return "faulty";
  if (values.some((value) => value.deviceStatus === "01")) return "calibrating";
  return "good";
}

function showNumbers(states) {
  const count = Object.fromEntries(STATES.map((state) => [state, 0]));
  for (const state of states.values()) count[state] += 1;
  by("numbers").replaceChildren(
    ...STATES.map((state) =>
      element("div", { class: "number" }, element("b", {}, String(count[state])), element("i", { class: state }), word(state))),
  );
}

function showTiles(states) {
  const sections = KINDS.map((kind) => {
    const mine = stations.filter((station) => station.kind === kind);
    if (!mine.length) return null;
    const tiles = mine.map((station) =>
      element("button", {
        class: `tile ${states.get(station.code)}`,
        title: `${name(station)}: ${word(states.get(station.code))}`,
        "aria-pressed": String(station.code === chosen),
        onclick: () => choose(station.code),
      }, station.code.replace(/^TH-/, "")));
    return element("section", {}, element("h2", {}, `${word(kind)} `, element("small", {}, String(mine.length))), element("div", { class: "tiles" }, ...tiles));
  });
  by("network").replaceChildren(...sections.filter(Boolean));
}

function trend(points, upper) {
  const known = points.filter((point) => point.mean !== null);
  if (!known.length) return element("span", { class: "quiet" }, "–");
  const values = known.map((point) => point.mean).concat(upper ?? []);
  const low = Math.min(...values), span = Math.max(...values) - low || 1;
  const x = (at) => 2 + (at / Math.max(points.length - 1, 1)) * 186;
  const y = (value) => 31 - ((value - low) / span) * 28;
  const runs = [[]];
  points.forEach((point, at) => (point.mean === null ? runs.push([]) : runs.at(-1).push([x(at), y(point.mean)])));
  const drawn = runs.filter((run) => run.length).map((run) =>
    run.length > 1
      ? element("polyline", { points: run.map((pair) => pair.map((n) => n.toFixed(1)).join(",")).join(" ") })
      : element("circle", { cx: run[0][0], cy: run[0][1], r: 2 }));
  const line = upper === null || upper === undefined ? null : element("line", { x1: 0, x2: 190, y1: y(upper), y2: y(upper) });
  return element("svg", { class: "trend", viewBox: "0 0 190 34", role: "img" }, line, ...drawn);
}

function limitText(limit) {
  if (!limit) return "–";
  const sides = [limit.lower !== null ? `≥ ${number(limit.lower)}` : null, limit.upper !== null ? `≤ ${number(limit.upper)}` : null];
  return sides.filter(Boolean).join(", ");
}

function row(value, points) {
  const over = value.limit && value.limit.state !== "within" && value.quality < 4;
  const state = value.overdue ? "silent" : { "01": "calibrating", "02": "faulty" }[value.deviceStatus] ?? (over ? "exceeding" : "good");
  const badge = value.limit && !value.limit.verified ? element("span", { class: "badge" }, word("unverified")) : null;
  return element("tr", {},
    element("td", {}, value.symbol),
    element("td", { class: over ? "n over" : "n" }, number(value.result)),
    element("td", { class: "quiet" }, value.unit === value.symbol ? "" : value.unit),
    element("td", {}, limitText(value.limit), " ", badge),
    element("td", {}, trend(points, value.limit?.upper)),
    element("td", {}, clock(value.phenomenonTime)),
    element("td", {}, word(state)));
}

function choose(code) {
  chosen = code;
  show();
  detail(code).catch(page.refused);
}

async function detail(code) {
  const station = stations.find((one) => one.code === code);
  const to = new Date(), from = new Date(to - 86400000);
  const span = `station=${encodeURIComponent(code)}&from=${from.toISOString()}&to=${to.toISOString()}`;
  const [hours, share, keys] = await Promise.all([
    everyItem(`/v1/observations?${span}&resolution=hourly&limit=1000`),
    call(`/v1/completeness?${span}`),
    entrance(code, page),
  ]);
  if (chosen !== code) return;
  const series = Map.groupBy ? Map.groupBy(hours, (hour) => hour.datastream) : group(hours);
  const rows = (latest.get(code) ?? []).map((value) => row(value, series.get(value.datastream) ?? []));
  const heads = ["property", "value", "", "limit", "trend", "measured", "state"].map((key) => element("th", {}, key ? word(key) : ""));
  const part = share.total.receivedPercent === null ? "–" : `${share.total.receivedPercent} % (${share.total.received}/${share.total.expected})`;
  by("station").replaceChildren(
    element("h2", {}, `${code} · ${name(station)} `, element("small", {}, station.organization)),
    element("p", { class: "quiet" }, `${word("complete")}: ${part}`),
    element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows)),
    ...keys);
  by("station").hidden = false;
}

function group(hours) {
  const found = new Map();
  for (const hour of hours) found.set(hour.datastream, [...(found.get(hour.datastream) ?? []), hour]);
  return found;
}

function show() {
  if (!stations.length) return;
  const states = new Map(stations.map((station) => [station.code, stateOf(station.code)]));
  showNumbers(states);
  showTiles(states);
}

async function refresh() {
  if (!stations.length) stations = (await everyItem("/v1/stations?limit=1000")).filter((station) => station.status !== "retired");
  const answer = await call("/v1/latest");
  latest = new Map();
  for (const value of answer.items) latest.set(value.station, [...(latest.get(value.station) ?? []), value]);
  if (chosen) await detail(chosen);
  return answer.time;
}

page.start();
