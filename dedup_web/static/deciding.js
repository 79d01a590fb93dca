// Deciding and taking back.

// One after the other, however fast keys are pressed: each finds the list as the one before has left it, and is about
// what was shown when its key was pressed.
let last_act = Promise.resolve();
function inOrder(act) {
  let before = told;
  const done = unlessLeft(last_act).then(() => { before = told; return act(); }).catch((error) => tell(error.message));
  // What was decided stays told, with its Undo, while the next group is slow to come.
  last_act = saying(done, () => { if (told === before) tell("The app has not answered yet…"); });
  return last_act;
}
const asked = new WeakSet(); // groups whose decision is under way: a key that is struck twice is not about the next one
function decide(act, keeper = null, only = null) {
  const group = state.groups[state.at], tab = state.tab;
  if (!group || asked.has(group)) return undefined;
  const shown = state.group?.id === group.id ? state.group : group; // what is open may be newer than its place in the list
  asked.add(group);
  return inOrder(() => decideNow(group, shown, tab, act, keeper, only).finally(() => asked.delete(group)));
}
// The second click of a double click would be about the group that took the place of the first one's.
const once = (act) => (event) => { if (event.detail < 2) act(); };
const decidesOnce = (act, keeper) => once(() => decide(act, keeper));

const decideOne = (act) => { if (state.group) decide(act, null, state.group.members[state.member]); };
// Where people have decided about some of them already, the others are meant.
const restOf = (group) => (group.members.some((it) => it.decided) ? group.members.filter((it) => !it.decided) : []);

async function decideNow(group, shown, tab, act, keeper, only) {
  if (group.pair) return decidePair(group, act, keeper);
  const showAnew = () => tab === state.tab && showGroupAnew(group);
  const some = only ? [only] : keeper ? [] : restOf(shown);
  if (some.length) await decideEach(shown, some, act, showAnew);
  else remember({ pairs: await asShown(shown, `groups/${group.id}/decision`, act, keeper, showAnew) });
  const unsure = act === "duplicate" && (only ?? group).unsure ? " What is unsure stays until you choose the one to keep." : "";
  const said = keeper ? `${nameOf(keeper)} is the one to keep.` : `${only ? nameOf(only.image) : "Decided"}: ${WORDS[act]}.${unsure}`;
  tell(said, true);
  const goesOn = (it) => some.length && (it.id === group.id || it.keeper.id === group.keeper.id);
  if (tab === state.tab) await afterDeciding(group, said, goesOn);
}
async function decideEach(shown, members, act, showAnew) {
  const pairs = [];
  try {
    await inTurn(members, async (member) => {
      pairs.push(await send(`pairs/${shown.keeper.id}/${member.image.id}/decision`, { act, shown: member.shown }));
    });
  } catch (error) {
    throw await refused(error, shown, showAnew);
  } finally {
    if (pairs.length) remember({ pairs });
  }
}
function remember(done) {
  state.undo.push(done);
  if ($("act-undo")) $("act-undo").disabled = false;
}

// What is decided is about what is shown: of what changed meanwhile, or somebody else has decided about, the app
// refuses it, and it is shown anew.
async function asShown(shown, path, act, keeper, showAnew) {
  try {
    return await send(path, { act, shown: shown.shown, ...(keeper && { keeper: keeper.id }) });
  } catch (error) {
    throw await refused(error, shown, showAnew);
  }
}
async function refused(error, shown, showAnew) {
  if (error.status === 409) await showAnew();
  if (state.group?.id !== shown.id) error.message = `${nameOf(shown.keeper)}: ${error.message}`;
  return error;
}

// In the list of what is decided it is about what is shown there, and elsewhere about what was decided here last.
function undo() {
  const group = state.groups[state.at];
  if (state.tab !== "decided") return undoLast(group);
  if (!group || asked.has(group)) return undefined;
  asked.add(group);
  return inOrder(() => undoShown(group).finally(() => asked.delete(group)));
}
const undoLast = (group = state.groups[state.at]) => inOrder(() => {
  if (state.undo.length) return takeBack(state.undo.at(-1), group);
  return group?.decided ? undoShown(group) : tell("There is nothing to undo");
});
// What is taken back where it is listed may be the word of anybody.
function undoShown(group) {
  const pairs = group.members.filter((it) => it.decided).map((it) => ({ left: group.keeper.id, right: it.image.id, decided: it.decided }));
  return takeBack({ pairs }, group, ` of ${[...new Set(pairs.map((pair) => pair.decided.by || "a person"))].join(" and ")}`);
}

