// What the app has done, in numbers and plots.

async function showStatistics() {
  const found = await read("stats");
  plainTab("");
  const number = (name, value) => el("div.number", {}, el("b", {}, typeof value === "number" ? value.toLocaleString("en", { maximumFractionDigits: 2 }) : value), el("span", {}, name));
  const waiting = Object.values(found.queues).reduce((sum, it) => sum + it, 0);
  const failures = Object.entries(found.totals.failures_by_reason ?? {});
  $("group").replaceChildren(el("h2", {}, "Statistics"),
    el("div.numbers", {}, ...Object.entries(found.images).map(([name, count]) => number(found.counted_all ? name : `${name}, of the first ${Object.values(found.images).reduce((sum, it) => sum + it, 0).toLocaleString("en")}`, count)),
      ...(found.counted_all ? [] : [number("images in all", found.images_known)]), number("waiting in queues", waiting),
      number("comparisons today", found.totals.comparisons_performed ?? 0), number("reads saved today", found.reads_saved),
      number("success rate", found.totals.success_rate ?? 1)),
    el("section.panel", {}, el("h3", {}, "Groups by the day of their newest verdict"), chart(found.groups_by_day)),
    failures.length ? el("section.panel", {}, el("h3", {}, "Failures today"), el("table", {}, el("tbody", {}, ...failures.map(([reason, count]) => el("tr", {}, el("th", { scope: "row" }, reason), el("td", {}, String(count))))))) : "");
}

function chart(days) {
  const dates = Object.keys(days).slice(-30), kinds = ["duplicate", "altered", "color_variant", "not_duplicate"];
  if (!dates.length) return el("p", {}, "No groups yet.");
  const most = Math.max(...dates.map((date) => kinds.reduce((sum, kind) => sum + (days[date][kind] ?? 0), 0)));
  const make = (tag, attributes, text) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
    if (text != null) made.textContent = text;
    return made;
  };
  const width = 640, high = 160, step = width / Math.max(8, dates.length);
  const svg = make("svg", { viewBox: `0 0 ${width} ${high + 24}`, width: "100%", role: "img", "aria-label": dates.map((date) => `${date}: ${Object.entries(days[date]).map(([kind, count]) => `${count} ${kind}`).join(", ")}`).join("; ") });
  dates.forEach((date, at) => {
    let top = high;
    kinds.forEach((kind, place) => {
      const height = ((days[date][kind] ?? 0) / most) * (high - 16);
      top -= height;
      if (height) svg.append(make("rect", { x: at * step + 2, y: top, width: step - 4, height, rx: 2, class: `s${place}` }));
    });
    svg.append(make("text", { x: at * step + step / 2, y: high + 16, "text-anchor": "middle" }, date.slice(5)));
    svg.append(make("text", { x: at * step + step / 2, y: top - 4, "text-anchor": "middle" }, kinds.reduce((sum, kind) => sum + (days[date][kind] ?? 0), 0)));
  });
  return svg;
}
