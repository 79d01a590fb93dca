// Deciding and taking back.

// One after the other, however fast keys are pressed: each finds the list as the one before has left it.
let last_act = Promise.resolve();
function inOrder(act) {
  last_act = last_act.then(act).catch((error) => tell(error.message));
  return last_act;
}
const decide = (act, keeper = null) => inOrder(() => decideNow(act, keeper));
const undo = () => inOrder(undoNow);

async function decideNow(act, keeper) {
  const group = state.groups[state.at], tab = state.tab;
  if (!group) return;
  if (group.pair) return decidePair(group, act, keeper);
  const done = await send(`groups/${group.id}/decision`, keeper ? { act, keeper: keeper.id } : { act });
  state.undo.push({ pairs: done });
  tell(act === "keeper" ? `${nameOf(keeper)} is the one to keep.` : `Decided: ${WORDS[act]}.${act === "duplicate" && group.unsure ? " What is unsure stays until you choose the one to keep." : ""}`, true);
  if (tab === state.tab) await afterDeciding();
}

async function undoNow() {
  let last = state.undo.pop();
  const group = state.groups[state.at];
  if (!last && group?.decided) last = { pairs: group.members.filter((it) => it.decided).map((it) => ({ left: group.keeper.id, right: it.image.id })) };
  if (!last?.pairs.length) return tell("There is nothing to undo");
  await inTurn(last.pairs, (pair) => send(`pairs/${pair.left}/${pair.right}/decision`, { act: "undo" }));
  tell(last.pairs.length > 1 ? `Took back ${many(last.pairs.length, "decision")}` : "Took the decision back");
  if (state.tab === "tune") return backToPair(last);
  await afterDeciding();
}

// The next group takes the place of the one that was decided.
async function afterDeciding() {
  reading.abort(); // a group that is decided is there no more
  if (!isList()) return;
  const at = state.at;
  if (await reloadList()) await open(Math.min(at < 0 ? 0 : at, state.groups.length - 1), true);
}

async function inTurn(things, work, at_once = 4) {
  const left = [...things];
  await Promise.all(Array.from({ length: at_once }, async () => {
    while (left.length) {
      await work(left.shift());
      if (things.length > 20 && left.length % 20 === 0) tell(`${(things.length - left.length).toLocaleString("en")} of ${things.length.toLocaleString("en")}`);
    }
  }));
}

async function decideIdentical() {
  const found = [];
  for (let cursor = null; ;) {
    const wanted = new URLSearchParams({ verdict: "duplicate", identical: "true", size: 200 });
    narrow(wanted);
    if (cursor) wanted.set("cursor", cursor);
    const page = await read(`groups?${wanted}`);
    found.push(...page.groups);
    if (!(cursor = page.next_cursor)) break;
  }
  if (!found.length) return tell("No group of identical files is left to decide");
  const gain = found.reduce((sum, group) => sum + group.bytes_to_gain, 0);
  if (!await isSure(`Decide ${many(found.length, "group")} of identical files as copies?`, `That is ${bytes(gain)} to gain. Nothing is deleted, and one undo takes all of it back.`)) return;
  const pairs = [];
  try {
    await inTurn(found, async (group) => pairs.push(...(await send(`groups/${group.id}/decision`, { act: "duplicate" }))));
    tell(`Decided ${many(found.length, "group")}.`, true);
  } catch (error) { tell(error.message); } finally {
    if (pairs.length) state.undo.push({ pairs });
    await afterDeciding();
  }
}

function isSure(title, text) {
  $("sure-title").textContent = title;
  $("sure-text").textContent = text;
  $("sure").returnValue = "";
  $("sure").showModal();
  return new Promise((answer) => $("sure").addEventListener("close", () => answer($("sure").returnValue === "yes"), { once: true }));
}
