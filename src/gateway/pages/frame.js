// The frame of a page: its language, signing in and out, and asking the server again and again.

import { token } from "/pages/shared.js";

const COMMON = {
  vi: {
    network: "Mạng quan trắc", alerts: "Cảnh báo", other: "English", leave: "Đăng xuất", enter: "Vào",
    login: "Mã truy cập của nhân viên (var/staff.token)", wrong: "Mã truy cập không đúng.", updated: "Cập nhật",
    lost: "Không kết nối được máy chủ; số liệu dưới đây đã cũ.",
  },
  en: {
    network: "Network", alerts: "Alerts", other: "Tiếng Việt", leave: "Sign out", enter: "Enter",
    login: "Staff token (var/staff.token)", wrong: "This token is not known.", updated: "Updated",
    lost: "The server cannot be reached; what stands below is old.",
  },
};
const ZONE = "Asia/Ho_Chi_Minh";

export const by = (id) => document.getElementById(id);

// words: {vi: {…}, en: {…}} of the page; show() writes what it has; refresh() asks the server and may throw.
export function frame(words, show, refresh, everyMs) {
  let language = localStorage.getItem("quantrac.language") ?? "vi";
  let timer = 0;

  const word = (key) => words[language][key] ?? COMMON[language][key] ?? key;
  const number = (value) => (value === null || value === undefined ? "–" : Number(value).toLocaleString(language, { maximumFractionDigits: 3 }));
  const clock = (text) => new Date(text).toLocaleString(language, { dateStyle: "short", timeStyle: "medium", timeZone: ZONE });
  const own = (item, member) => item[member + (language === "vi" ? "Vi" : "En")];

  function write() {
    document.documentElement.lang = language;
    for (const made of document.querySelectorAll("[data-word]")) made.textContent = word(made.dataset.word);
    show();
  }

  function ask() {
    write();
    if (!by("login").open) by("login").showModal();
  }

  function refused(error) {
    if (error.status === 401 || error.status === 403) {
      token.clear();
      by("notice").textContent = word("wrong");
      ask();
    } else if (error.status >= 400 && error.status < 500) {
      by("notice").textContent = error.message;
    } else {
      by("notice").textContent = `${word("lost")} (${error.message})`;
    }
    by("notice").hidden = false;
  }

  async function again() {
    clearTimeout(timer);
    try {
      const time = await refresh();
      by("notice").hidden = true;
      by("age").textContent = `${word("updated")} ${clock(time)}`;
      write();
    } catch (error) {
      refused(error);
      if (!token.get()) return;
    }
    timer = setTimeout(again, everyMs);
  }

  by("login").addEventListener("close", () => {
    token.set(by("token").value.trim());
    by("token").value = "";
    again();
  });
  by("language").addEventListener("click", () => {
    language = language === "vi" ? "en" : "vi";
    localStorage.setItem("quantrac.language", language);
    write();
    if (token.get()) again();
  });
  by("leave").addEventListener("click", () => {
    token.clear();
    location.reload();
  });

  return {
    word, number, clock, own, again, refused,
    language: () => language,
    start: () => (token.get() ? (write(), again()) : ask()),
  };
}
