// How two images were compared: side by side, swiped, blinking, and the numbers with their limits.

function comparison(group, member) {
  if (!member) return "";
  const base = `pairs/${group.keeper.id}/${member.image.id}/aligned`;
  const version = `?v=${group.keeper.version}.${member.image.version}`;
  const sides = ["left", "right"].map((side) =>
    load(el("img", { alt: side === "left" ? `${nameOf(group.keeper)}, as it was compared` : `${nameOf(member.image)}, as it was compared` }), `${base}/${side}${version}`));
  const viewer = el(`div.viewer.${state.view}`, {}, ...sides);
  let slider = null;
  if (state.view === "swipe") {
    const line = el("div.line");
    viewer.append(line);
    const move = (value) => {
      sides[1].style.clipPath = `inset(0 0 0 ${value}%)`;
      const left = sides[1].offsetLeft + (sides[1].width * value) / 100;
      line.style.left = `${left}px`;
    };
    slider = el("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": "Swipe between the two pictures", oninput: (event) => move(event.target.value) });
    sides[1].addEventListener("load", () => move(slider.value));
  }
  const measured = member.comparison;
  return el("section.panel", { "aria-label": "How they were compared" },
    el("div.row", {}, el("h3", {}, `${nameOf(group.keeper)} against ${nameOf(member.image)}`), el("span.grow"),
      ...VIEWS.map(([view, name]) => el("button", { type: "button", "aria-pressed": String(state.view === view), onclick: () => setView(view) }, name))),
    viewer, slider,
    measured ? el("ul.reasons", {}, ...measured.reasons.map((reason) => el("li", {}, reason))) : null,
    measured ? bars(measured) : null);
}

// A reason names its number and its limit: "(correlation 0.96 >= 0.80)", "(0.7 <= 3.8)".
function bars(measured) {
  const found = [["Palette distance", measured.dominant_distance, 40], ["Pixel difference", measured.pixel_difference, 40],
    ["Histogram correlation", measured.histogram_correlation, 1]]
    .filter(([, value]) => value != null).map(([name, value, full]) => ({ name, value, full }));
  for (const reason of measured.reasons) {
    const match = reason.match(/^(.*?)\s*\([^()]*?(-?[\d.]+)(%?) (?:<=|>=|<|>) (-?[\d.]+)%?\)/);
    if (match) found.push({ name: match[1].replace(/ after exposure and white balance| beyond exposure and white balance/, ""), value: +match[2], limit: +match[4], full: match[3] ? 100 : Math.max(1, 2 * +match[4], +match[2]) });
  }
  return el("div.bars", {}, ...found.map(({ name, value, limit, full }) => {
    const fill = el("span.fill"), track = el("span.track", { "aria-hidden": "true" }, fill);
    fill.style.width = `${Math.max(0, Math.min(100, (100 * value) / full))}%`;
    if (limit != null) {
      const mark = el("span.limit");
      mark.style.left = `${Math.min(100, (100 * limit) / full)}%`;
      track.append(mark);
    }
    return el("div.bar", {}, el("span", {}, name), track, el("output", { title: limit == null ? "" : `limit ${limit}` }, String(Math.round(value * 100) / 100)));
  }));
}
