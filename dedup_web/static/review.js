// The review page. Everything from outside is put in as text, never as markup.

const TABS = [
  ["duplicate", "Copies"], ["altered", "Altered"], ["color_variant", "Other colors"],
  ["decided", "Decided"], ["rejected", "Rejected files"], ["statistics", "Statistics"],
];
const VIEWS = [["side", "Side by side"], ["swipe", "Swipe"], ["blink", "Blink"]];
const WORDS = {
  duplicate: "a copy", not_duplicate: "not a copy", keep_both: "both stay", keeper: "the one to keep",
  identical: "identical", altered: "altered", color_variant: "other colors", distinct: "distinct",
};
const $ = (id) => document.getElementById(id);
const state = { tab: "duplicate", groups: [], cursor: null, at: -1, member: 0, view: "side", undo: [], group: null };

// The key stays in the address, because a reload needs it; it is sent as a header, and no page is told where one came from.
const key = new URL(location.href).searchParams.get("code") ?? "";
const headers = key ? { "x-functions-key": key } : {};

async function ask(path, options = {}) {
  const answer = await fetch(`/api/${path}`, { ...options, headers: { ...headers, ...options.headers } });
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    throw new Error(typeof told.detail === "string" ? told.detail : `The app answered ${answer.status}`);
  }
  return answer;
}
const read = async (path) => (await ask(path)).json();
const send = async (path, body) =>
  (await ask(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } })).json();

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
const nameOf = (image) => image.path.slice(image.path.indexOf("/") + 1);

let toastTimer;
function tell(text) {
  $("toast").textContent = text;
  $("toast").classList.add("on");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => $("toast").classList.remove("on"), 4000);
}

// Pictures come with the key in a header, so they are fetched; the browser keeps them.
const pictures = new Map();
function load(image, path) {
  if (!pictures.has(path)) {
    pictures.set(path, ask(path).then((answer) => answer.blob()).then((blob) => URL.createObjectURL(blob)));
    if (pictures.size > 400) pictures.delete(pictures.keys().next().value);
  }
  pictures.get(path).then((url) => { image.src = url; }).catch(() => { image.alt = "This picture cannot be shown"; pictures.delete(path); });
  return image;
}
const thumb = (image, kind = "img.thumb", alt = "") =>
  load(el(kind, { alt, decoding: "async" }), `images/${image.id}/thumbnail?v=${image.version}`);

// ---- the list

function query(cursor) {
  const wanted = new URLSearchParams({ size: 40 });
  if (state.tab === "decided") wanted.set("state", "decided");
  else wanted.set("verdict", state.tab);
  if ($("prefix").value) wanted.set("prefix", $("prefix").value);
  if ($("since").value) wanted.set("since", $("since").value);
  if ($("identical").checked) wanted.set("identical", "true");
  if (cursor) wanted.set("cursor", cursor);
  return `groups?${wanted}`;
}

async function loadList(more = false) {
  if (state.tab === "rejected") return showRejected();
  if (state.tab === "statistics") return showStatistics();
  const page = await read(query(more ? state.cursor : null));
  state.groups = more ? [...state.groups, ...page.groups] : page.groups;
  state.cursor = page.next_cursor;
  showProgress(page);
  $("more").hidden = !page.next_cursor;
  $("list").replaceChildren(...state.groups.map(listItem));
  if (!more) await open(state.groups.length ? 0 : -1);
  else markCurrent();
}

function showProgress(page) {
  const told = state.tab === "decided"
    ? `${page.matching} decided`
    : `${page.decided} of ${page.total} groups decided · ${bytes(page.bytes_to_gain)} to gain`;
  $("progress").replaceChildren(
    ...(state.tab === "decided" ? [] : [el("progress", { max: Math.max(1, page.total), value: page.decided, "aria-label": "Groups decided" })]), told);
}

function listItem(group, at) {
  const images = [group.keeper, ...group.members.map((member) => member.image)];
  return el("li", {}, el("button", { type: "button", onclick: () => open(at, true) },
    el("span.strip", { "aria-hidden": "true" }, ...images.slice(0, 3).map((image) => thumb(image))),
    el("div", {}, el("span.name", {}, el("bdi", {}, nameOf(group.keeper))),
      el("span.meta", {}, `${images.length} images · ${group.identical ? "identical" : bytes(group.bytes_to_gain)}`))));
}

