// The files that could not be read.

const ENOUGH = 25, LONGEST = 1500; // files, milliseconds: then whoever looks says whether to go on

async function showRejected() {
  plainTab("");
  const rows = el("tbody", {}), told = el("p.quiet", { role: "status" }, "Looking…"), more = el("button", { type: "button", hidden: true }, "Look further");
  const table = el("table", { hidden: true }, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "File"), el("th", { scope: "col" }, "Why"))), rows);
  const question = newest_question;
  let cursor = "", count = 0;
  const next = async () => {
    more.disabled = true;
    const started = Date.now(), before = count;
    // Each page looks through a sixteenth of all images at most.
    do {
      const found = await read(`rejected?size=100&cursor=${encodeURIComponent(cursor)}`);
      if (question !== newest_question) return;
      count += found.rejected.length;
      rows.append(...found.rejected.map((it) => el("tr", {}, el("td", {}, el("bdi", {}, nameOf(it))), el("td", {}, el("span.reason", {}, it.reason), el("small", {}, it.detail)))));
      cursor = found.next_cursor;
    } while (cursor && count - before < ENOUGH && Date.now() - started < LONGEST);
    more.disabled = false;
    more.hidden = !cursor;
    table.hidden = !count;
    const looked = cursor ? Math.round((100 * (parseInt(cursor.slice(0, 2), 16) + 1)) / 256) : 100;
    told.textContent = cursor ? `${many(count, "file")} so far, ${looked} % of all looked through` : count ? `${many(count, "file")} could not be read and ${count === 1 ? "is" : "are"} compared with nothing.` : "No file is rejected.";
  };
  more.addEventListener("click", () => next().catch((error) => tell(error.message)));
  $("group").replaceChildren(el("div.rejected", {}, el("h2", {}, "Rejected files"), told, table, more));
  await next();
}
