// Alerts as they stand: counts for the wall, the list, one alert with its data and its timeline, and what to do about it.

import { by, frame } from "/pages/frame.js";
import { call, element, send } from "/pages/shared.js";

const EVERY_MS = 10000;
const SEVERITIES = ["critical", "warning", "notice"];
const WORDS = {
  vi: {
    critical: "Nghiêm trọng", warning: "Cảnh báo", notice: "Lưu ý", unacknowledged: "Chưa tiếp nhận", shelvedNow: "Tạm gác",
    open: "Đang diễn ra", all: "Tất cả", everySeverity: "Mọi mức độ", everyKind: "Mọi loại", station: "Trạm", none: "Không có cảnh báo nào.",
    raised: "mới", acknowledged: "đã tiếp nhận", shelved: "tạm gác", cleared: "đã kết thúc",
    since: "Từ", until: "Đến", detected: "Phát hiện", severity: "Mức độ", state: "Trạng thái", assignee: "Người xử lý", muted: "Trong thời gian bảo trì hoặc hiệu chuẩn",
    historical: "Lịch sử", timeline: "Diễn biến", values: "Số liệu", hours: "Số giờ", confirm: "Thực hiện", cancel: "Huỷ",
    acknowledge: "Tiếp nhận", comment: "Ghi chú", assign: "Giao việc", shelve: "Tạm gác", unshelve: "Bỏ tạm gác", clear: "Kết thúc",
    askComment: "Ghi chú", askAssign: "Giao cho", askReason: "Lý do", more: "Xem thêm",
    raise: "phát sinh", escalate: "chuyển cấp", expire: "hết hạn tạm gác", "clear-by-hand": "kết thúc", withdraw: "rút lại", merge: "gộp", reraise: "tái diễn", update: "cập nhật",
    peak: "Đỉnh", peakTime: "Lúc đạt đỉnh", limit: "Giới hạn", unit: "Đơn vị", count: "Số lần đo", mean: "Trung bình", seconds: "Số giây", share: "Tỷ lệ", bound: "Phía",
  },
  en: {
    critical: "Critical", warning: "Warning", notice: "Notice", unacknowledged: "Unacknowledged", shelvedNow: "Shelved",
    open: "Open", all: "All", everySeverity: "Every severity", everyKind: "Every kind", station: "Station", none: "No alerts.",
    raised: "raised", acknowledged: "acknowledged", shelved: "shelved", cleared: "cleared",
    since: "Since", until: "Until", detected: "Found", severity: "Severity", state: "State", assignee: "Assignee", muted: "In a maintenance or calibration window",
    historical: "History", timeline: "Timeline", values: "Data", hours: "Hours", confirm: "Do it", cancel: "Cancel",
    acknowledge: "Acknowledge", comment: "Comment", assign: "Assign", shelve: "Shelve", unshelve: "Unshelve", clear: "Clear",
    askComment: "Comment", askAssign: "Assign to", askReason: "Reason", more: "More",
    raise: "raised", escalate: "escalated", expire: "back from the shelf", "clear-by-hand": "cleared", withdraw: "withdrawn", merge: "merged", reraise: "raised again", update: "updated",
    peak: "Peak", peakTime: "Peak at", limit: "Limit", unit: "Unit", count: "Readings", mean: "Mean", seconds: "Seconds", share: "Share", bound: "Bound",
  },
};

let alerts = [];
let counts = null;
// Mail leads to one alert: /alerts?id=17.
let chosen = Number(new URLSearchParams(location.search).get("id")) || null;
let cursor = null;
const wanted = { state: "open", severity: "", kind: "", station: "" };

const page = frame(WORDS, show, refresh, EVERY_MS);
const { word, number, clock } = page;
const title = (alert) => alert.title[page.language()];

function query() {
  const parts = new URLSearchParams({ limit: "100" });
  if (wanted.state === "open") ["raised", "acknowledged", "shelved"].forEach((state) => parts.append("state", state));
  for (const member of ["severity", "kind", "station"]) if (wanted[member]) parts.append(member, wanted[member]);
  return `/v1/alerts?${parts}`;
}

