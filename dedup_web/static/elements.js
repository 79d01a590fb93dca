// Elements and words. Everything from outside is put in as text, never as markup.

const $ = (id) => document.getElementById(id);

// Elements: el("button.primary", { type: "button" }, "text", child)
function el(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const made = document.createElement(tag);
  if (classes.length) made.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null && child !== false));
  return made;
}

const sizes = ["B", "KB", "MB", "GB", "TB"];
function bytes(count) {
  let at = 0;
  for (; count >= 1000 && at < sizes.length - 1; at++) count /= 1000;
  return `${count.toLocaleString("en", { maximumFractionDigits: at ? 1 : 0 })} ${sizes[at]}`;
}
const day = (text) => (text ? new Date(text).toLocaleDateString("en", { year: "numeric", month: "short", day: "numeric" }) : "unknown");
// Characters that are not seen, or that turn the letters around them ("\u202egpj.exe"), are named instead.
const UNSEEN = /[\u0000-\u001f\u007f-\u00a0\u00ad\u061c\u200b\u200e\u200f\u2028-\u202f\u2060-\u206f\ufeff]/g;
const seen = (text) => text.replace(UNSEEN, (letter) => `⟨U+${letter.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
const nameOf = (image) => seen(image.path.slice(image.path.indexOf("/") + 1));
// Names that are nearly the same differ at their end, which is shown of a long one before its middle is.
const MOST_LETTERS = 90, FIRST_LETTERS = 24;
function shortNameOf(image) {
  const letters = [...nameOf(image)];
  return letters.length > MOST_LETTERS ? `${letters.slice(0, FIRST_LETTERS).join("")}…${letters.slice(FIRST_LETTERS - MOST_LETTERS).join("")}` : letters.join("");
}
// Whether a line of it begins on the right, so that its end is on the left.
const isFromTheRight = (text) => /^[^\p{L}]*[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/u.test(text);
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const plural = (count, thing) => (count === 1 ? thing : `${thing}s`);
const many = (count, thing) => `${count.toLocaleString("en")} ${plural(count, thing)}`;

const TOLD_FOR = 4000, UNDOABLE_FOR = 8000, SLOW_AFTER = 800; // milliseconds

// The answer as it is; `say` is called if it takes long.
function saying(answer, say) {
  const slow = setTimeout(say, SLOW_AFTER);
  return answer.finally(() => clearTimeout(slow));
}

let toastTimer, told = 0; // how often something was told
function tell(text, is_undoable = false) {
  told += 1;
  $("toast").replaceChildren(text);
  if (is_undoable) $("toast").append(el("button", { type: "button", onclick: once(() => undoLast()) }, "Undo ", el("kbd", {}, "u")));
  clearTimeout(toastTimer);
  toastTimer = setTimeout(tellNoMore, is_undoable ? UNDOABLE_FOR : TOLD_FOR);
}
// It stays on the page without a word, since readers of screens do not hear what appears as a whole.
function tellNoMore() {
  if (!$("toast").matches(":focus-within")) return $("toast").replaceChildren();
  toastTimer = setTimeout(tellNoMore, TOLD_FOR);
}