function markCurrent() {
  [...$("list").children].forEach((item, at) => item.firstChild.setAttribute("aria-current", String(at === state.at)));
  $("list").children[state.at]?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

// ---- one group

async function open(at, focus = false) {
  state.at = at;
  state.member = 0;
  state.group = null;
  markCurrent();
  if (at < 0 || !state.groups[at]) return showEmpty();
  showGroup(state.groups[at]);
  const id = state.groups[at].id;
  if (focus) $("group").focus({ preventScroll: true });
  $("group").scrollTop = 0;
  try {
    const whole = await read(`groups/${id}`);
    if (state.groups[state.at]?.id === id) showGroup(whole);
  } catch (error) { tell(error.message); }
}

function showEmpty() {
  const filtered = $("prefix").value || $("since").value || $("identical").checked;
  $("group").replaceChildren(el("div.empty", {}, el("p", {},
    el("strong", {}, filtered ? "Nothing fits these filters" : state.tab === "decided" ? "Nothing was decided yet" : "Nothing left to decide here"),
    filtered ? "Change or clear them to see more." : "New groups appear as images arrive.")));
}

function showGroup(group) {
  state.group = group;
  const focused = document.activeElement?.dataset?.keep;
  const images = [{ image: group.keeper }, ...group.members];
  const chosen = group.members[state.member] ?? group.members[0];
  $("group").replaceChildren(
    el("div.headline", {}, el("h2", {}, `${images.length} images`), chipOf(group),
      el("span.chip", {}, `${bytes(group.bytes_to_gain)} to gain`), el("span.chip", {}, day(group.newest_at))),
    el("p.why", {}, group.why.length ? `Keep ${nameOf(group.keeper)}: ${group.why.join("; ")}.` : `Nothing tells these images apart; ${nameOf(group.keeper)} is the first by name.`),
    el("div.cards", {}, ...images.map((it, at) => card(it, at, group, chosen))),
    comparison(group, chosen), actions(group));
  if (focused) document.querySelector(`[data-keep="${focused}"]`)?.focus();
}

function chipOf(group) {
  const word = group.identical && group.verdict === "duplicate" ? "identical" : { duplicate: "copies", altered: "altered", color_variant: "other colors", not_duplicate: "no copies" }[group.verdict];
  return el(`span.chip.${group.verdict === "duplicate" ? "keep" : "warn"}`, {}, word);
}

function card(it, at, group, chosen) {
  const { image } = it;
  const isKeeper = at === 0;
  const picture = thumb(image, "img", nameOf(image));
  const canvas = el("span.canvas", {}, picture);
  picture.addEventListener("load", () => outline(canvas, picture, isKeeper ? chosen : it, isKeeper));
  return el(`article.card${isKeeper ? ".keeper" : ""}${it === chosen ? ".chosen" : ""}`, { "aria-label": nameOf(image) },
    el("button.photo", { type: "button", "aria-label": isKeeper ? `The keeper, ${nameOf(image)}` : `Compare ${nameOf(image)} with the keeper`,
      onclick: () => { if (!isKeeper) { state.member = at - 1; showGroup(group); } } }, canvas),
    el("div.body", {},
      el("div.row", {}, isKeeper ? el("span.chip.keep", {}, "keep") : decidedChip(it, group)),
      el("div.path", {}, nameOf(image)), facts(image, isKeeper ? null : group.keeper),
      el("div.row", {},
        isKeeper ? null : el("button", { type: "button", "data-keep": image.id, onclick: () => decide("keeper", image) }, "Keep this one ", el("kbd", {}, String(at + 1))),
        el("button.quiet", { type: "button", onclick: () => original(image) }, "Original"))));
}

function decidedChip(member, group) {
  if (member.decided) return el(`span.chip.${member.decided.decision === "duplicate" ? "go" : "keep"}`, {}, `${WORDS[member.decided.decision]} · ${member.decided.by || "a person"}, ${day(member.decided.at)}`);
  if (member.decided_before) return el("span.chip.warn", {}, `before, with other bytes: ${WORDS[member.decided_before.decision]}`);
  return el("span.chip.go", {}, member.may_go ? "can go" : `asks: ${WORDS[group.verdict] ?? group.verdict}`);
}

function facts(image, keeper) {
  const rows = [
    ["Pixels", `${image.width} × ${image.height}`, image.width * image.height, keeper && keeper.width * keeper.height],
    ["True pixels", image.true_side && image.true_side < Math.max(image.width, image.height) ? `${image.true_side} on the longer side` : "all", null],
    ["Size", bytes(image.bytes), image.bytes, keeper?.bytes],
    ["Format", image.format + (image.saved_again ? ", saved again" : ""), null],
    ["Quality", image.quality === 100 ? "no JPEG loss seen" : `JPEG ${image.quality}`, image.quality, keeper?.quality],
    ["Camera", image.names_camera ? "named" : "not named", null],
    ["There since", day(image.added_at), null],
  ];
  return el("dl.facts", {}, ...rows.flatMap(([name, told, value, other]) => {
    const mark = value != null && other != null && value !== other ? (value > other ? ".better" : ".worse") : "";
    return [el("dt", {}, name), el(`dd${mark}`, {}, told)];
  }));
}

function outline(canvas, picture, member, isKeeper) {
  canvas.querySelectorAll(".region").forEach((box) => box.remove());
  for (const region of member?.comparison?.regions ?? []) {
    if (region.kind !== "changed") continue;
    const [left, top, right, bottom] = isKeeper ? region.left : region.right;
    const box = el("span.region", { "aria-hidden": "true" });
    const scale = Math.min(picture.width / picture.naturalWidth, picture.height / picture.naturalHeight);
    const width = picture.naturalWidth * scale, height = picture.naturalHeight * scale;
    Object.assign(box.style, {
      left: `${(picture.width - width) / 2 + left * width}px`, top: `${(picture.height - height) / 2 + top * height}px`,
      width: `${(right - left) * width}px`, height: `${(bottom - top) * height}px`,
    });
    canvas.append(box);
  }
}

function comparison(group, member) {
  if (!member) return "";
  const base = `pairs/${group.keeper.id}/${member.image.id}/aligned`;
  const version = `?v=${group.keeper.version}.${member.image.version}`;
  const sides = ["left", "right"].map((side) =>
    load(el("img", { alt: side === "left" ? `${nameOf(group.keeper)}, as it was compared` : `${nameOf(member.image)}, as it was compared` }), `${base}/${side}${version}`));
  const viewer = el(`div.viewer.${state.view}`, {}, ...sides);
  let slider = null;
  if (state.view === "swipe") {
    const line = el("div.line");
    viewer.append(line);
    const move = (value) => {
      sides[1].style.clipPath = `inset(0 0 0 ${value}%)`;
      const left = sides[1].offsetLeft + (sides[1].width * value) / 100;
      line.style.left = `${left}px`;
    };
    slider = el("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": "Swipe between the two pictures", oninput: (event) => move(event.target.value) });
    sides[1].addEventListener("load", () => move(slider.value));
  }
  const measured = member.comparison;
  return el("section.panel", { "aria-label": "How they were compared" },
    el("div.row", {}, el("h3", {}, `${nameOf(group.keeper)} against ${nameOf(member.image)}`), el("span.grow"),
      ...VIEWS.map(([view, name]) => el("button", { type: "button", "aria-pressed": String(state.view === view), onclick: () => setView(view) }, name))),
    viewer, slider,
    measured ? el("ul.reasons", {}, ...measured.reasons.map((reason) => el("li", {}, reason))) : null,
    measured ? bars(measured) : null);
}

