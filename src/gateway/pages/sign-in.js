// Signing in: with a password, with the identity provider, or with a link that is used once.

import { change, recognise } from "/pages/shared.js";

const WORDS = {
  vi: {
    other: "English", title: "Đăng nhập", userName: "Tên đăng nhập", password: "Mật khẩu", enter: "Đăng nhập",
    provider: "Đăng nhập bằng tài khoản của cơ quan", forgotten: "Quên mật khẩu? Người quản trị gửi cho bạn một liên kết để đặt mật khẩu mới.",
    caps: "Phím Caps Lock đang bật.", displayName: "Họ và tên", newPassword: "Mật khẩu mới", repeat: "Nhập lại mật khẩu mới", choose: "Đặt mật khẩu và vào",
    passwordHint: "Ít nhất 12 ký tự; một câu dễ nhớ là tốt nhất, không bắt buộc chữ số hay ký hiệu.",
    userNameHint: "Chữ thường không dấu, chữ số và . _ @ -; ghi cùng mọi việc bạn làm và không đổi được.",
    first: "Người quản trị đầu tiên", again: "Đặt mật khẩu mới", linkFirst: "Chọn tên đăng nhập và mật khẩu của bạn.", linkFor: "Cho",
    different: "Hai lần nhập mật khẩu không giống nhau.", missing: "Hãy điền đủ các ô.",
    "wrong-credentials": "Tên đăng nhập hoặc mật khẩu không đúng.", "too-many-failures": "Quá nhiều lần thử sai. Hãy đợi rồi thử lại sau {s} giây.",
    "sign-in-busy": "Nhiều người đang đăng nhập cùng lúc. Hãy thử lại sau vài giây.", "database-unavailable": "Cơ sở dữ liệu chưa trả lời. Hãy thử lại sau.",
    "link-not-usable": "Liên kết này đã được dùng, đã hết hạn hoặc không đúng. Hãy xin liên kết mới.",
    "weak-password": "Mật khẩu này dễ bị đoán. Hãy chọn mật khẩu khác, ít nhất 12 ký tự, không theo tên của bạn.",
    "user-name-taken": "Tên đăng nhập này đã có người dùng.", "invalid-request": "Có ô chưa hợp lệ; hãy xem lại tên đăng nhập.",
    cookie: "Trình duyệt không giữ phiên đăng nhập. Hãy mở trang này qua https hoặc http://localhost.", lost: "Không kết nối được máy chủ.",
    expired: "Lần đăng nhập đã quá hạn hoặc bắt đầu ở trình duyệt khác. Hãy thử lại.", unavailable: "Máy chủ tài khoản của cơ quan không trả lời. Hãy thử lại sau.",
    "weak-sign-in": "Cơ quan yêu cầu đăng nhập mạnh hơn, ví dụ hai lớp.", "unknown-person": "Tài khoản này chưa được mở ở đây. Hãy hỏi người quản trị.",
    disabled: "Tài khoản này đã bị khóa.", "no-role": "Tài khoản này chưa được giao vai trò nào.", "name-taken": "Tên của tài khoản này trùng với người khác. Hãy hỏi người quản trị.",
    refused: "Máy chủ tài khoản của cơ quan không cho đăng nhập.",
  },
  en: {
    other: "Tiếng Việt", title: "Sign in", userName: "User name", password: "Password", enter: "Sign in",
    provider: "Sign in with your organization's account", forgotten: "Forgotten the password? An administrator gives you a link to set a new one.",
    caps: "Caps Lock is on.", displayName: "Full name", newPassword: "New password", repeat: "The new password again", choose: "Set the password and enter",
    passwordHint: "At least 12 characters; a sentence is best, digits and signs are not asked for.",
    userNameHint: "a–z, 0–9 and . _ @ -; it is written down with all that you do, and never changes.",
    first: "The first administrator", again: "Choose a new password", linkFirst: "Choose your user name and password.", linkFor: "For",
    different: "The two passwords are not the same.", missing: "Please fill in every field.",
    "wrong-credentials": "The user name or the password is not right.", "too-many-failures": "Too many wrong attempts. Wait {s} seconds, then try again.",
    "sign-in-busy": "Many people sign in just now. Try again in a few seconds.", "database-unavailable": "The database does not answer. Try again later.",
    "link-not-usable": "This link was used, has expired, or is not right. Ask for another one.",
    "weak-password": "This password would be guessed. Choose another one, at least 12 characters and not made of your name.",
    "user-name-taken": "Somebody has this user name.", "invalid-request": "A field is not right; look at the user name again.",
    cookie: "The browser did not keep the session. Open this page by https or http://localhost.", lost: "The server cannot be reached.",
    expired: "This sign-in took too long, or began in another browser. Try again.", unavailable: "The organization's account server does not answer. Try again later.",
    "weak-sign-in": "A stronger sign-in is asked for, such as with a second factor.", "unknown-person": "This account is not known here. Ask an administrator.",
    disabled: "This account is disabled.", "no-role": "This account was given no role.", "name-taken": "This account's name is somebody else's here. Ask an administrator.",
    refused: "The organization's account server did not let you in.",
  },
};
const by = (id) => document.getElementById(id);