async function takeBack(last, group, whose = "") {
  const left = new Set(last.pairs), refused = [], ids = new Set(last.pairs.flatMap((pair) => [pair.left, pair.right]));
  try {
    await inTurn(last.pairs, async (pair) => {
      try {
        await send(`pairs/${pair.left}/${pair.right}/decision`, { act: "undo", undoes: pair.decided });
      } catch (error) {
        if (error.status !== 409) throw error;
        refused.push(error.message); // the word of somebody else holds by now
      }
      left.delete(pair);
    });
  } finally {
    if (left.size) last.pairs = [...left]; // to be tried again
    else if (last === state.undo.at(-1)) state.undo.pop();
  }
  const count = last.pairs.length - refused.length;
  const done = count > 1 ? `Took back ${many(count, "decision")}${whose}` : `Took the decision${whose} back`;
  const said = [...(count ? [done] : []), ...refused.slice(0, 1), ...(refused.length > 1 ? [`${many(refused.length, "decision")} hold in all`] : [])].join(". ");
  tell(said);
  if (state.tab === "tune") return backToPair(last);
  await afterDeciding(group, `${said}.`, (it) => ids.has(it.keeper.id) && it.members.some((member) => ids.has(member.image.id)));
}

// Where it is in the list now; another one that takes its place is not to be taken for it.
async function showGroupAnew(group) {
  await afterDeciding(group, "Nothing was decided.", (it) => it.id === group.id);
  if (isList() && !state.groups.some((it) => it.id === group.id)) {
    throw new Error(`Nothing was decided: ${nameOf(group.keeper)} is decided by somebody else, or in no such group any more. ${state.groups.length ? "Another group is shown now." : ""}`);
  }
}

// What is wanted is shown, or what took the place of the group; but whoever looks at another one by now goes on with it.
async function afterDeciding(group, said, isWanted = () => false) {
  const isElsewhere = () => state.group && state.group.id !== group?.id;
  if (!isElsewhere()) reading.abort(); // a group that is decided is there no more
  if (!isList()) return;
  const is_anew = await reloadList().catch((error) => { throw new Error(`${said} The list could not be read anew. ${error.message}`); });
  if (!is_anew || (isElsewhere() && state.groups[state.at]?.id === state.group.id)) return;
  const place = state.groups.findIndex(isWanted);
  await open(Math.min(Math.max(place < 0 ? state.at : place, 0), state.groups.length - 1), true);
}

async function inTurn(things, work, at_once = 4) {
  const left = [...things];
  const ended = await Promise.allSettled(Array.from({ length: at_once }, async () => {
    while (left.length) {
      try {
        await work(left.shift());
      } catch (error) {
        left.length = 0; // what has begun ends, and nothing more begins
        throw error;
      }
      if (things.length > 20 && left.length % 20 === 0) tell(`${(things.length - left.length).toLocaleString("en")} of ${things.length.toLocaleString("en")}`);
    }
  }));
  const failed = ended.find((it) => it.status === "rejected");
  if (failed) throw failed.reason;
}

// What somebody wanted to stay is decided about where it is seen, and not among all others.
async function decideIdentical() {
  const found = [];
  let wished = 0;
  for (let cursor = null; ;) {
    const wanted = new URLSearchParams({ verdict: "duplicate", identical: "true", size: 200 });
    narrow(wanted);
    if (cursor) wanted.set("cursor", cursor);
    const page = await read(`groups?${wanted}`);
    const free = page.groups.filter((group) => group.members.every((member) => member.may_go));
    found.push(...free);
    wished += page.groups.length - free.length;
    if (!(cursor = page.next_cursor)) break;
  }
  const left = wished ? `${many(wished, "group")} in which somebody wanted an image to stay ${wished === 1 ? "is" : "are"} left: look at ${wished === 1 ? "it" : "each"}. ` : "";
  if (!found.length) return tell(left || "No group of identical files is left to decide");
  const gain = found.reduce((sum, group) => sum + group.bytes_to_gain, 0);
  if (!await isSure(`Decide ${many(found.length, "group")} of identical files as copies?`, `That is ${bytes(gain)} to gain. ${left}Nothing is deleted, and one undo takes all of it back.`)) return;
  const pairs = [];
  let changed = 0, said = "";
  try {
    await inTurn(found, (group) => asShown(group, `groups/${group.id}/decision`, "duplicate", null, () => {})
      .then((done) => pairs.push(...done), (error) => { if (error.status !== 409) throw error; changed += 1; }));
    said = `Decided ${many(found.length - changed, "group")}.${changed ? ` ${many(changed, "group")} changed meanwhile: look at what is left.` : ""}`;
    tell(said, true);
  } catch (error) { tell(said = error.message); } finally {
    if (pairs.length) remember({ pairs });
    await afterDeciding(undefined, said);
  }
}

function isSure(title, text) {
  $("sure-title").textContent = title;
  $("sure-text").textContent = text;
  $("sure").returnValue = "";
  $("sure").showModal();
  return new Promise((answer) => $("sure").addEventListener("close", () => answer($("sure").returnValue === "yes"), { once: true }));
}
