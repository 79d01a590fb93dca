// Tabs, keys and filters: what a person does, and where it begins.

function plainTab(told) {
  state.groups = [];
  state.group = null;
  state.at = -1;
  $("progress").textContent = told;
  $("list").replaceChildren();
  $("more").hidden = true;
}

function setView(view) {
  state.view = view;
  if (!state.group) return;
  showGroup(state.group);
  showComparison();
}
async function setTab(tab) {
  reading.abort(); // else it would be shown over what the tab shows
  if (tab !== named.tab) named = {};
  state.tab = document.body.dataset.tab = tab;
  state.at = -1;
  $("group").removeAttribute("aria-label");
  [...$("tabs").children].forEach((it) => { it.setAttribute("aria-selected", String(it.dataset.tab === tab)); it.tabIndex = it.dataset.tab === tab ? 0 : -1; });
  $("decide-identical").hidden = tab !== "duplicate";
  $("identical-only").hidden = !hasIdentical();
  const is_plain = tab === "rejected" || tab === "statistics";
  $("filters").hidden = !isList();
  document.body.classList.toggle("plain", is_plain);
  const before = $("group").firstChild, listing = loadList(), question = newest_question;
  const still = () => question === newest_question && $("group").firstChild === before;
  await saying(listing, () => {
    if (!still()) return;
    plainTab(""); // what the tab before has shown is none of this one
    showNothing("Looking…", "This takes a moment where there are many images.");
  }).catch((error) => {
    tell(error.message);
    if (question !== newest_question) return;
    plainTab("");
    document.body.classList.add("plain");
    showNothing("This cannot be shown now", `${error.message}.`, "Choose the tab once more to try again.");
  });
}

// Keys that decide something are pressed anew for each group: whoever holds one has not seen the next one.
const MOVES = ["j", "k", "l", "h"];
const KEYS = [
  [["j", "ArrowDown"], "next group", () => next()],
  [["k", "ArrowUp"], "previous group", () => open(Math.max(state.at - 1, 0), true)],
  [["d"], "all are copies", () => decide("duplicate")],
  [["n"], "none is a copy", () => decide("not_duplicate")],
  [["b"], "keep all of them", () => decide("keep_both")],
  [["u"], "undo", undo],
  [["ArrowRight", "l"], "compare the next image", () => step(1)],
  [["ArrowLeft", "h"], "compare the image before", () => step(-1)],
  [["/"], "find a name; Enter goes on with the groups", () => $("name").focus()],
  [["v"], "side by side, swipe, blink, difference", () => setView(VIEWS[(VIEWS.findIndex(([it]) => it === state.view) + 1) % VIEWS.length][0])],
  [["z"], "zoom in and out; with Shift and arrows elsewhere", () => { zoom(); showComparison(); }],
  [["?"], "this help", () => $("help").showModal()],
];
const ONLY = { d: "duplicate", n: "not_duplicate", b: "keep_both" }; // with Shift, of the image that is compared
const STEPS = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] };
async function next() {
  if (state.at === state.groups.length - 1) await loadMore().catch((error) => tell(error.message));
  if (state.at < state.groups.length - 1) await open(state.at + 1, true);
}
function step(by) {
  const members = state.group?.members.length ?? 0;
  if (!members) return;
  state.member = (state.member + by + members) % members;
  showGroup(state.group);
}
// A key by the letter or digit on it: also with Caps Lock, under another alphabet, and where digits need Shift.
function pressed({ key, code, shiftKey }) {
  if (/^Digit[0-9]$/.test(code) && !shiftKey) return code.at(-1);
  if (/^Key[A-Z]$/.test(code) && /^[^\x00-\x7f]$/u.test(key)) return code.at(-1).toLowerCase();
  return key.length === 1 ? key.toLowerCase() : key;
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.matches?.("input:not([type=checkbox], [type=range])")) return;
  if (event.target.matches?.("[type=range]") && event.key.startsWith("Arrow")) return;
  if (event.shiftKey && state.zoom > 1 && STEPS[event.key]) {
    event.preventDefault();
    return moveSpot(...state.spot.map((share, at) => share + STEPS[event.key][at]));
  }
  if (event.target.closest?.("#tabs") && ["ArrowLeft", "ArrowRight"].includes(event.key)) return moveTab(event);
  const typed = pressed(event);
  if (event.repeat && !MOVES.includes(typed) && !typed.startsWith("Arrow")) return;
  if (typed === "1" && (state.group?.unsure || state.group?.pair)) return decide("keeper", state.group.keeper);
  if (/^[2-9]$/.test(typed) && state.group?.members[typed - 2]) return decide("keeper", state.group.members[typed - 2].image);
  if (event.shiftKey && ONLY[typed]) return decideOne(ONLY[typed]);
  const found = KEYS.find(([keys]) => keys.includes(typed));
  if (!found) return;
  event.preventDefault();
  found[2]();
});
function moveTab(event) {
  const tabs = [...$("tabs").children], at = tabs.indexOf(document.activeElement);
  const next = tabs[(at + (event.key === "ArrowRight" ? 1 : -1) + tabs.length) % tabs.length];
  event.preventDefault();
  next.focus();
  setTab(next.dataset.tab);
}

$("tabs").append(...TABS.map(([tab, name]) => el("button", { type: "button", role: "tab", "data-tab": tab, "aria-controls": "group", onclick: () => setTab(tab) }, name)));
const SIGNS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };
$("keys").append(...KEYS.flatMap(([keys, told]) => [el("dt", {}, ...keys.map((it) => el("kbd", {}, SIGNS[it] ?? it))), el("dd", {}, told)]), el("dt", {}, el("kbd", {}, "2"), "…", el("kbd", {}, "9")), el("dd", {}, "keep that image, and 1 the first, where it is unsure"),
  el("dt", {}, el("kbd", {}, "Shift"), " with ", el("kbd", {}, "d"), el("kbd", {}, "n"), el("kbd", {}, "b")), el("dd", {}, "only the image that is compared"));
$("help-button").addEventListener("click", () => $("help").showModal());
$("more").addEventListener("click", () => loadMore().catch((error) => tell(error.message)));
$("decide-identical").addEventListener("click", () => {
  $("decide-identical").disabled = true;
  decideIdentical().catch((error) => tell(error.message)).finally(() => { $("decide-identical").disabled = false; });
});
$("filters").addEventListener("submit", (event) => event.preventDefault());
let filterTimer;
const filter = () => {
  clearTimeout(filterTimer);
  return loadList().catch((error) => tell(error.message));
};
for (const id of ["name", "since", "identical"]) {
  $(id).addEventListener("input", () => { clearTimeout(filterTimer); filterTimer = setTimeout(filter, 250); });
}
// Keys decide from then on, and not before what was looked for is shown.
$("name").addEventListener("keydown", ({ key, isComposing }) => { if (key === "Enter" && !isComposing) filter().then(() => $("group").focus()); });
readAddress();