// A reason names its number and its limit: "(correlation 0.96 >= 0.80)", "(0.7 <= 3.8)".
function bars(measured) {
  const found = [["Palette distance", measured.dominant_distance, 40], ["Pixel difference", measured.pixel_difference, 40],
    ["Histogram correlation", measured.histogram_correlation, 1]]
    .filter(([, value]) => value != null).map(([name, value, full]) => ({ name, value, full }));
  for (const reason of measured.reasons) {
    const match = reason.match(/^(.*?)\s*\([^()]*?(-?[\d.]+)(%?) (?:<=|>=|<|>) (-?[\d.]+)%?\)/);
    if (match) found.push({ name: match[1].replace(/ after exposure and white balance| beyond exposure and white balance/, ""), value: +match[2], limit: +match[4], full: match[3] ? 100 : Math.max(1, 2 * +match[4], +match[2]) });
  }
  return el("div.bars", {}, ...found.map(({ name, value, limit, full }) => {
    const fill = el("span.fill"), track = el("span.track", { "aria-hidden": "true" }, fill);
    fill.style.width = `${Math.max(0, Math.min(100, (100 * value) / full))}%`;
    if (limit != null) {
      const mark = el("span.limit");
      mark.style.left = `${Math.min(100, (100 * limit) / full)}%`;
      track.append(mark);
    }
    return el("div.bar", {}, el("span", {}, name), track, el("output", { title: limit == null ? "" : `limit ${limit}` }, String(Math.round(value * 100) / 100)));
  }));
}