async function refresh() {
  const [found, standing] = await Promise.all([call(query()), call("/v1/alerts/counts")]);
  alerts = found.items;
  cursor = found.nextCursor;
  counts = standing;
  if (chosen) await detail(chosen);
  return standing.time;
}

async function further() {
  const found = await call(`${query()}&cursor=${encodeURIComponent(cursor)}`);
  alerts = alerts.concat(found.items);
  cursor = found.nextCursor;
  showList();
}

function showNumbers() {
  const box = (value, mark, text) => element("div", { class: "number" }, element("b", {}, String(value)), element("i", { class: mark }), text);
  by("numbers").replaceChildren(
    ...SEVERITIES.map((severity) => box(counts.bySeverity[severity]?.open ?? 0, `sev-${severity}`, word(severity))),
    box(counts.total.unacknowledged, "exceeding", word("unacknowledged")),
    box(counts.byState.shelved ?? 0, "sev-notice", word("shelvedNow")),
    ...counts.stations.map((state) =>
      element("div", { class: "number" }, element("b", {}, String(state.stations)), page.own(state, "label"))),
  );
}

function showFilters() {
  const choice = (member, options) =>
    element("select", { "aria-label": word(member), onchange: (event) => { wanted[member] = event.target.value; page.again(); } },
      ...options.map(([value, text]) => element("option", { value, selected: wanted[member] === value ? "" : null }, text)));
  by("filters").replaceChildren(
    choice("state", [["open", word("open")], ["", word("all")]]),
    choice("severity", [["", word("everySeverity")], ...SEVERITIES.map((severity) => [severity, word(severity)])]),
    choice("kind", [["", word("everyKind")], ...Object.keys(counts.byKind).map((kind) => [kind, kind])]),
    element("input", {
      type: "search", value: wanted.station, placeholder: word("station"), "aria-label": word("station"),
      onchange: (event) => { wanted.station = event.target.value.trim(); page.again(); },
    }),
  );
}

function showList() {
  const lines = alerts.map((alert) =>
    element("button", { class: `alert sev-${alert.severity}`, "aria-pressed": String(alert.id === chosen), onclick: () => choose(alert.id) },
      element("span", {}, word(alert.state)), element("span", {}, title(alert)), element("span", { class: "quiet" }, clock(alert.raisedTime)),
      element("small", {}, [alert.kind, alert.organization, alert.assignee, alert.historical ? word("historical") : null, alert.muted ? word("muted") : null].filter(Boolean).join(" · "))));
  const more = cursor ? element("button", { onclick: () => further().catch(page.refused) }, word("more")) : null;
  by("list").replaceChildren(...(lines.length ? lines : [element("p", { class: "quiet" }, word("none"))]), more ?? "");
}

function chart(seen, alert) {
  const points = seen.phenomenonTime.map((time, at) => [Date.parse(time), seen.result[at]]).filter((point) => point[1] !== null);
  if (!points.length) return null;
  const limits = seen.limits.flatMap((limit) => [limit.lower, limit.upper]).filter((bound) => bound !== null);
  const values = points.map((point) => point[1]).concat(limits);
  const low = Math.min(...values), span = Math.max(...values) - low || 1;
  const from = Date.parse(seen.from), long = Date.parse(seen.to) - from || 1;
  const x = (time) => (((time - from) / long) * 1000).toFixed(1);
  const y = (value) => (135 - ((value - low) / span) * 130).toFixed(1);
  const ends = alert.clearedTime ?? alert.lastTime, begun = Number(x(Date.parse(alert.raisedTime)));
  return element("svg", { class: "window", viewBox: "0 0 1000 140", preserveAspectRatio: "none", role: "img", "aria-label": word("values") },
    element("rect", { x: begun, y: 0, width: Math.max(Number(x(Date.parse(ends))) - begun, 2), height: 140 }),
    ...limits.map((bound) => element("line", { x1: 0, x2: 1000, y1: y(bound), y2: y(bound) })),
    element("polyline", { points: points.map(([time, value]) => `${x(time)},${y(value)}`).join(" ") }));
}

