// One group: its images side by side, and what differs.

async function open(at, focus = false) {
  state.at = at;
  state.member = 0;
  state.group = null;
  markCurrent();
  if (at < 0 || !state.groups[at]) return showEmpty();
  showGroup(state.groups[at]);
  const id = state.groups[at].id;
  if (focus) $("group").focus({ preventScroll: true });
  $("group").scrollTop = 0;
  try {
    const whole = await read(`groups/${id}`);
    if (state.groups[state.at]?.id === id) showGroup(whole);
  } catch (error) { tell(error.message); }
}

function showEmpty() {
  const filtered = $("prefix").value || $("since").value || $("identical").checked;
  $("group").replaceChildren(el("div.empty", {}, el("p", {},
    el("strong", {}, filtered ? "Nothing fits these filters" : state.tab === "decided" ? "Nothing was decided yet" : "Nothing left to decide here"),
    filtered ? "Change or clear them to see more." : "New groups appear as images arrive.")));
}

function showGroup(group) {
  state.group = group;
  const focused = document.activeElement?.dataset?.keep;
  const images = [{ image: group.keeper }, ...group.members];
  const chosen = group.members[state.member] ?? group.members[0];
  $("group").replaceChildren(
    el("div.headline", {}, el("h2", {}, `${images.length} images`), chipOf(group),
      el("span.chip", {}, `${bytes(group.bytes_to_gain)} to gain`), el("span.chip", {}, day(group.newest_at))),
    el("p.why", {}, group.why.length ? `Keep ${nameOf(group.keeper)}: ${group.why.join("; ")}.` : `Nothing tells these images apart; ${nameOf(group.keeper)} is the first by name.`),
    el("div.cards", {}, ...images.map((it, at) => card(it, at, group, chosen))),
    comparison(group, chosen), actions(group));
  if (focused) document.querySelector(`[data-keep="${focused}"]`)?.focus();
}

function chipOf(group) {
  const word = group.identical && group.verdict === "duplicate" ? "identical" : { duplicate: "copies", altered: "altered", color_variant: "other colors", not_duplicate: "no copies" }[group.verdict];
  return el(`span.chip.${group.verdict === "duplicate" ? "keep" : "warn"}`, {}, word);
}

function card(it, at, group, chosen) {
  const { image } = it;
  const isKeeper = at === 0;
  const picture = thumb(image, "img", nameOf(image));
  const canvas = el("span.canvas", {}, picture);
  picture.addEventListener("load", () => outline(canvas, picture, isKeeper ? chosen : it, isKeeper));
  return el(`article.card${isKeeper ? ".keeper" : ""}${it === chosen ? ".chosen" : ""}`, { "aria-label": nameOf(image) },
    el("button.photo", { type: "button", "aria-label": isKeeper ? `The keeper, ${nameOf(image)}` : `Compare ${nameOf(image)} with the keeper`,
      onclick: () => { if (!isKeeper) { state.member = at - 1; showGroup(group); } } }, canvas),
    el("div.body", {},
      el("div.row", {}, isKeeper ? el("span.chip.keep", {}, "keep") : decidedChip(it, group)),
      el("div.path", {}, nameOf(image)), facts(image, isKeeper ? null : group.keeper),
      el("div.row", {},
        isKeeper ? null : el("button", { type: "button", "data-keep": image.id, onclick: () => decide("keeper", image) }, "Keep this one ", el("kbd", {}, String(at + 1))),
        el("button.quiet", { type: "button", onclick: () => original(image) }, "Original"))));
}

function decidedChip(member, group) {
  if (member.decided) return el(`span.chip.${member.decided.decision === "duplicate" ? "go" : "keep"}`, {}, `${WORDS[member.decided.decision]} · ${member.decided.by || "a person"}, ${day(member.decided.at)}`);
  if (member.decided_before) return el("span.chip.warn", {}, `before, with other bytes: ${WORDS[member.decided_before.decision]}`);
  return el("span.chip.go", {}, member.may_go ? "can go" : `asks: ${WORDS[group.verdict] ?? group.verdict}`);
}

function facts(image, keeper) {
  const rows = [
    ["Pixels", `${image.width} × ${image.height}`, image.width * image.height, keeper && keeper.width * keeper.height],
    ["True pixels", image.true_side && image.true_side < Math.max(image.width, image.height) ? `${image.true_side} on the longer side` : "all", null],
    ["Size", bytes(image.bytes), image.bytes, keeper?.bytes],
    ["Format", image.format + (image.saved_again ? ", saved again" : ""), null],
    ["Quality", image.quality === 100 ? "no JPEG loss seen" : `JPEG ${image.quality}`, image.quality, keeper?.quality],
    ["Camera", image.names_camera ? "named" : "not named", null],
    ["There since", day(image.added_at), null],
  ];
  return el("dl.facts", {}, ...rows.flatMap(([name, told, value, other]) => {
    const mark = value != null && other != null && value !== other ? (value > other ? ".better" : ".worse") : "";
    return [el("dt", {}, name), el(`dd${mark}`, {}, told)];
  }));
}

function outline(canvas, picture, member, isKeeper) {
  canvas.querySelectorAll(".region").forEach((box) => box.remove());
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
  const button = (act, name, keys, primary) => el(`button${primary ? ".primary" : ""}`, { type: "button", id: `act-${act}`, onclick: () => decide(act) }, `${name} `, el("kbd", {}, keys));
  return el("div.actions", { role: "group", "aria-label": "Decide about this group" },
    button("duplicate", group.members.length > 1 ? "All are copies" : "Copy", "d", true),
    button("not_duplicate", group.members.length > 1 ? "None is a copy" : "Not a copy", "n"), button("keep_both", "Keep all", "b"),
    el("span.grow"),
    el("button", { type: "button", id: "act-undo", disabled: !state.undo.length && !group.decided, onclick: undo }, "Undo ", el("kbd", {}, "u")));
}

async function original(image) {
  try {
    const answer = await ask(`images/${image.id}/original`);
    window.open(URL.createObjectURL(await answer.blob()), "_blank", "noopener");
  } catch (error) { tell(error.message); }
}
