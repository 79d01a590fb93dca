// The list of groups, and how much of it is decided.

const PAGE = 40, LARGEST_PAGE = 200;

function query(cursor, size = PAGE) {
  const wanted = new URLSearchParams({ size });
  if (state.tab === "decided") wanted.set("state", "decided");
  else wanted.set("verdict", state.tab);
  narrow(wanted);
  if (cursor) wanted.set("cursor", cursor);
  return `groups?${wanted}`;
}
function narrow(wanted) {
  for (const id of ["name", "since"]) if ($(id).value) wanted.set(id, $(id).value);
  if (isIdenticalOnly()) wanted.set("identical", "true");
}
const isList = () => !["tune", "rejected", "statistics"].includes(state.tab);
const hasIdentical = () => state.tab === "duplicate" || state.tab === "decided";
const isIdenticalOnly = () => hasIdentical() && $("identical").checked;
const isFiltered = () => isList() && Boolean($("name").value || $("since").value || isIdenticalOnly());

// What the list shows is asked for by tab, filter and decision, faster than answers come: only the newest is shown.
let newest_question = 0;

async function loadList() {
  const question = ++newest_question;
  state.cursor = null; // nothing more of what is listed now
  writeAddress();
  if (state.tab === "rejected") return showRejected();
  if (state.tab === "statistics") return showStatistics();
  if (state.tab === "tune") return showTune();
  const page = await saying(read(query(null)), () => {
    if (!$("group").childElementCount) showNothing("Looking…", "An app that has slept takes some seconds to answer.");
  });
  if (question !== newest_question) return;
  showList(page.groups, page);
  const place = await placeNamed(page, question);
  if (question === newest_question) await open(place);
}

let continued_question = null;
async function loadMore() {
  const question = newest_question;
  if (!state.cursor || continued_question === question) return;
  continued_question = question;
  try {
    const page = await read(query(state.cursor));
    if (question === newest_question) showList([...state.groups, ...page.groups], page);
  } finally { if (continued_question === question) continued_question = null; }
}

const endOfList = new IntersectionObserver((entries) => {
  if (entries.at(-1).isIntersecting) loadMore().catch((error) => tell(error.message));
}, { rootMargin: "400px" });

// As many groups as before, read anew; whether they are what is shown now.
async function reloadList() {
  const question = ++newest_question, wanted = Math.max(PAGE, state.groups.length), groups = [];
  const rest = state.cursor;
  state.cursor = null;
  let page, cursor = null;
  try {
    do {
      page = await read(query(cursor, Math.min(LARGEST_PAGE, wanted - groups.length)));
      groups.push(...page.groups);
      cursor = page.next_cursor;
      if (question !== newest_question) return false;
    } while (cursor && groups.length < wanted);
  } catch (error) {
    if (question === newest_question) state.cursor = rest; // what is listed stays, and goes on
    throw error;
  }
  showList(groups, page);
  return true;
}

// What stands there already stays, so that nothing jumps and no picture is asked for twice.
function showList(groups, page) {
  const before = new Map([...$("list").children].map((item) => [item.dataset.key, item]));
  groups = [...new Map(groups.map((group) => [group.id, group])).values()]; // one that moved is on two pages
  const opened = state.groups[state.at]?.id, place = groups.findIndex((group) => group.id === opened);
  if (place >= 0) state.at = place;
  state.groups = groups;
  state.cursor = page.next_cursor;
  state.total = page.total;
  const items = groups.map((group) => before.get(keyOf(group)) ?? listItem(group)), kept = new Set(items);
  for (const item of before.values()) if (!kept.has(item)) item.remove();
  items.forEach((item, at) => { if ($("list").children[at] !== item) $("list").insertBefore(item, $("list").children[at] ?? null); });
  $("more").hidden = !page.next_cursor;
  // Told anew: an end that stays in sight while the list is asked for is told of once.
  endOfList.unobserve($("more"));
  endOfList.observe($("more"));
  document.body.classList.toggle("plain", !groups.length);
  showProgress(page);
  markCurrent();
}
const keyOf = (group) => [group.id, group.keeper.id, group.keeper.version, group.members.length, group.bytes_to_gain].join();

function showProgress(page) {
  if (state.tab === "decided") return $("progress").replaceChildren(`${page.matching.toLocaleString("en")} decided`);
  const gain = page.bytes_to_gain ? ` · ${bytes(page.bytes_to_gain)} to gain` : "";
  $("progress").replaceChildren(
    el("progress", { max: Math.max(1, page.total), value: page.decided, "aria-label": "Groups decided" }),
    `${page.decided.toLocaleString("en")} of ${many(page.total, "group")} decided${gain}`);
}

function listItem(group) {
  const images = [group.keeper, ...group.members.map((member) => member.image)];
  const more = group.pair ? ` · ${WORDS[group.verdict] ?? group.verdict}` : group.identical ? " · identical" : group.bytes_to_gain ? ` · ${bytes(group.bytes_to_gain)}` : "";
  const item = el("li", {}, el("button", { type: "button", title: nameOf(group.keeper), onclick: () => open(state.groups.findIndex((it) => it.id === group.id), true) },
    el("span.strip", { "aria-hidden": "true" }, ...images.slice(0, 3).map((image) => lateThumb(image))),
    el("div", {}, el(isFromTheRight(nameOf(group.keeper)) ? "span.name.mirrored" : "span.name", {}, el("bdi", {}, nameOf(group.keeper))), el("span.meta", {}, many(images.length, "image") + more))));
  item.dataset.key = keyOf(group);
  return item;
}

function markCurrent() {
  $("list").querySelector("[aria-current]")?.removeAttribute("aria-current");
  $("list").children[state.at]?.firstChild.setAttribute("aria-current", "true");
}
