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
