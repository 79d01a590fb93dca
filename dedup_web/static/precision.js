// What people have seen: how many pairs of each verdict were looked at, and how many were no copies.

function seenByPeople(found, decisions) {
  const total = found.seen.find((it) => it.verdict === "duplicate") ?? found.seen[0];
  const told = !total && decisions ? "All decisions are about pairs without a verdict, or about images that are no longer what they were."
    : !total ? "No decision is about images as they are now."
    : `Of ${many(total.denied.of, "pair")} called ${WORDS_OF_PAIRS[total.verdict] ?? total.verdict} that people looked at, ${whole(total.denied.count)} ${total.denied.count === 1 ? "was no copy" : "were not copies"} (95 %: ${shareText(total.denied.low)} to ${shareText(total.denied.high)}).`;
  return el(`section.panel`, { "aria-label": "Precision that people have seen" },
    el("h3", {}, "Precision that people have seen"),
    el("p.seen", {}, told, found.is_low ? " " : null, found.is_low ? el("strong.chip.go", {}, "below the setting") : null),
    total ? seenTable([...found.seen.map((it) => ["all", it]), ...partsSeen(found.months), ...partsSeen(found.folders)]) : null,
    kindsTable(found.kinds));
}

const shareText = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
const partsSeen = (parts) => (parts.length > 1 ? parts.flatMap((part) => part.seen.map((it) => [part.name, it])) : []);
// A table that may be wider than a phone is scrolled by keys, too.
const plainTable = (heads, rows) => el("div.scroll", { tabindex: "0", role: "group", "aria-label": heads.join(", ") }, el("table", {},
  el("thead", {}, el("tr", {}, ...heads.map((it) => el("th", { scope: "col" }, it)))),
  el("tbody", {}, ...rows.map((cells) => el("tr", {}, ...cells.map((it) => el("td", {}, it)))))));

function seenTable(rows) {
  const first = rows.some(([where]) => where !== "all") ? 0 : 1; // one folder and one month need no column
  return plainTable(["Where", "Verdict", "Looked at", "No copies", "95 %"].slice(first), rows.map(([where, it]) => [
    where, WORDS_OF_PAIRS[it.verdict] ?? it.verdict, whole(it.denied.of), whole(it.denied.count), `${shareText(it.denied.low)} to ${shareText(it.denied.high)}`].slice(first)));
}

// Whether the share of a kind of verdict drifts from month to month.
function kindsTable(kinds) {
  const months = Object.entries(kinds);
  if (months.length < 2) return null;
  const names = Object.keys(WORDS_OF_PAIRS);
  const rows = months.map(([month, of]) => {
    const sum = names.reduce((all, name) => all + (of[name] ?? 0), 0) || 1;
    return [month, ...names.map((name) => `${whole(of[name] ?? 0)} (${shareText((of[name] ?? 0) / sum)})`)];
  });
  return el("details", {}, el("summary", {}, "Kinds of verdicts by month"), plainTable(["Month", ...names.map((name) => WORDS_OF_PAIRS[name])], rows));
}
