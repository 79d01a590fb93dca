// Pairs that nobody has decided about and that lie near a threshold, 50 at a time; or one that a link names.

const AT_ONCE = 50;
let tune_seed = 0;

// The verdicts that people can deny, in the words of a question.
const TURNS = { duplicate: "a copy", identical: "identical", altered: "altered", color_variant: "another color", distinct: "no copy" };

async function showTune() {
  const named = location.hash.match(/^#pair=([0-9a-f]{32})-([0-9a-f]{32})$/);
  const found = await read(`telling?size=${AT_ONCE}&seed=${tune_seed++}`);
  if (named) found.unshift(await read(`pairs/${named[1]}/${named[2]}`));
  if (state.tab !== "tune") return;
  await showPairs(found.map(asGroup), found.length ? 0 : -1);
}

async function showPairs(groups, at) {
  showList(groups, { next_cursor: null, total: groups.length, decided: 0, matching: groups.length, bytes_to_gain: 0 });
  $("progress").replaceChildren(`${many(groups.length, "pair")} to decide, those that tell most`);
  await open(Math.min(at, groups.length - 1));
}

// A pair as a group of two, so that it is shown and decided as one.
function asGroup(pair) {
  const measured = pair.comparison;
  const verdict = measured?.verdict ?? "not compared";
  const turn = pair.turns_into && `Called ${TURNS[verdict] ?? verdict}; a little ${pair.distance < 0.3 ? "less or more" : "farther"} and it would be ${TURNS[pair.turns_into] ?? pair.turns_into}.`;
  return {
    id: `${pair.left.id}-${pair.right.id}`, pair: [pair.left.id, pair.right.id], verdict, identical: false, keeper: pair.left, why: [], ask: turn || "Is one of them a copy of the other?",
    members: [{ image: pair.right, decided: pair.decided, decided_before: null, may_go: false, comparison: measured }],
    decided: pair.decided !== null, bytes_to_gain: 0, newest_at: measured?.verified_at,
  };
}

async function decidePair(group, act, keeper) {
  const [left, right] = group.pair;
  const done = [await send(`pairs/${left}/${right}/decision`, keeper ? { act, keeper: keeper.id } : { act })];
  state.undo.push({ pairs: done, group, at: state.at });
  tell(`${keeper ? `${nameOf(keeper)} is the one to keep.` : `Decided: ${WORDS[act]}.`} Press u to undo.`);
  if (state.tab !== "tune") return;
  const rest = state.groups.filter((it) => it !== group);
  await (rest.length ? showPairs(rest, state.at) : showTune());
}

async function backToPair(last) {
  if (!last.group) return showTune();
  const groups = [...state.groups];
  groups.splice(last.at, 0, last.group);
  await showPairs(groups, last.at);
}
