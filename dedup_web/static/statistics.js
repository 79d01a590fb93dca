// What the app has done, in numbers and plots.

async function showStatistics() {
  const [found, seen] = await Promise.all([read("stats"), read("precision")]);
  if (state.tab !== "statistics") return;
  plainTab("");
  const { days, ledger } = found, over = (of) => days.reduce((sum, day) => sum + of(day), 0);
  const counted = Object.values(found.images).reduce((sum, it) => sum + it, 0);
  const images = found.counted_all ? counted : ledger.images;
  const comparisons = over((day) => day.comparisons), saved = over((day) => day.reads_saved), reads = over((day) => day.reads);
  const failed = over((day) => day.comparisons_failed);
  const waiting = Object.values(found.queues).reduce((sum, it) => sum + it, 0), poison = Object.values(found.poison).reduce((sum, it) => sum + it, 0);
  const number = (value, name, more, kind = "") => el(`div.number${kind}`, {}, el("b", {}, value), el("span", {}, name), more ? el("small", {}, more) : null);
  $("group").replaceChildren(el("div.statistics", {},
    el("h2", {}, "Statistics"),
    el("div.numbers", {},
      number(whole(images), plural(images, "image"), found.counted_all ? statusesOf(found.images) : `${whole(counted)} of them counted: ${statusesOf(found.images)}`),
      number(whole(comparisons), plural(comparisons, "comparison"), "in thirty days"),
      number(reads + saved ? `${Math.round((100 * saved) / (reads + saved))} %` : "–", "of reads saved", `${whole(saved)} of ${whole(reads + saved)}`),
      number(comparisons + failed ? `${percent(comparisons, comparisons + failed)} %` : "–", "of comparisons gave numbers", failed ? `${whole(failed)} failed` : "none failed", failed ? ".warn" : ""),
      number(whole(waiting), waiting === 1 ? "message waits" : "messages wait", poison ? `${whole(poison)} failed on every try` : "none failed for good", poison ? ".go" : "")),
    coverage(ledger, found.counted_all),
    plotOfDays("Images", found.counted_all ? "By the day since when they are there" : `By the day since when they are there, estimated from ${whole(counted)} of them`, days, [{ name: "images", one: "image", shade: "s0", of: (day) => day.images }]),
    plotOfDays("Verdicts", "Pairs by the day of their verdict", days,
      [["identical", "s0"], ["duplicate", "s1"], ["altered", "s2"], ["color_variant", "s3"]].map(([kind, shade]) => ({ name: WORDS_OF_PAIRS[kind], shade, of: (day) => day.verdicts[kind] ?? 0 }))),
    plotOfDays("Reads for comparisons", "Each of the three metrics on its own would read both images of a pair", days,
      [{ name: "made", shade: "s4", of: (day) => day.reads }, { name: "saved", shade: "s5", of: (day) => day.reads_saved }]),
    plotOfDays("Decisions", "Pairs by the day of the last word of a person", days, [{ name: "decided", shade: "s3", of: (day) => day.decisions }]),
    seenByPeople(seen, over((day) => day.decisions)),
    lyingBars("Failures by reason", "Reads, decodings and measurements that failed", failuresOf(days), "s6")));
}

const WORDS_OF_PAIRS = { identical: "identical", duplicate: "duplicate", altered: "altered", color_variant: "other colors" };
function statusesOf(images) {
  const sums = new Map();
  for (const [status, count] of Object.entries(images)) sums.set(status.split(":")[0], (sums.get(status.split(":")[0]) ?? 0) + count);
  return [...sums].sort((a, b) => b[1] - a[1]).map(([name, count]) => `${whole(count)} ${name}`).join(", ");
}
// Never a round hundred where something is missing.
const percent = (part, all) => (part === all ? "100" : Math.min(99.9, (100 * part) / all).toFixed(1));

function failuresOf(days) {
  const sums = new Map();
  for (const day of days) for (const [reason, count] of Object.entries(day.failures_by_reason)) sums.set(reason, (sums.get(reason) ?? 0) + count);
  return [...sums].sort((a, b) => b[1] - a[1]).slice(0, 12);
}

function coverage(ledger, counted_all) {
  // What came after its part was looked at counts for nothing before the next look.
  const is_part = ledger.slices < ledger.all_slices || ledger.known > ledger.images;
  const looked_at = ledger.known > ledger.images ? `${whole(ledger.images)} of ${counted_all ? "" : "more than "}${many(ledger.known, "image")} looked at` : `of the ${many(ledger.images, "image")} looked at`;
  const told = !ledger.slices ? "The app looks at every image once a day; it has not begun yet."
    : `Every image once a day: in the index, and compared with its look-alikes. Looked at ${ledger.slices} of ${ledger.all_slices} parts, the first on ${day(ledger.oldest)}.${!is_part ? "" : ` ${ledger.slices < ledger.all_slices ? "The rest" : "What came since"} follows by itself within a day.`}`;
  const found = Object.entries(ledger.found).filter(([, count]) => count);
  const label = `${whole(ledger.complete)} of ${many(ledger.images, "image")} complete, ${whole(ledger.waiting)} waiting, ${whole(ledger.broken)} lacking something`;
  return el("section.panel", { "aria-label": "Coverage" },
    el("div.plot-head", {}, el("div", {}, el("h3", {}, "Coverage"), el("p.quiet", {}, told)),
      ledger.images ? el("div.shares", {}, el("b.share", {}, `${percent(ledger.complete, ledger.images)} %`),
        is_part ? el("p.quiet", {}, looked_at) : null) : null),
    ledger.images ? partsOf([{ name: "complete", shade: "s5", value: ledger.complete }, { name: "waiting", shade: "s2", value: ledger.waiting }, { name: "lacking something", shade: "s6", value: ledger.broken }], label) : null,
    found.length ? el("ul.reasons.found", {}, ...found.map(([what, count]) => el("li", {}, `${sentence(what)}: ${whole(count)}`))) : null);
}
