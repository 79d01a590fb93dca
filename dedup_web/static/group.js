// One group: its images side by side, and what differs.

let reading = new AbortController(); // the whole of what is open
async function open(at, focus = false) {
  reading.abort();
  const { signal } = (reading = new AbortController());
  state.at = at;
  state.member = state.groups[at] ? firstToDecide(state.groups[at]) : 0;
  state.group = null;
  state.zoom = 1;
  state.spot = [0.5, 0.5];
  markCurrent();
  writeAddress();
  $("list").children[at]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  if (at < 0 || !state.groups[at]) return showEmpty(focus);
  const group = state.groups[at];
  showGroup(group);
  const keep = group.pair ? "a pair to decide about" : group.unsure ? "unsure which to keep" : `keep ${nameOf(group.keeper)}`;
  // Whoever listens hears what comes next.
  $("group").setAttribute("aria-label", `Group ${at + 1}: ${many(group.members.length + 1, "image")}, ${keep}`);
  if (focus) $("group").focus({ preventScroll: true });
  $("group").scrollTop = 0;
  if (group.pair) {
    fetchNext(group); // whoever decides does not wait for it
    return;
  }
  try {
    showGroup(Object.assign(await read(`groups/${group.id}`, { signal }), { is_compared: true }));
    fetchNext(group);
  } catch (error) {
    if (signal.aborted) return;
    if (error.status === 409) await showRest(group).catch((it) => tell(it.message));
    else tell(error.message);
  }
}
const firstToDecide = (group) => Math.max(0, group.members.findIndex((it) => !it.decided));

// The group is there no more: an image of it went, or is in another one.
async function showRest(group) {
  tell(`${nameOf(group.keeper)} is in no such group any more`);
  if (await reloadList() && state.group?.id === group.id && !state.groups.some(({ id }) => id === group.id)) {
    await open(Math.min(state.at, state.groups.length - 1), true);
  }
}

function showEmpty(focus) {
  showNothing(...whyEmpty());
  if (focus) $("group").focus();
}
function whyEmpty() {
  const narrowed = isFiltered() && "Change or clear them to see more.";
  if (state.tab !== "decided" && state.total) {
    const fits = (word) => (narrowed ? ` that ${word} these filters` : "");
    const all = state.total === 1 ? `The only group${fits("fits")} is decided` : `All ${many(state.total, "group")}${fits("fit")} are decided`;
    return [all, narrowed || "The command dedup plan says which copies could go now; nothing goes by itself."];
  }
  if (narrowed) return ["Nothing fits these filters", narrowed];
  if (state.tab === "decided") return ["Nothing is decided yet", "What you decide is listed here, and can be taken back."];
  return ["There is nothing here", "Groups appear as images arrive and are compared."];
}
function showNothing(strong, ...told) {
  $("group").replaceChildren(el("div.empty", {}, el("div", {}, el("strong", {}, strong), ...told.map((it) => el("p", {}, it)))));
  $("group").setAttribute("aria-label", strong);
}

function showGroup(group) {
  state.group = group;
  const focused = $("group").contains(document.activeElement) && document.activeElement !== $("group") ? document.activeElement.dataset.key ?? "none" : null;
  const images = [{ image: group.keeper }, ...group.members];
  const chosen = group.members[state.member] ?? group.members[0];
  const keeper = el("bdi", {}, nameOf(group.keeper));
  $("group").replaceChildren(
    el("div.headline", {}, el("h2", {}, many(images.length, "image")), chipOf(group),
      group.bytes_to_gain ? el("span.chip", {}, `${bytes(group.bytes_to_gain)} to gain`) : null, el("span.chip", {}, day(group.newest_at))),
    el("p.why", {}, ...(group.ask ? [group.ask] : group.unsure ? ["It cannot be told which of these was altered: choose the one to keep."] : ["Keep ", keeper, `: ${group.why.join("; ")}.`])),
    el(`div.cards${images.length > 4 ? ".many" : ""}`, {}, ...images.map((it, at) => card(it, at, group, chosen))),
    comparison(group, chosen), actions(group));
  showSpot();
  if (group.is_compared && chosen && !chosen.comparison) readComparison(group, chosen);
  // Whoever works by keyboard goes on where they were.
  if (focused) ($("group").querySelector(`[data-key="${focused}"]`) ?? $("group")).focus({ preventScroll: true });
}

// Of a crowd the app tells at once how the first sixty were compared.
const asked_about = new WeakSet();
async function readComparison(group, member) {
  if (asked_about.has(member)) return;
  asked_about.add(member);
  try {
    member.comparison = (await read(`pairs/${group.keeper.id}/${member.image.id}`)).comparison;
  } catch (error) {
    if (error.status === 404) return;
    asked_about.delete(member);
    tell(error.message);
  }
  if (member.comparison && state.group === group && group.members[state.member] === member) showGroup(group);
}

function chipOf(group) {
  const word = group.identical && group.verdict === "duplicate" ? "identical" : { duplicate: "copies", altered: "altered", color_variant: "other colors", not_duplicate: "no copies" }[group.verdict] ?? group.verdict;
  return el(`span.chip.${group.verdict === "duplicate" ? "keep" : "warn"}`, {}, word);
}