function actions(group) {
  const button = (act, name, keys, primary) => el(`button${primary ? ".primary" : ""}`, { type: "button", id: `act-${act}`, onclick: () => decide(act) }, `${name} `, el("kbd", {}, keys));
  return el("div.actions", { role: "group", "aria-label": "Decide about this group" },
    button("duplicate", group.members.length > 1 ? "All are copies" : "Copy", "d", true),
    button("not_duplicate", group.members.length > 1 ? "None is a copy" : "Not a copy", "n"), button("keep_both", "Keep all", "b"),
    el("span.grow"),
    el("button", { type: "button", id: "act-undo", disabled: !state.undo.length && !group.decided, onclick: undo }, "Undo ", el("kbd", {}, "u")));
}

async function original(image) {
  try {
    const answer = await ask(`images/${image.id}/original`);
    window.open(URL.createObjectURL(await answer.blob()), "_blank", "noopener");
  } catch (error) { tell(error.message); }
}

// ---- deciding

// One after the other, however fast keys are pressed: each finds the list as the one before has left it.
let last_act = Promise.resolve();
function inOrder(act) {
  last_act = last_act.then(act).catch((error) => tell(error.message));
  return last_act;
}
const decide = (act, keeper = null) => inOrder(() => decideNow(act, keeper));
const undo = () => inOrder(undoNow);

async function decideNow(act, keeper) {
  const group = state.groups[state.at];
  if (!group) return;
  const done = await send(`groups/${group.id}/decision`, keeper ? { act, keeper: keeper.id } : { act });
  state.undo.push({ pairs: done });
  tell(act === "keeper" ? `${nameOf(keeper)} is the one to keep` : `Decided: ${WORDS[act]}. Press u to undo.`);
  await afterDeciding();
}

async function undoNow() {
  let last = state.undo.pop();
  const group = state.groups[state.at];
  if (!last && group?.decided) last = { pairs: group.members.filter((it) => it.decided).map((it) => ({ left: group.keeper.id, right: it.image.id })) };
  if (!last?.pairs.length) return tell("There is nothing to undo");
  await inTurn(last.pairs, (pair) => send(`pairs/${pair.left}/${pair.right}/decision`, { act: "undo" }));
  tell(last.pairs.length > 1 ? `Took back ${last.pairs.length} decisions` : "Took the decision back");
  await afterDeciding();
}

// The list is read again up to where it was, so that nothing jumps: the next group takes the place of the one decided.
async function afterDeciding() {
  const at = state.at, wanted = Math.max(40, state.groups.length);
  const page = await read(query(null).replace("size=40", `size=${Math.min(200, wanted)}`));
  state.groups = page.groups;
  state.cursor = page.next_cursor;
  showProgress(page);
  $("more").hidden = !page.next_cursor;
  $("list").replaceChildren(...state.groups.map(listItem));
  await open(Math.min(at < 0 ? 0 : at, state.groups.length - 1));
}

async function inTurn(things, work, at_once = 4) {
  const left = [...things];
  await Promise.all(Array.from({ length: at_once }, async () => { while (left.length) await work(left.shift()); }));
}

