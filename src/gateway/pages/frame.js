// The frame of a page: its language, who is signed in, signing in and out, and asking the server again and again.

import { change, element, recognise, session, token } from "/pages/shared.js";

const COMMON = {
  vi: {
    network: "Mạng quan trắc", alerts: "Cảnh báo", people: "Người dùng", other: "English", leave: "Đăng xuất", enter: "Vào",
    login: "Hoặc mã truy cập của nhân viên (var/staff.token)", wrong: "Mã truy cập không đúng.", updated: "Cập nhật",
    signIn: "Đăng nhập", account: "Tài khoản của bạn",
    lost: "Không kết nối được máy chủ; số liệu dưới đây đã cũ.",
  },
  en: {
    network: "Network", alerts: "Alerts", people: "People", other: "Tiếng Việt", leave: "Sign out", enter: "Enter",
    login: "Or a staff token (var/staff.token)", wrong: "This token is not known.", updated: "Updated",
    signIn: "Sign in", account: "Your account",
    lost: "The server cannot be reached; what stands below is old.",
  },
};
const ZONE = "Asia/Ho_Chi_Minh";

export const by = (id) => document.getElementById(id);

// Links that depend on who is signed in; they stand in the same place on every page.
function showWho() {
  for (const made of document.querySelectorAll("[data-who]")) made.remove();
  const here = (path) => (location.pathname === path ? "page" : null);
  if (session.may("people.manage"))
    document.querySelector("header nav").append(element("a", { href: "/people", "data-word": "people", "data-who": "", "aria-current": here("/people") }));
  if (session.who)
    by("leave").before(element("a", { href: "/account", "data-who": "", "data-title": "account", "aria-current": here("/account") }, session.who.displayName ?? session.who.name));
  by("leave").hidden = !session.who && !token.get();
}

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
    for (const made of document.querySelectorAll("[data-title]")) made.title = word(made.dataset.title);
    show();
  }

  function ask() {
    showWho();
    if (!by("login")) return session.enter();
    if (!by("enter")) {
      const enter = element("button", { class: "primary wide", id: "enter", type: "button", "data-word": "signIn", onclick: session.enter });
      by("login").querySelector("form").prepend(enter);
    }
    write();
    if (!by("login").open) by("login").showModal();
  }

  function refused(error) {
    if (error.status === 401 && session.who) return session.enter();
    if (error.kind === "password-must-change") return location.assign("/account");
    if (error.status === 401 || (error.status === 403 && !session.who)) {
      token.clear();
      by("notice").textContent = word("wrong");
      ask();
    } else if (error.status >= 400 && error.status < 500) {
      by("notice").textContent = [error.message, ...(error.faults ?? []).map((fault) => fault.expected)].join(" ");
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
      if (!session.who && !token.get()) return;
    }
    if (everyMs) timer = setTimeout(again, everyMs);
  }

  by("login")?.addEventListener("close", () => {
    token.set(by("token").value.trim());
    by("token").value = "";
    showWho();
    again();
  });
  by("language").addEventListener("click", () => {
    language = language === "vi" ? "en" : "vi";
    localStorage.setItem("quantrac.language", language);
    write();
    if (session.who || token.get()) again();
  });
  by("leave").addEventListener("click", async () => {
    token.clear();
    if (!session.who) return location.reload();
    // Whoever came from the identity provider is signed in there still, and is asked there.
    const door = session.who.session?.method === "oidc" ? "/sign-in/oidc/sign-out" : "/sign-in";
    try {
      await change("DELETE", "/session");
    } catch (error) {
      // One that has ended already is what was wanted.
      if (error.status !== 401) return refused(error);
    }
    location.assign(door);
  });

  async function start() {
    try {
      await recognise();
    } catch (error) {
      write();
      refused(error);
      timer = setTimeout(start, everyMs || 15000);
      return;
    }
    if (!session.who && !token.get()) return ask();
    if (session.who?.mustChangePassword && location.pathname !== "/account") return location.assign("/account");
    showWho();
    write();
    again();
  }

  return {
    word, number, clock, own, again, refused,
    language: () => language,
    start,
  };
}
