// The address says what is shown, so that a reload, a bookmark and whoever is given it find the same.

const WRITTEN_AFTER = 300; // milliseconds: a browser refuses many changes in a row, as by a key that is held
let named = {}; // what the address named when it was opened: a tab, and a pair or group in it

function readAddress() {
  clearTimeout(writing);
  const said = new URLSearchParams(location.hash.slice(1)), pair = said.get("pair")?.match(/^[0-9a-f]{32}-[0-9a-f]{32}$/)?.[0].split("-");
  const tab = pair ? "tune" : TABS.map(([it]) => it).find((it) => it === said.get("tab")) ?? "duplicate";
  for (const id of ["name", "since"]) $(id).value = said.get(id) ?? "";
  $("identical").checked = said.has("identical");
  named = { tab, pair, group: said.get("group")?.match(/^[0-9a-f]{32}-[a-z_]+$/)?.[0] };
  setTab(tab);
}

let writing;
function writeAddress() {
  clearTimeout(writing);
  writing = setTimeout(() => history.replaceState(null, "", `#${shown()}`), WRITTEN_AFTER);
}
function shown() {
  const open = state.groups[state.at];
  if (open?.pair) return `pair=${open.pair.join("-")}`;
  const said = new URLSearchParams({ tab: state.tab });
  if (isList()) narrow(said);
  if (isList() && open) said.set("group", open.id);
  return said;
}

// Where the group is that the address names: it may be far down, or decided by now.
async function placeNamed(page, question) {
  const { group } = named;
  named.group = null;
  if (group && !state.groups.some(({ id }) => id === group)) {
    const found = await read(`groups/${group}`).catch((error) => {
      if (error.status !== 409) throw error;
      tell("The group that the address names is there no more");
    });
    if (question !== newest_question) return null;
    if (found) showList([found, ...state.groups], page);
  }
  return Math.max(state.groups.findIndex(({ id }) => id === group), state.groups.length ? 0 : -1);
}

// The link to a part of the page ("Skip to the group") says nothing of what is shown.
addEventListener("hashchange", () => { if (location.hash.includes("=")) readAddress(); });
