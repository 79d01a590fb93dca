// Plots as SVG, drawn in the pixels that they get; each with its numbers in a table for whoever reads or copies them.

const SVG = "http://www.w3.org/2000/svg";
function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
const whole = (value) => value.toLocaleString("en", { maximumFractionDigits: 0 });
const short = (value) => value.toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 });
const monthDay = (date) => new Date(`${date}T00:00Z`).toLocaleDateString("en", { month: "short", day: "numeric", timeZone: "UTC" });

// The round step (1, 2 or 5 times a power of ten) of which a few reach `most`.
function roundStep(most, steps = 4) {
  const rough = Math.max(1, most / steps), power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find((it) => it * power >= rough);
}

// A panel with a plot of stacked bars, one a day. `series`: [{ name, shade, of: (day) => number }], with `one` where a name is plural.
function plotOfDays(title, told, days, series) {
  const hint = el("output.plot-hint", { "aria-hidden": "true" });
  const sums = series.map((it) => days.reduce((sum, day) => sum + it.of(day), 0));
  return el("section.panel", { "aria-label": title },
    el("div.plot-head", {}, el("div", {}, el("h3", {}, title), el("p.quiet", {}, told)),
      el("ul.legend", {}, ...series.map((it, at) => el("li", {}, el(`span.swatch.${it.shade}`), `${it.name} `, el("b", {}, short(sums[at])))))),
    sums.some((sum) => sum > 0) ? plotAsWideAsItsPlace((width) => drawDays(days, series, width, hint, title)) : el("p.nothing", {}, "Nothing in these thirty days."), hint,
    tableOf(["Day", ...series.map((it) => it.name)], days.filter((day) => series.some((it) => it.of(day))).map((day) => [day.day, ...series.map((it) => whole(it.of(day)))])));
}

function plotAsWideAsItsPlace(draw) {
  const place = el("div.plot", {}, svg("svg"));
  // A place that is not on the page, or no more, is 0 wide.
  new ResizeObserver(() => { if (place.clientWidth) place.firstChild.replaceWith(draw(place.clientWidth)); }).observe(place);
  return place;
}

function drawDays(days, series, width, hint, title) {
  const height = 170, left = 38, bottom = 22, top = 8, high = height - bottom - top;
  const sums = days.map((day) => series.reduce((sum, it) => sum + it.of(day), 0));
  const step = roundStep(Math.max(...sums)), most = Math.max(step, Math.ceil(Math.max(...sums) / step) * step);
  const across = (width - left) / days.length, y = (value) => top + high - (value / most) * high;
  const total = sums.reduce((sum, it) => sum + it, 0), best = sums.indexOf(Math.max(...sums));
  const drawn = svg("svg", { width, height, role: "img", "aria-label": `${title}: ${whole(total)} in thirty days, the most on ${monthDay(days[best].day)} (${whole(sums[best])}). The table below has all days.` });
  for (let value = 0; value <= most; value += step) {
    drawn.append(svg("line", { x1: left, x2: width, y1: y(value), y2: y(value), class: value ? "grid" : "axis" }),
      svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, short(value)));
  }
  const every = Math.ceil(days.length / Math.max(2, Math.floor((width - left) / 62)));
  days.forEach((day, at) => {
    const x = left + at * across, bar = svg("g", { class: "day" });
    bar.append(svg("rect", { x, y: top, width: across, height: high, class: "hit" }));
    let under = 0;
    for (const it of series) {
      const value = it.of(day);
      if (!value) continue;
      const tall = Math.max(1, y(under) - y(under + value));
      bar.append(svg("rect", { x: x + across * 0.14, y: y(under) - tall, width: across * 0.72, height: tall, class: it.shade }));
      under += value;
    }
    const say = () => { hint.textContent = `${monthDay(day.day)}: ${series.map((it) => `${whole(it.of(day))} ${it.of(day) === 1 && it.one ? it.one : it.name}`).join(", ")}`; };
    bar.addEventListener("pointerenter", say);
    bar.addEventListener("pointerleave", () => { hint.textContent = ""; });
    drawn.append(bar);
    if ((days.length - 1 - at) % every === 0) drawn.append(svg("text", { x: x + across / 2, y: height - 6, "text-anchor": at === days.length - 1 ? "end" : "middle" }, monthDay(day.day)));
  });
  return drawn;
}

// Bars that lie, the longest first: [[name, value]].
function lyingBars(title, told, rows, shade) {
  const most = Math.max(...rows.map(([, value]) => value));
  return el("section.panel", { "aria-label": title }, el("div", {}, el("h3", {}, title), el("p.quiet", {}, told)),
    rows.length
      ? el("table.lying", {}, el("tbody", {}, ...rows.map(([name, value]) => {
          const fill = el(`span.fill.${shade}`);
          fill.style.width = `${(100 * value) / most}%`;
          return el("tr", {}, el("th", { scope: "row" }, name), el("td.track", { "aria-hidden": "true" }, fill), el("td.value", {}, whole(value)));
        })))
      : el("p.nothing", {}, "None in these thirty days."));
}

// One bar of parts that make a whole: [{ name, shade, value }].
function partsOf(parts, label) {
  const total = parts.reduce((sum, it) => sum + it.value, 0);
  return el("div.parts", {},
    el("div.bar-of-parts", { role: "img", "aria-label": label }, ...parts.filter((it) => it.value).map((it) => {
      const part = el(`span.${it.shade}`);
      part.style.flexGrow = it.value / total;
      return part;
    })),
    el("ul.legend", {}, ...parts.map((it) => el("li", {}, el(`span.swatch.${it.shade}`), `${it.name} `, el("b", {}, whole(it.value))))));
}

function tableOf(head, rows) {
  return rows.length ? el("details.numbers-table", {}, el("summary", {}, "As a table"),
    el("table", {}, el("thead", {}, el("tr", {}, ...head.map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, ...rows.map(([first, ...rest]) => el("tr", {}, el("th", { scope: "row" }, first), ...rest.map((value) => el("td", {}, value))))))) : null;
}