async function decideIdentical() {
  const found = [];
  for (let cursor = null; ;) {
    const wanted = new URLSearchParams({ verdict: "duplicate", identical: "true", size: 200 });
    if ($("prefix").value) wanted.set("prefix", $("prefix").value);
    if (cursor) wanted.set("cursor", cursor);
    const page = await read(`groups?${wanted}`);
    found.push(...page.groups);
    if (!(cursor = page.next_cursor)) break;
  }
  if (!found.length) return tell("No group of identical files is left to decide");
  const gain = found.reduce((sum, group) => sum + group.bytes_to_gain, 0);
  if (!confirm(`Decide ${found.length} groups of identical files as copies? That is ${bytes(gain)} to gain. One undo takes all of it back.`)) return;
  const pairs = [];
  try {
    await inTurn(found, async (group) => pairs.push(...(await send(`groups/${group.id}/decision`, { act: "duplicate" }))));
    tell(`Decided ${found.length} groups. Press u to undo.`);
  } catch (error) { tell(error.message); } finally {
    if (pairs.length) state.undo.push({ pairs });
    await afterDeciding();
  }
}

// ---- rejected files and statistics

async function showRejected() {
  plainTab("");
  const rows = el("tbody", {}), told = el("p", {}, ""), more = el("button", { type: "button" }, "Show more");
  let cursor = "", count = 0;
  const next = async () => {
    more.disabled = true;
    // A page looks through a part of all images and may find none: go on until one does, or the end.
    do {
      const found = await read(`rejected?size=100&cursor=${encodeURIComponent(cursor)}`);
      count += found.rejected.length;
      rows.append(...found.rejected.map((it) => el("tr", {}, el("td", {}, it.path), el("td", { title: it.detail }, it.reason))));
      cursor = found.next_cursor;
      if (found.rejected.length) break;
    } while (cursor);
    more.disabled = false;
    more.hidden = !cursor;
    told.textContent = cursor ? `${count} files so far` : count ? `${count} files could not be read` : "Every file could be read.";
  };
  more.addEventListener("click", next);
  $("group").replaceChildren(el("h2", {}, "Rejected files"), told,
    el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "File"), el("th", { scope: "col" }, "Why"))), rows), more);
  await next();
}

async function showStatistics() {
  const found = await read("stats");
  plainTab("");
  const number = (name, value) => el("div.number", {}, el("b", {}, typeof value === "number" ? value.toLocaleString("en", { maximumFractionDigits: 2 }) : value), el("span", {}, name));
  const waiting = Object.values(found.queues).reduce((sum, it) => sum + it, 0);
  const failures = Object.entries(found.totals.failures_by_reason ?? {});
  $("group").replaceChildren(el("h2", {}, "Statistics"),
    el("div.numbers", {}, ...Object.entries(found.images).map(([name, count]) => number(found.counted_all ? name : `${name}, of the first ${Object.values(found.images).reduce((sum, it) => sum + it, 0).toLocaleString("en")}`, count)),
      ...(found.counted_all ? [] : [number("images in all", found.images_known)]), number("waiting in queues", waiting),
      number("comparisons today", found.totals.comparisons_performed ?? 0), number("reads saved today", found.reads_saved),
      number("success rate", found.totals.success_rate ?? 1)),
    el("section.panel", {}, el("h3", {}, "Groups by the day of their newest verdict"), chart(found.groups_by_day)),
    failures.length ? el("section.panel", {}, el("h3", {}, "Failures today"), el("table", {}, el("tbody", {}, ...failures.map(([reason, count]) => el("tr", {}, el("th", { scope: "row" }, reason), el("td", {}, String(count))))))) : "");
}

function plainTab(told) {
  state.groups = [];
  state.group = null;
  $("progress").textContent = told;
  $("list").replaceChildren();
  $("more").hidden = true;
}

