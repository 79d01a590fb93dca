// Pairs that nobody has decided about and that lie near a threshold, 50 at a time; or first one that the address names.

const AT_ONCE = 50;
let tune_seed = 0;

// The verdicts that people can deny, in the words of a question.
const TURNS = { duplicate: "a copy", identical: "identical", altered: "altered", color_variant: "another color", distinct: "no copy" };

async function showTune() {
  const seed = tune_seed++;
  let found = await read(`telling?size=${AT_ONCE}&seed=${seed}`);
  const first = await pairNamed();
  if (first) found = [first, ...found.filter((it) => ![it.left.id, it.right.id].every((id) => [first.left.id, first.right.id].includes(id)))];
  const progress = found.length ? null : await read(`tuning?seed=${seed}`);
  if (state.tab !== "tune") return;
  await showPairs(found.map(asGroup), found.length ? 0 : -1);
  if (progress) showNothing(...whyNoPair(progress));
}

async function pairNamed() {
  return named.pair && read(`pairs/${named.pair.join("/")}`).catch((error) => {
    if (error.status !== 404) throw error;
    tell("The pair that the address names is not there (any more)");
    return null;
  });
}

// Why no pair is left to ask about, how far tuning has come, and what can be done.
function whyNoPair({ copies, others, needed, needed_of_either, near_decided, far_grouped, all_looked_at }) {
  const why = !near_decided ? "No pair lies near a threshold"
    : near_decided === 1 ? "The only pair near a threshold is decided" : `All ${many(near_decided, "pair")} near a threshold are decided`;
  const what = "This tab asks about pairs that a somewhat stricter or looser setting would judge otherwise.";
  const made = `${many(copies, "decision")} “a copy” and ${others.toLocaleString("en")} “not a copy”`;
  if (copies + others >= needed && Math.min(copies, others) >= needed_of_either) {
    return [why, what, `There are ${made}, which is enough: run dedup tune.`];
  }
  return [why, what, `The command dedup tune needs ${needed} decisions, at least ${needed_of_either} of either kind. It has ${made}.`,
    !all_looked_at ? "Not all pairs were looked at: open this tab again to look at others."
      : far_grouped ? "Decide about more groups in Copies, Altered and Other colors: that counts, too. Identical files do not count, because no setting matters to them."
      : "Pairs appear here as more images that look alike arrive and are compared."];
}

async function showPairs(groups, at, focus = false) {
  showList(groups, { next_cursor: null, total: groups.length, decided: 0, matching: groups.length, bytes_to_gain: 0 });
  $("progress").replaceChildren(groups.length ? `${many(groups.length, "pair")} to decide, those that tell most` : "No pair to decide");
  if (at !== null) await open(Math.min(at, groups.length - 1), focus);
}

// A pair as a group of two, so that it is shown and decided as one.
function asGroup(pair) {
  const measured = pair.comparison;
  const verdict = measured?.verdict ?? "not compared";
  const turn = pair.turns_into && `Called ${TURNS[verdict] ?? verdict}; a little ${pair.distance < 0.3 ? "less or more" : "farther"} and it would be ${TURNS[pair.turns_into] ?? pair.turns_into}.`;
  return {
    id: `${pair.left.id}-${pair.right.id}`, pair: [pair.left.id, pair.right.id], verdict, identical: false, keeper: pair.left, why: [], ask: turn || "Is one of them a copy of the other?",
    members: [{ image: pair.right, decided: pair.decided, decided_before: null, may_go: false, comparison: measured }],
    decided: pair.decided !== null, bytes_to_gain: 0, newest_at: measured?.verified_at, shown: pair.shown,
  };
}

async function decidePair(group, act, keeper) {
  const [left, right] = group.pair;
  const done = [await asShown(group, `pairs/${left}/${right}/decision`, act, keeper, () => showPairAnew(group))];
  const at = state.groups[state.at] === group ? state.at : null; // null: whoever looks at another one by now
  remember({ pairs: done, group, at: Math.max(0, state.groups.indexOf(group)) });
  tell(keeper ? `${nameOf(keeper)} is the one to keep.` : `Decided: ${WORDS[act]}.`, true);
  if (state.tab !== "tune") return;
  const rest = state.groups.filter((it) => it !== group);
  await (rest.length ? showPairs(rest, at, true) : showTune());
}

async function showPairAnew(group) {
  const anew = asGroup(await read(`pairs/${group.pair.join("/")}`));
  if (state.tab === "tune") await showPairs(state.groups.map((it) => (it === group ? anew : it)), state.groups[state.at] === group ? state.at : null);
}

async function backToPair(last) {
  if (!last.group) return showTune();
  const groups = [...state.groups];
  groups.splice(last.at, 0, last.group);
  await showPairs(groups, last.at);
}
