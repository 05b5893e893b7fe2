// People: who there is, what they may do and where, their sessions, and links for new passwords.

import { ACCESS, KINDS, ROLES, grantText, sessionTable } from "/pages/access.js";
import { by, frame } from "/pages/frame.js";
import { call, change, element, everyItem } from "/pages/shared.js";

const WORDS = {
  vi: {
    ...ACCESS.vi, userName: "Tên đăng nhập", displayName: "Họ và tên", email: "Thư điện tử", role: "Vai trò", state: "Tình trạng", last: "Đăng nhập lần cuối", signsIn: "Đăng nhập bằng",
    active: "đang dùng", disabled: "đã khóa", add: "Thêm người dùng", addIt: "Thêm", addHint: "Người mới chọn mật khẩu qua liên kết dùng một lần, hiện ra sau khi thêm.", noRole: "– chưa giao –",
    linkIt: "Liên kết đặt mật khẩu", linkFor: "Chỉ đưa cho {who}; dùng được một lần, đến {when}:", disable: "Khóa tài khoản", enable: "Mở lại", sureDisable: "Khóa tài khoản của {who}? Mọi phiên và mã truy cập ngừng ngay.",
    take: "Bỏ", sureTake: "Bỏ vai trò này của {who}?", give: "Giao vai trò", giveIt: "Giao", only: "Chỉ với (để trống: mọi nơi)", organizations: "Tổ chức, theo mã, cách nhau bởi dấu phẩy", districts: "Huyện, xã như ghi ở trạm, cách nhau bởi dấu phẩy", domains: "Lĩnh vực hồ sơ, cách nhau bởi dấu phẩy",
    endAll: "Kết thúc mọi phiên", sureEnd: "Kết thúc mọi phiên của {who}?", confirm: "Đồng ý", cancel: "Thôi", done: "Đã xong.", provider: "tài khoản cơ quan", ofProvider: "từ tài khoản cơ quan", login: "Hoặc mã truy cập của nhân viên (var/staff.token)",
  },
  en: {
    ...ACCESS.en, userName: "User name", displayName: "Full name", email: "E-mail", role: "Role", state: "State", last: "Last sign-in", signsIn: "Signs in with",
    active: "active", disabled: "disabled", add: "Add a person", addIt: "Add", addHint: "They choose a password by a link that works once, and is shown here when they were added.", noRole: "– none yet –",
    linkIt: "Link for a password", linkFor: "For {who} alone; it works once, until {when}:", disable: "Disable", enable: "Enable", sureDisable: "Disable {who}? All sessions and tokens stop at once.",
    take: "Take away", sureTake: "Take this role away from {who}?", give: "Give a role", giveIt: "Give", only: "Only for (left empty: everywhere)", organizations: "Organizations, by code, separated by commas", districts: "Districts as written at stations, separated by commas", domains: "Domains of records, separated by commas",
    endAll: "End all sessions", sureEnd: "End all sessions of {who}?", confirm: "Yes", cancel: "No", done: "Done.", provider: "organization's account", ofProvider: "from the organization's account", login: "Or a staff token (var/staff.token)",
  },
};

let people = [];
let chosen = null;
let sessions = [];
let said = null;

const page = frame(WORDS, show, refresh, 60000);
const { word, clock } = page;
const filled = (key, parts) => Object.entries(parts).reduce((text, [name, value]) => text.replace(`{${name}}`, value), word(key));
const path = (person, more = "") => `/v1/people/${encodeURIComponent(person.userName)}${more}`;
const match = (person) => ({ "If-Match": `"${person.revision}"` });
const list = (text) => { const items = text.split(",").map((item) => item.trim()).filter(Boolean); return items.length ? items : null; };

async function acting(work) {
  try {
    said = (await work()) ?? { key: "done" };
    await page.again();
  } catch (error) {
    page.refused(error);
  }
}

// Asks before what is hard to undo.
function sure(key, who, work) {
  by("sure-text").textContent = filled(key, { who });
  by("sure").returnValue = "no";
  by("sure").onclose = () => (by("sure").returnValue === "yes" ? acting(work) : null);
  by("sure").showModal();
}

const roleSelect = (empty) => [...(empty ? [element("option", { value: "" }, word("noRole"))] : []), ...ROLES.map((role) => element("option", { value: role }, word(role)))];

function showList() {
  const heads = ["userName", "displayName", "roles"].map((key) => element("th", { scope: "col" }, word(key)));
  const rows = people.map((person) =>
    element("tr", { class: `${person.state === "disabled" ? "off" : ""} ${person.userName === chosen ? "chosen" : ""}` },
      element("td", {}, element("button", { type: "button", "aria-pressed": String(person.userName === chosen), onclick: () => choose(person.userName) }, person.userName)),
      element("td", { class: "wrap" }, person.displayName, person.state === "disabled" ? element("span", { class: "badge" }, word("disabled")) : null),
      element("td", { class: "wrap" }, person.grants.map((grant) => grantText(grant, word)).join("; ") || "–")));
  by("list").replaceChildren(element("div", { class: "card" }, element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows))));
}