function chart(days) {
  const dates = Object.keys(days).slice(-30), kinds = ["duplicate", "altered", "color_variant", "not_duplicate"];
  if (!dates.length) return el("p", {}, "No groups yet.");
  const most = Math.max(...dates.map((date) => kinds.reduce((sum, kind) => sum + (days[date][kind] ?? 0), 0)));
  const make = (tag, attributes, text) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
    if (text != null) made.textContent = text;
    return made;
  };
  const width = 640, high = 160, step = width / Math.max(8, dates.length);
  const svg = make("svg", { viewBox: `0 0 ${width} ${high + 24}`, width: "100%", role: "img", "aria-label": dates.map((date) => `${date}: ${Object.entries(days[date]).map(([kind, count]) => `${count} ${kind}`).join(", ")}`).join("; ") });
  dates.forEach((date, at) => {
    let top = high;
    kinds.forEach((kind, place) => {
      const height = ((days[date][kind] ?? 0) / most) * (high - 16);
      top -= height;
      if (height) svg.append(make("rect", { x: at * step + 2, y: top, width: step - 4, height, rx: 2, class: `s${place}` }));
    });
    svg.append(make("text", { x: at * step + step / 2, y: high + 16, "text-anchor": "middle" }, date.slice(5)));
    svg.append(make("text", { x: at * step + step / 2, y: top - 4, "text-anchor": "middle" }, kinds.reduce((sum, kind) => sum + (days[date][kind] ?? 0), 0)));
  });
  return svg;
}

// ---- around it

function setView(view) {
  state.view = view;
  if (state.group) showGroup(state.group);
}
async function setTab(tab) {
  state.tab = tab;
  [...$("tabs").children].forEach((it) => { it.setAttribute("aria-selected", String(it.dataset.tab === tab)); it.tabIndex = it.dataset.tab === tab ? 0 : -1; });
  $("decide-identical").hidden = tab !== "duplicate";
  $("filters").hidden = tab === "rejected" || tab === "statistics";
  await loadList().catch((error) => tell(error.message));
}

const KEYS = [
  [["j", "ArrowDown"], "next group", () => open(Math.min(state.at + 1, state.groups.length - 1), true)],
  [["k", "ArrowUp"], "previous group", () => open(Math.max(state.at - 1, 0), true)],
  [["d"], "all are copies", () => decide("duplicate")],
  [["n"], "none is a copy", () => decide("not_duplicate")],
  [["b"], "keep all of them", () => decide("keep_both")],
  [["u"], "undo", undo],
  [["ArrowRight", "l"], "compare the next image", () => step(1)],
  [["ArrowLeft", "h"], "compare the image before", () => step(-1)],
  [["v"], "side by side, swipe, blink", () => setView(VIEWS[(VIEWS.findIndex(([it]) => it === state.view) + 1) % VIEWS.length][0])],
  [["?"], "this help", () => $("help").showModal()],
];
function step(by) {
  const members = state.group?.members.length ?? 0;
  if (!members) return;
  state.member = (state.member + by + members) % members;
  showGroup(state.group);
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  if (event.target.matches?.("input")) return;
  if (event.target.closest?.("#tabs") && ["ArrowLeft", "ArrowRight"].includes(event.key)) return moveTab(event);
  if (/^[2-9]$/.test(event.key) && state.group?.members[event.key - 2]) return decide("keeper", state.group.members[event.key - 2].image);
  const found = KEYS.find(([keys]) => keys.includes(event.key));
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
$("keys").append(...KEYS.flatMap(([keys, told]) => [el("dt", {}, ...keys.map((it) => el("kbd", {}, it))), el("dd", {}, told)]), el("dt", {}, el("kbd", {}, "2"), "…", el("kbd", {}, "9")), el("dd", {}, "keep that image"));
$("help-button").addEventListener("click", () => $("help").showModal());
$("more").addEventListener("click", () => loadList(true).catch((error) => tell(error.message)));
$("decide-identical").addEventListener("click", () => decideIdentical().catch((error) => tell(error.message)));
$("filters").addEventListener("submit", (event) => event.preventDefault());
let filterTimer;
for (const id of ["prefix", "since", "identical"]) {
  $(id).addEventListener("input", () => { clearTimeout(filterTimer); filterTimer = setTimeout(() => loadList().catch((error) => tell(error.message)), 250); });
}
setTab("duplicate");