let language = localStorage.getItem("quantrac.language") ?? "vi";
let link = null;
let told = null;
const query = new URLSearchParams(location.search);
const secret = location.hash.startsWith("#link=") ? location.hash.slice(6) : null;
const word = (key) => WORDS[language][key] ?? key;

// Only a path of this service: whatever else stands there would lead away from it.
function next() {
  const wanted = new URL(query.get("next") ?? "/", location.origin);
  return wanted.origin === location.origin && wanted.pathname !== "/sign-in" ? wanted.pathname + wanted.search : "/";
}

function write() {
  document.documentElement.lang = language;
  document.title = `quantrac: ${word("title").toLowerCase()}`;
  for (const made of document.querySelectorAll("[data-word]")) made.textContent = word(made.dataset.word);
  by("notice").hidden = !told;
  by("notice").textContent = told ? word(told.key).replace("{s}", told.seconds ?? "") : "";
  if (link) {
    by("link-title").textContent = word(link.userName ? "again" : "first");
    by("link-for").textContent = link.userName ? `${word("linkFor")} ${link.displayName} (${link.userName})` : word("linkFirst");
  }
}

function tell(key, seconds) {
  told = key ? { key, seconds } : null;
  write();
}

function refused(error) {
  tell(error.kind in WORDS.en ? error.kind : error.kind ? "invalid-request" : "lost", error.wait ?? "60");
}

// Whatever was typed is sent once; a button cannot be pressed again meanwhile.
function onSubmit(form, act) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    if (button.disabled) return;
    button.disabled = true;
    tell(null);
    try {
      await act();
    } catch (error) {
      refused(error);
    } finally {
      button.disabled = false;
    }
  });
}

async function entered() {
  const who = await recognise();
  if (!who) return tell("cookie");
  location.replace(who.mustChangePassword ? "/account" : next());
}

onSubmit(by("sign-in"), async () => {
  const userName = by("user-name").value.trim();
  const password = by("password").value;
  if (!userName || !password) return tell("missing");
  try {
    await change("POST", "/session", { userName, password });
  } catch (error) {
    by("password").value = "";
    by("password").focus();
    throw error;
  }
  await entered();
});

onSubmit(by("choose"), async () => {
  const password = by("new-password").value;
  const userName = by("new-user-name").value.trim();
  const first = !link.userName;
  if (!password || (first && !userName)) return tell("missing");
  if (password !== by("repeat").value) return tell("different");
  const names = first ? { userName, displayName: by("display-name").value.trim() || userName } : {};
  await change("POST", "/session/link", { secret, password, ...names });
  await entered();
});

for (const field of document.querySelectorAll("input[type=password]")) {
  const look = (event) => {
    for (const hint of document.querySelectorAll("[data-caps]")) hint.textContent = event.getModifierState?.("CapsLock") ? word("caps") : "";
  };
  field.addEventListener("keydown", look);
  field.addEventListener("keyup", look);
}

by("language").addEventListener("click", () => {
  language = language === "vi" ? "en" : "vi";
  localStorage.setItem("quantrac.language", language);
  write();
});

async function openLink() {
  // The secret stays out of the history, and of what is bookmarked or shared.
  history.replaceState(null, "", location.pathname);
  try {
    link = await change("POST", "/session/link/look", { secret });
  } catch (error) {
    return refused(error);
  }
  by("with-password").hidden = true;
  by("with-link").hidden = false;
  by("names").hidden = Boolean(link.userName);
  write();
  (link.userName ? by("new-password") : by("new-user-name")).focus();
}

async function start() {
  const problem = query.get("problem");
  tell(problem ? (problem === "provider" ? "refused" : problem in WORDS.en ? problem : "refused") : null);
  if (secret) return openLink();
  by("user-name").focus();
  try {
    const [who, ways] = await Promise.all([recognise(), fetch("/session/ways").then((answer) => answer.json())]);
    if (who && !problem) return location.replace(who.mustChangePassword ? "/account" : next());
    by("provider").hidden = !ways.provider;
    by("provider-link").href = `/sign-in/oidc?next=${encodeURIComponent(next())}`;
  } catch (error) {
    refused(error);
  }
}

start();