function grantLine(person, grant) {
  const from = grant.origin === "provider" ? element("span", { class: "badge" }, word("ofProvider")) : null;
  const take = grant.origin === "provider" ? null
    : element("button", { type: "button", "aria-label": `${word("take")}: ${grantText(grant, word)}`, onclick: () => sure("sureTake", person.displayName, () => change("DELETE", path(person, `/grants/${grant.id}`)).then(() => undefined)) }, word("take"));
  return element("li", {}, `${grantText(grant, word)} `, from, take);
}

function giveForm(person) {
  const role = element("select", {}, ...roleSelect(false));
  const kinds = KINDS.map((kind) => element("input", { type: "checkbox", value: kind }));
  const fields = ["organizations", "districts", "domains"].map((name) => [name, element("input", { autocomplete: "off", maxlength: "2000" })]);
  const give = (event) => {
    event.preventDefault();
    const marked = kinds.filter((box) => box.checked).map((box) => box.value);
    const body = { role: role.value, stationKinds: marked.length ? marked : null };
    for (const [name, field] of fields) body[name] = list(field.value);
    document.activeElement?.blur();
    acting(() => change("POST", path(person, "/grants"), body).then(() => undefined));
  };
  return element("details", {}, element("summary", {}, word("give")),
    element("form", { onsubmit: give },
      element("label", {}, element("span", {}, word("role")), role),
      element("fieldset", {}, element("legend", {}, word("only")),
        ...kinds.map((box) => element("label", { class: "check" }, box, word(box.value))),
        ...fields.map(([name, field]) => element("label", {}, element("span", {}, word(name)), field))),
      element("div", { class: "actions" }, element("button", { class: "primary" }, word("giveIt")))));
}

async function makeLink(person) {
  const made = await change("POST", path(person, "/links"));
  return { key: "linkFor", parts: { who: person.displayName, when: clock(made.expiresTime) }, secret: location.origin + made.path };
}

function showPerson() {
  const person = people.find((one) => one.userName === chosen);
  by("person").hidden = !person;
  if (!person || (by("person").contains(document.activeElement) && document.activeElement.closest("form"))) return;
  const active = person.state === "active";
  const who = person.displayName;
  const move = active
    ? element("button", { type: "button", onclick: () => sure("sureDisable", who, () => change("POST", path(person, "/disable"), undefined, match(person)).then(() => undefined)) }, word("disable"))
    : element("button", { type: "button", onclick: () => acting(() => change("POST", path(person, "/enable"), undefined, match(person)).then(() => undefined)) }, word("enable"));
  const link = active ? element("button", { type: "button", onclick: () => acting(() => makeLink(person)) }, word("linkIt")) : null;
  const all = sessions.length ? element("button", { type: "button", onclick: () => sure("sureEnd", who, () => change("DELETE", path(person, "/sessions")).then(() => undefined)) }, word("endAll")) : null;
  const facts = [["email", person.email], ["signsIn", person.signsInWith.map(word).join(", ")], ["state", word(person.state)], ["last", person.signedInTime ? clock(person.signedInTime) : null]];
  by("person").replaceChildren(
    element("h2", {}, `${who} `, element("small", {}, person.userName)),
    element("dl", { class: "facts" }, ...facts.flatMap(([key, value]) => [element("dt", {}, word(key)), element("dd", {}, value || "–")])),
    element("h2", {}, word("roles")), element("ul", { class: "timeline" }, ...person.grants.map((grant) => grantLine(person, grant))), giveForm(person),
    element("h2", {}, word("sessions")), sessionTable(sessions, page, (one) => acting(() => change("DELETE", path(person, `/sessions/${one.id}`)).then(() => undefined))),
    element("div", { class: "actions" }, ...[link, all, move].filter(Boolean)));
}

function choose(userName) {
  chosen = userName;
  sessions = [];
  said = null;
  page.again();
}

function show() {
  if (!by("role").childElementCount || !by("adding").contains(document.activeElement)) {
    const kept = by("role").value;
    by("role").replaceChildren(...roleSelect(true));
    by("role").value = kept;
  }
  by("said").hidden = !said;
  if (said) by("said").replaceChildren(filled(said.key, said.parts ?? {}), ...(said.secret ? [" ", element("span", { class: "secret" }, said.secret)] : []));
  if (!people.length) return;
  showList();
  showPerson();
}

async function refresh() {
  people = await everyItem("/v1/people?limit=1000");
  if (chosen) sessions = (await call(path({ userName: chosen }, "/sessions"))).items;
  return new Date().toISOString();
}

by("add-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const role = by("role").value;
  const body = { userName: by("user-name").value.trim(), displayName: by("display-name").value.trim(), email: by("email").value.trim() || null, grants: role ? [{ role }] : [] };
  acting(async () => {
    const person = await change("POST", "/v1/people", body);
    by("add-form").reset();
    by("adding").open = false;
    chosen = person.userName;
    return makeLink(person);
  });
});

page.start();