function card(it, at, group, chosen) {
  const { image } = it;
  const isFirst = at === 0, isUnsure = isFirst ? group.unsure : it.unsure;
  const isKeeper = group.pair ? group.members[0].decided?.keeper === image.id : isFirst && !isUnsure;
  const picture = (group.members.length > 3 ? lateThumb : thumb)(image, "img", nameOf(image));
  const canvas = el("span.canvas", {}, picture), outlined = () => outline(canvas, picture, isFirst ? chosen : it, isFirst);
  picture.addEventListener("load", outlined);
  new ResizeObserver(outlined).observe(canvas);
  return el(`article.card${isKeeper ? ".keeper" : ""}${it === chosen ? ".chosen" : ""}`, { "aria-label": nameOf(image) },
    el("button.photo", { type: "button", "data-key": `photo-${image.id}`, "aria-label": isKeeper ? `The keeper, ${nameOf(image)}` : isFirst ? nameOf(image) : `Compare ${nameOf(image)} with ${group.unsure || group.pair ? nameOf(group.keeper) : "the keeper"}`,
      onclick: () => { if (!isFirst) { state.member = at - 1; showGroup(group); showComparison(); } } }, canvas),
    el("div.body", {},
      el("div.row", {}, isUnsure ? el("span.chip.warn", {}, "unsure") : null, isKeeper ? el("span.chip.keep", {}, "keep") : isFirst ? null : decidedChip(it, group)),
      el("div.path", { title: nameOf(image) }, el("bdi", {}, shortNameOf(image))), facts(image, isFirst ? null : group.keeper),
      el("div.row", {},
        isKeeper ? null : el("button", { type: "button", "data-key": `keep-${image.id}`, onclick: decidesOnce("keeper", image) }, "Keep this one ", el("kbd", {}, String(at + 1))),
        el("a.button.quiet", { "data-key": `original-${image.id}`, href: `/api/images/${image.id}/original${key ? `?code=${encodeURIComponent(key)}` : ""}`, target: "_blank", rel: "noopener noreferrer" }, "Open the file"))));
}

function decidedChip(member, group) {
  if (member.decided) return el(`span.chip.${member.decided.decision === "duplicate" ? "go" : "keep"}`, {}, `${WORDS[member.decided.decision]} · ${member.decided.by || "a person"}, ${day(member.decided.at)}`);
  if (member.decided_before) return el("span.chip.warn", {}, `before, with other bytes: ${WORDS[member.decided_before.decision]}`);
  if (group.pair) return null;
  return member.may_go ? el("span.chip.go", {}, "can go") : el("span.chip.warn", {}, member.told_apart ? "to decide: told apart from another one" : "to decide");
}

// Of what is made for pages, of something else, nobody sees how much it lost: the keeper is never chosen by that, either.
const isDelivered = (image) => ["WEBP", "AVIF", "GIF"].includes(image.format);
const REDUCED = 1; // as in dedup_core/decoding/history/provenance.py
function qualityOf(image) {
  if (image.quality === REDUCED) return "reduced to a palette";
  if (image.quality < 100) return `JPEG ${image.quality}`;
  return isDelivered(image) ? `not told by ${image.format}` : "no JPEG loss seen";
}

function facts(image, keeper) {
  const longer = Math.max(image.width, image.height);
  const rows = [
    ["Pixels", `${image.width}\u00a0×\u00a0${image.height}`, image.width * image.height, keeper && keeper.width * keeper.height],
    ["True pixels", image.true_side && image.true_side < longer ? `${image.true_side} of ${longer}` : "all", null, null, "How far the longer side could be shrunk without losing anything"],
    ["Size", bytes(image.bytes), null],
    ["Format", image.format + (image.saved_again ? ", saved again" : ""), null],
    ["Quality", qualityOf(image), isDelivered(image) ? null : image.quality, keeper && !isDelivered(keeper) ? keeper.quality : null],
    ["Camera", image.names_camera ? "named" : "not named", null],
    ["There since", day(image.added_at), null],
  ];
  return el("dl.facts", {}, ...rows.flatMap(([name, told, value, other, title]) => {
    const mark = value != null && other != null && value !== other ? (value > other ? ".better" : ".worse") : "";
    return [el("dt", { title }, name), el(`dd${mark}`, {}, told)];
  }));
}

function outline(canvas, picture, member, isKeeper) {
  canvas.querySelectorAll(".region").forEach((box) => box.remove());
  if (!picture.naturalWidth) return;
  for (const region of member?.comparison?.regions ?? []) {
    if (region.kind !== "changed") continue;
    const [left, top, right, bottom] = isKeeper ? region.left : region.right;
    const box = el("span.region", { "aria-hidden": "true" });
    const scale = Math.min(picture.width / picture.naturalWidth, picture.height / picture.naturalHeight);
    const width = picture.naturalWidth * scale, height = picture.naturalHeight * scale;
    Object.assign(box.style, {
      left: `${(picture.width - width) / 2 + left * width}px`, top: `${(picture.height - height) / 2 + top * height}px`,
      width: `${(right - left) * width}px`, height: `${(bottom - top) * height}px`,
    });
    canvas.append(box);
  }
}

function actions(group) {
  const button = (act, name, keys, primary) => el(`button${primary ? ".primary" : ""}`, { type: "button", id: `act-${act}`, "data-key": act, onclick: decidesOnce(act) }, `${name} `, el("kbd", {}, keys));
  const rest = restOf(group).length;
  const [copies, others, both] = rest > 1 ? ["The rest are copies", "The rest are not", "Keep the rest"]
    : rest ? ["The rest is a copy", "The rest is not", "Keep the rest"]
    : group.members.length > 1 ? ["All are copies", "None is a copy", "Keep all"] : ["A copy", "Not a copy", "Keep both"];
  return el(`div.actions${rest ? ".rest" : ""}`, { role: "group", "aria-label": "Decide about this group" },
    button("duplicate", copies, "d", group.verdict === "duplicate"), button("not_duplicate", others, "n"), button("keep_both", both, "b"),
    el("span.grow"),
    el("button", { type: "button", id: "act-undo", "data-key": "undo", disabled: !state.undo.length && !group.decided, onclick: once(undo) }, state.tab === "decided" ? "Take back " : "Undo ", el("kbd", {}, "u")));
}
