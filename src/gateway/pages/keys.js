// How a station is let in: its keys with their last use, and what was odd about it lately. Who may not know is shown nothing.

import { call, element, session } from "/pages/shared.js";

const WORDS = {
  vi: {
    key: "Khóa", keyState: "Tình trạng", expires: "Hết hạn", used: "Dùng lần cuối", address: "Từ địa chỉ", live: "đang dùng", expired: "hết hạn",
    revoked: "đã thu hồi", never: "không", odd: "Dấu hiệu bất thường", times: "lần",
    "new-network": "dùng từ mạng mới", "two-places": "dùng ở hai nơi cùng lúc", "revoked-key": "dùng khóa đã thu hồi",
    "expired-key": "dùng khóa hết hạn", "wrong-station": "gửi thay trạm khác", "over-quota": "gửi quá nhiều", "spent-code": "dùng lại mã đã dùng",
  },
  en: {
    key: "Key", keyState: "State", expires: "Expires", used: "Last used", address: "From", live: "live", expired: "expired",
    revoked: "revoked", never: "never", odd: "Oddities", times: "times",
    "new-network": "used from a new network", "two-places": "used in two places at once", "revoked-key": "revoked key used",
    "expired-key": "expired key used", "wrong-station": "spoke for another station", "over-quota": "sent too much", "spent-code": "used code tried again",
  },
};

// What may not be asked is as if it were not there; anything else that goes wrong is the page's to tell.
const asked = (path) => call(path).catch((error) => {
  if (error.status === 403 || error.status === 404) return { items: [] };
  throw error;
});

export async function entrance(code, page) {
  const name = encodeURIComponent(code), word = (key) => WORDS[page.language()][key] ?? key;
  const known = session.who && !session.may("keys.manage") ? { items: [] } : asked(`/v1/stations/${name}/keys`);
  const [keys, oddities] = await Promise.all([known, asked(`/v1/station-anomalies?station=${name}&limit=5`)]);
  const time = (text) => (text ? page.clock(text) : word("never"));
  const made = [];
  if (keys.items.length) {
    const heads = ["key", "keyState", "expires", "used", "address"].map((key) => element("th", {}, word(key)));
    const rows = keys.items.map((key) => element("tr", { class: key.state === "live" ? "" : "off" },
      ...[key.id, word(key.state), time(key.expiresTime), time(key.lastUsedTime), key.lastUsedAddress ?? ""].map((text) => element("td", {}, text))));
    made.push(element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows)));
  }
  if (oddities.items.length) {
    const lines = oddities.items.map((one) =>
      element("li", {}, `${page.clock(one.lastTime)}: ${word(one.kind)} (${one.times} ${word("times")}${one.address ? `, ${one.address}` : ""})`));
    made.push(element("h3", {}, word("odd")), element("ul", {}, ...lines));
  }
  return made;
}
