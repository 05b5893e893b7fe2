// Words and pieces that the pages of an account and of people share: roles, where they hold, sessions.

import { element } from "/pages/shared.js";

export const ROLES = ["viewer", "operator", "registrar", "steward", "approver", "administrator"];
export const KINDS = ["ambient", "wastewater", "flue_gas", "groundwater"];
export const ACCESS = {
  vi: {
    viewer: "Người xem", operator: "Trực vận hành", registrar: "Cán bộ hồ sơ", steward: "Quản lý danh mục", approver: "Người duyệt", administrator: "Quản trị",
    ambient: "Không khí xung quanh", wastewater: "Nước thải", flue_gas: "Khí thải", groundwater: "Khai thác nước dưới đất",
    everywhere: "mọi nơi", roles: "Vai trò", sessions: "Phiên đăng nhập", browser: "Trình duyệt", address: "Địa chỉ", since: "Từ lúc", seen: "Dùng lần cuối",
    method: "Bằng", password: "mật khẩu", oidc: "tài khoản cơ quan", link: "liên kết", end: "Kết thúc", current: "phiên này", none: "Không có.",
  },
  en: {
    viewer: "Viewer", operator: "Operator", registrar: "Registrar", steward: "Steward", approver: "Approver", administrator: "Administrator",
    ambient: "Ambient", wastewater: "Wastewater", flue_gas: "Flue gas", groundwater: "Groundwater abstraction",
    everywhere: "everywhere", roles: "Roles", sessions: "Sessions", browser: "Browser", address: "Address", since: "Since", seen: "Last used",
    method: "With", password: "password", oidc: "organization's account", link: "link", end: "End", current: "this one", none: "None.",
  },
};

// The role, and where it holds.
export function grantText(grant, word) {
  const where = [...(grant.stationKinds ?? []).map(word), ...(grant.organizations ?? []), ...(grant.districts ?? []), ...(grant.domains ?? [])];
  return `${word(grant.role)}: ${where.length ? where.join(", ") : word("everywhere")}`;
}

function browserName(agent) {
  const name = /(Edg|OPR|Firefox|Chrome|Safari)\/[0-9]+/.exec(agent ?? "")?.[0] ?? (agent ?? "–").slice(0, 30);
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|Linux)/.exec(agent ?? "")?.[0];
  return [name.replace("/", " "), system].filter(Boolean).join(", ");
}

// ending: what is done when a session is to end.
export function sessionTable(items, { word, clock }, ending) {
  if (!items.length) return element("p", { class: "quiet" }, word("none"));
  const heads = ["browser", "address", "method", "seen"].map((key) => element("th", { scope: "col" }, word(key)));
  const rows = items.map((one) =>
    element("tr", {},
      element("td", { class: "wrap" }, browserName(one.userAgent), " ", one.current ? element("span", { class: "badge" }, word("current")) : null),
      element("td", {}, one.address ?? "–"), element("td", {}, word(one.method)),
      element("td", { title: `${word("since")} ${clock(one.createdTime)}` }, clock(one.seenTime)),
      element("td", {}, one.current ? null : element("button", { type: "button", "aria-label": `${word("end")}: ${browserName(one.userAgent)}, ${one.address ?? ""}`, onclick: () => ending(one) }, word("end")))));
  return element("table", {}, element("thead", {}, element("tr", {}, ...heads, element("th", {}))), element("tbody", {}, ...rows));
}
