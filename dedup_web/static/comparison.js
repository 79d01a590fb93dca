// How two images were compared: side by side, swiped, blinking or their difference, and the numbers with their limits.

function comparison(group, member) {
  if (!member) return "";
  const paths = pathsOfSides(group, member);
  const sides = [group.keeper, member.image].map((image, at) =>
    asLargeAsFits(load(el("img", { alt: `${nameOf(image)}, as it was compared` }), paths[at]), group.keeper));
  const [left, right] = member.unsure || group.pair ? ["first", "second"] : ["keeper", "copy"];
  const frames = state.view === "side" ? sides.map((picture) => el("div.frame", {}, picture)) : [el("div.frame", {}, ...sides)];
  frames.forEach(enlarging);
  const viewer = el(`div.viewer.${state.view}`, {}, ...frames, ...(!["side", "swipe"].includes(state.view) ? [] : [el("span.tag", { "aria-hidden": "true" }, left), el("span.tag.right", { "aria-hidden": "true" }, right)]));
  const slider = state.view === "swipe" ? swiping(viewer, sides[1]) : null;
  const measured = member.comparison;
  return el("section.panel", { id: "comparison", "aria-label": "How they were compared" },
    el("div.row", {}, el("h3", {}, el("bdi", {}, nameOf(group.keeper)), " against ", el("bdi", {}, nameOf(member.image))), el("span.grow"),
      ...VIEWS.map(([view, name]) => el("button", { type: "button", "data-key": view, "aria-pressed": String(state.view === view), onclick: () => setView(view) }, name)),
      el("button", { type: "button", id: "zoom", "data-key": "zoom", onclick: zoom }, "Zoom ", el("kbd", {}, "z"))),
    viewer, slider, state.view === "difference" ? el("p.quiet", {}, "Black where both show the same; what differs is shown three times as bright.") : null, group.members.length > 1 ? onlyThis(member) : null,
    measured ? el("ul.reasons", {}, ...measured.reasons.map((reason) => el("li", {}, reason.replaceAll("<=", "≤").replaceAll(">=", "≥")))) : null,
    measured ? bars(measured) : null);
}

const pathsOfSides = (group, member) => ["left", "right"].map((side) =>
  `pairs/${group.keeper.id}/${member.image.id}/aligned/${side}?v=${group.keeper.version}.${member.image.version}`);

// While people look at a group, once all of it is there, what they will compare next is fetched.
async function fetchNext(group) {
  const next = state.groups[state.at + 1], chosen = group.members[state.member];
  if (!next || !chosen) return;
  await Promise.allSettled(pathsOfSides(group, chosen).map((path) => pictures.get(path)));
  if (state.group?.id === group.id) for (const path of pathsOfSides(next, next.members[firstToDecide(next)])) load(new Image(), path);
}

function onlyThis(member) {
  const button = (act, name, letter) => el("button", { type: "button", "data-key": `only-${act}`, onclick: once(() => decideOne(act)) }, `${name} `, el("kbd", {}, `⇧${letter}`));
  return el("div.row.only", { role: "group", "aria-label": `Decide about ${nameOf(member.image)} only` },
    "Only this one:", button("duplicate", "A copy", "d"), button("not_duplicate", "Not a copy", "n"), button("keep_both", "Keep both", "b"));
}

const showComparison = () => $("comparison")?.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });

// The right picture is shown from the line on; the line follows the slider, or whoever drags in the picture.
function swiping(viewer, picture) {
  const line = el("div.line"), slider = el("input", { type: "range", "data-key": "slider", min: 0, max: 100, step: 0.5, value: 50, "aria-label": "Swipe between the two pictures" });
  const move = () => {
    picture.style.clipPath = `inset(0 0 0 ${slider.value}%)`;
    const box = picture.getBoundingClientRect();
    line.style.left = `${box.left - viewer.getBoundingClientRect().left + (box.width * slider.value) / 100}px`;
  };
  const drag = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    const box = picture.getBoundingClientRect();
    slider.value = (100 * (event.clientX - box.left)) / box.width;
    move();
  };
  viewer.append(line);
  viewer.addEventListener("pointerdown", (event) => { viewer.setPointerCapture(event.pointerId); drag(event); });
  viewer.addEventListener("pointermove", drag);
  viewer.addEventListener("dragstart", (event) => event.preventDefault());
  slider.addEventListener("input", move);
  picture.addEventListener("load", move);
  new ResizeObserver(move).observe(viewer);
  return slider;
}

// The longer side of what is compared is 512 pixels; its shape is nearly the keeper's until it is there.
function asLargeAsFits(picture, { width, height }) {
  const shape = (ratio) => Object.assign(picture.style, { width: `min(100%, ${56 * ratio}vh)`, aspectRatio: ratio });
  if (width && height) shape(width / height);
  picture.addEventListener("load", () => shape(picture.naturalWidth / picture.naturalHeight));
  return picture;
}

const ZOOMS = [1, 2, 4];
function zoom() {
  state.zoom = ZOOMS[(ZOOMS.indexOf(state.zoom) + 1) % ZOOMS.length];
  showSpot();
}
// Both pictures are enlarged at one spot, shares of their width and height.
function moveSpot(x, y) {
  state.spot = [x, y].map((share) => Math.max(0, Math.min(1, share)));
  showSpot();
}
function showSpot() {
  const viewer = $("comparison")?.querySelector(".viewer");
  if (!viewer) return;
  viewer.classList.toggle("zoomed", state.zoom > 1);
  for (const { style } of viewer.querySelectorAll("img")) {
    Object.assign(style, { transform: state.zoom > 1 ? `scale(${state.zoom})` : "", transformOrigin: state.spot.map((share) => `${100 * share}%`).join(" ") });
  }
  $("zoom").firstChild.textContent = state.zoom > 1 ? `Zoom ×${state.zoom} ` : "Zoom ";
  $("comparison").querySelector("[type=range]")?.dispatchEvent(new Event("input"));
}
// The spot is where the pointer is; a click there goes nearer, and from nearest back.
function enlarging(frame) {
  const follow = ({ clientX, clientY }) => {
    const box = frame.getBoundingClientRect(), picture = frame.firstChild;
    moveSpot((clientX - box.left - picture.offsetLeft) / picture.offsetWidth, (clientY - box.top - picture.offsetTop) / picture.offsetHeight);
  };
  frame.addEventListener("pointermove", (event) => { if (state.zoom > 1) follow(event); });
  frame.addEventListener("click", (event) => {
    if (state.view === "swipe") return;
    follow(event);
    zoom();
  });
}

// A reason names its number and its limit: "(correlation 0.96 >= 0.80)", "(0.7 <= 3.8)".
function bars(measured) {
  const found = [["Palette distance", measured.dominant_distance, 40], ["Pixel difference", measured.pixel_difference, 40],
    ["Histogram correlation", measured.histogram_correlation, 1]]
    .filter(([, value]) => value != null).map(([name, value, full]) => ({ name, value, full }));
  for (const reason of measured.reasons) {
    const match = reason.match(/^(.*?)\s*\([^()]*?(-?[\d.]+)(%?) (?:<=|>=|<|>) (-?[\d.]+)%?\)/);
    if (match) found.push({ name: sentence(match[1]).replace(/ after exposure and white balance| beyond exposure and white balance/, ""), value: +match[2], limit: +match[4], full: match[3] ? 100 : Math.max(1, 2 * +match[4], +match[2]) });
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