function facts(alert) {
  const pairs = [
    ["since", clock(alert.raisedTime)], ["until", alert.clearedTime && `${clock(alert.clearedTime)} (${alert.clearedReason})`],
    ["detected", clock(alert.detectedTime)], ["severity", word(alert.severity)], ["state", word(alert.state)], ["assignee", alert.assignee],
    ["shelvedNow", alert.shelvedUntil && `${clock(alert.shelvedUntil)}: ${alert.shelvedReason}`],
    ...Object.entries(alert.detail).filter(([, value]) => typeof value !== "object").map(([key, value]) => [key, typeof value === "number" ? number(value) : key.endsWith("Time") ? clock(value) : String(value)]),
  ].filter(([, value]) => value);
  return element("dl", { class: "facts" }, ...pairs.flatMap(([key, value]) => [element("dt", {}, word(key)), element("dd", {}, value)]));
}

// What people may ask for, what they are asked first, and what is sent.
const MOVES = {
  acknowledge: { path: "acknowledge", text: "askComment", optional: true, body: (text) => (text ? { comment: text } : {}) },
  comment: { path: "comments", text: "askComment", body: (text) => ({ text }) },
  assign: { path: "assignee", text: "askAssign", optional: true, body: (text) => ({ assignee: text || null }) },
  shelve: { path: "shelve", text: "askReason", hours: true, body: (reason, hours) => ({ reason, until: new Date(Date.now() + hours * 3600000).toISOString() }) },
  unshelve: { path: "unshelve", text: "askReason", optional: true, body: (reason) => ({ reason }) },
  "clear-by-hand": { path: "clear", name: "clear", text: "askReason", body: (reason) => ({ reason }) },
};

function move(alert, action) {
  const what = MOVES[action];
  by("asked-title").textContent = word(what.name ?? action);
  by("asked-text-label").textContent = word(what.text);
  by("asked-hours-label").hidden = !what.hours;
  by("asked-text").value = "";
  by("asked-text").required = !what.optional;
  by("asked").returnValue = "";
  by("asked").onclose = async () => {
    if (by("asked").returnValue !== "yes") return;
    try {
      await send(`/v1/alerts/${alert.id}/${what.path}`, what.body(by("asked-text").value.trim(), Number(by("asked-hours").value)), alert.revision);
      await page.again();
    } catch (error) {
      page.refused(error);
    }
  };
  by("asked").showModal();
}

async function detail(id) {
  const alert = await call(`/v1/alerts/${id}`);
  if (chosen !== id) return;
  const buttons = alert.possible.filter((action) => MOVES[action]).map((action) =>
    element("button", { class: action === "acknowledge" ? "primary" : null, onclick: () => move(alert, action) }, word(MOVES[action].name ?? action)));
  const line = (one) => element("li", {}, element("b", {}, word(one.action)), ` ${one.actor} `, element("span", { class: "quiet" }, clock(one.time)), one.reason ? element("div", {}, one.reason) : null);
  by("alert").replaceChildren(
    element("h2", {}, title(alert)), facts(alert), alert.window ? chart(alert.window, alert) ?? "" : "",
    element("div", { class: "actions" }, ...buttons),
    element("h2", {}, word("timeline")), element("ul", { class: "timeline" }, ...alert.moves.map(line)));
  by("alert").hidden = false;
}

function choose(id) {
  chosen = id;
  history.replaceState(null, "", `/alerts?id=${id}`);
  showList();
  detail(id).catch(page.refused);
}

function show() {
  if (!counts) return;
  showNumbers();
  if (!by("filters").contains(document.activeElement)) showFilters();
  showList();
}

page.start();
