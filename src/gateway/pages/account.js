// One's own account: who one is, the password, sessions, and tokens.

import { ACCESS, grantText, sessionTable } from "/pages/access.js";
import { by, frame } from "/pages/frame.js";
import { call, change, element, recognise, session } from "/pages/shared.js";

const WORDS = {
  vi: {
    ...ACCESS.vi, title: "Mật khẩu", must: "Trước khi làm việc khác, hãy đặt mật khẩu mới.", present: "Mật khẩu hiện tại", newPassword: "Mật khẩu mới", repeat: "Nhập lại mật khẩu mới",
    rule: "Ít nhất 12 ký tự; một câu dễ nhớ là tốt nhất. Các phiên khác của bạn sẽ kết thúc.", changeIt: "Đổi mật khẩu", changed: "Mật khẩu đã đổi; các phiên khác đã kết thúc.",
    different: "Hai lần nhập mật khẩu mới không giống nhau.", ended: "Phiên đã kết thúc.", endOthers: "Kết thúc mọi phiên khác", tokens: "Mã truy cập cho chương trình",
    "wrong-credentials": "Mật khẩu hiện tại không đúng.", "weak-password": "Mật khẩu mới dễ bị đoán. Hãy chọn mật khẩu khác, ít nhất 12 ký tự, không theo tên của bạn.",
    label: "Dùng để", created: "Tạo lúc", expires: "Hết hạn", used: "Dùng lần cuối", revoke: "Thu hồi", make: "Tạo mã", days: "Số ngày hiệu lực", allowed: "Được phép", readOnly: "chỉ đọc", allRights: "mọi quyền của bạn, trừ quản lý người dùng và duyệt", keep: "Hãy chép mã này ngay; nó không hiện lại:",
    revoked: "Mã đã bị thu hồi.", program: "Bạn vào bằng mã truy cập; trang này dành cho người đăng nhập.",
  },
  en: {
    ...ACCESS.en, title: "Password", must: "Before anything else, choose a new password.", present: "Present password", newPassword: "New password", repeat: "The new password again",
    rule: "At least 12 characters; a sentence is best. Your other sessions will end.", changeIt: "Change the password", changed: "The password is changed; your other sessions have ended.",
    different: "The two new passwords are not the same.", ended: "The session has ended.", endOthers: "End all other sessions", tokens: "Tokens for programs",
    "wrong-credentials": "The present password is not right.", "weak-password": "The new password would be guessed. Choose another one, at least 12 characters and not made of your name.",
    label: "What for", created: "Made", expires: "Expires", used: "Last used", revoke: "Revoke", make: "Make a token", days: "Days that it works", allowed: "May", readOnly: "read only", allRights: "do all that you may, but manage people and approve", keep: "Copy this token now; it is not shown again:",
    revoked: "The token is revoked.", program: "You came with a token; this page is for people who signed in.",
  },
};

let sessions = [];
let tokens = null;
let said = null;
let made = null;

const page = frame(WORDS, show, refresh, 0);
const { word, clock } = page;

function say(key) {
  said = key;
  made = null;
  show();
}

async function acting(work, key) {
  try {
    await work();
    say(key);
    await page.again();
  } catch (error) {
    const kind = WORDS.en[error.kind] && error.kind;
    if (!kind) return page.refused(error);
    by("notice").textContent = word(kind);
    by("notice").hidden = false;
  }
}

function showMe() {
  const who = session.who;
  by("me").replaceChildren(
    element("h2", {}, who.displayName ?? who.name, " ", element("small", {}, who.name)),
    ...who.grants.map((grant) => element("p", {}, grantText(grant, word))));
  by("for-keepers").value = who.name;
}

function showSessions() {
  const others = sessions.filter((one) => !one.current);
  const all = others.length > 1 ? element("div", { class: "actions" }, element("button", { type: "button", onclick: () => acting(() => change("DELETE", "/v1/sessions"), "ended") }, word("endOthers"))) : null;
  by("sessions").replaceChildren(
    element("h2", {}, word("sessions")),
    sessionTable(sessions, page, (one) => acting(() => change("DELETE", `/v1/sessions/${one.id}`), "ended")),
    ...[all].filter(Boolean));
}

function tokenRow(token) {
  const time = (text) => (text ? clock(text) : "–");
  return element("tr", { class: token.state === "live" ? null : "off" },
    element("td", {}, token.id), element("td", { class: "wrap" }, token.label), element("td", {}, time(token.createdTime)), element("td", {}, time(token.expiresTime)), element("td", {}, time(token.usedTime)),
    element("td", {}, token.state !== "live" ? null : element("button", { type: "button", "aria-label": `${word("revoke")}: ${token.label}`, onclick: () => acting(() => change("POST", `/v1/tokens/${token.id}/revoke`), "revoked") }, word("revoke"))));
}

function showTokens() {
  by("tokens").hidden = tokens === null || session.who.mustChangePassword;
  if (tokens === null || by("tokens").querySelector("form")?.contains(document.activeElement)) return;
  const label = element("input", { required: "", maxlength: "120", autocomplete: "off" });
  const days = element("input", { type: "number", min: "1", max: "365", value: "90", required: "" });
  const rights = element("select", {}, element("option", { value: "read" }, word("readOnly")), element("option", { value: "all" }, word("allRights")));
  const submitted = (event) => {
    event.preventDefault();
    document.activeElement?.blur();
    makeToken(label.value.trim(), rights.value === "read" ? ["network.read"] : null, Number(days.value));
  };
  const field = (key, made) => element("label", {}, element("span", {}, word(key)), made);
  const form = element("form", { onsubmit: submitted },
    element("div", { class: "fields" }, field("label", label), field("allowed", rights), field("days", days)),
    element("div", { class: "actions" }, element("button", { class: "primary" }, word("make"))));
  const heads = ["", "label", "created", "expires", "used", ""].map((key) => element("th", { scope: "col" }, key ? word(key) : ""));
  const table = tokens.length ? element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...tokens.map(tokenRow))) : element("p", { class: "quiet" }, word("none"));
  by("tokens").replaceChildren(element("h2", {}, word("tokens")), table, form);
}

async function makeToken(label, rights, days) {
  try {
    const expiresTime = new Date(Date.now() + days * 86400000).toISOString();
    const token = await change("POST", "/v1/tokens", { label, rights, expiresTime });
    await page.again();
    made = token.token;
    show();
  } catch (error) {
    page.refused(error);
  }
}

function show() {
  if (!session.who) return;
  const { mustChangePassword, hasPassword } = session.who;
  showMe();
  showSessions();
  showTokens();
  by("me").hidden = false;
  by("must").hidden = !mustChangePassword;
  by("change").hidden = !hasPassword;
  by("sessions").hidden = mustChangePassword;
  by("said").hidden = !said && !made;
  if (made) by("said").replaceChildren(word("keep"), " ", element("span", { class: "secret" }, made));
  else by("said").textContent = said ? word(said) : "";
}

async function refresh() {
  if (!session.who.mustChangePassword) {
    sessions = (await call("/v1/sessions")).items;
    tokens = await call("/v1/tokens").then((answer) => answer.items, (error) => (error.status === 404 ? null : Promise.reject(error)));
  }
  return new Date().toISOString();
}

by("change-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const currentPassword = by("present").value, newPassword = by("new").value;
  if (newPassword !== by("repeat").value) {
    by("notice").textContent = word("different");
    by("notice").hidden = false;
    return;
  }
  acting(async () => {
    await change("POST", "/session/password", { currentPassword, newPassword });
    by("change-form").reset();
    await recognise();
  }, "changed");
});

page.start();
