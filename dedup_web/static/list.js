// The list of groups, and how much of it is decided.

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
