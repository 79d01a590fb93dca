// The files that could not be read.

async function showRejected() {
  plainTab("");
  const rows = el("tbody", {}), told = el("p", {}, ""), more = el("button", { type: "button" }, "Show more");
  let cursor = "", count = 0;
  const next = async () => {
    more.disabled = true;
    // A page looks through a part of all images and may find none: go on until one does, or the end.
    do {
      const found = await read(`rejected?size=100&cursor=${encodeURIComponent(cursor)}`);
      count += found.rejected.length;
      rows.append(...found.rejected.map((it) => el("tr", {}, el("td", {}, it.path), el("td", { title: it.detail }, it.reason))));
      cursor = found.next_cursor;
      if (found.rejected.length) break;
    } while (cursor);
    more.disabled = false;
    more.hidden = !cursor;
    told.textContent = cursor ? `${count} files so far` : count ? `${count} files could not be read` : "Every file could be read.";
  };
  more.addEventListener("click", next);
  $("group").replaceChildren(el("h2", {}, "Rejected files"), told,
    el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "File"), el("th", { scope: "col" }, "Why"))), rows), more);
  await next();
}
