// Asks the API, and fetches pictures from it.

// The key stays in the address, because a reload needs it; it is sent as a header, and no page is told where one came from.
const key = new URL(location.href).searchParams.get("code") ?? "";
// Sign-in in front of the app answers scripts that say so with 401, and not with a page of another site.
const headers = { "x-requested-with": "XMLHttpRequest", ...(key ? { "x-functions-key": key } : {}) };

async function ask(path, options = {}) {
  const answer = await fetch(`/api/${path}`, { ...options, headers: { ...headers, ...options.headers } }).catch((error) => {
    // A browser has no words for people here: "Failed to fetch", "Load failed".
    throw error.name === "AbortError" ? error : new Error("The app does not answer: look whether it runs and the network is there, then try again");
  });
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    if (answer.status === 401 && !key) throw new Error("Your sign-in has ended: reload the page");
    if (typeof told.detail === "string") throw Object.assign(new Error(sentence(told.detail)), { status: answer.status });
    // The host in Azure refuses a key without a word.
    throw new Error(answer.status === 401 ? "The key in the address of this page is wrong: open the page with one that is valid" : `The app answered ${answer.status}`);
  }
  return answer;
}
const read = async (path, options) => (await ask(path, options)).json();
const send = async (path, body) =>
  (await unlessLeft(ask(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } }))).json();

// What is not answered, or waits for its turn, could be lost with the page.
let under_way = 0;
function unlessLeft(acting) {
  under_way += 1;
  return acting.finally(() => { under_way -= 1; });
}
addEventListener("beforeunload", (event) => { if (under_way) event.preventDefault(); });

// Pictures come with the key in a header, so they are fetched; the browser keeps them.
const pictures = new Map();
function load(image, path) {
  if (!pictures.has(path)) {
    pictures.set(path, ask(path).then((answer) => answer.blob()).then((blob) => URL.createObjectURL(blob)));
    if (pictures.size > 400) forget(pictures.keys().next().value);
  }
  pictures.get(path).then((url) => { image.src = url; }).catch(() => { image.alt = "This picture cannot be shown"; pictures.delete(path); });
  return image;
}
function forget(path) {
  pictures.get(path).then(URL.revokeObjectURL, () => {});
  pictures.delete(path);
}

// Each picture costs the app a download, so one in a list waits until it is about to be seen.
const waiting = new WeakMap();
const inSight = new IntersectionObserver((entries) => entries.filter((entry) => entry.isIntersecting).forEach(({ target }) => {
  inSight.unobserve(target);
  load(target, waiting.get(target));
}), { rootMargin: "300px" });
const pathOfThumb = (image) => `images/${image.id}/thumbnail?v=${image.version}`;
const thumb = (image, kind = "img.thumb", alt = "") => load(el(kind, { alt, decoding: "async" }), pathOfThumb(image));
function lateThumb(image, kind = "img.thumb", alt = "") {
  const made = el(kind, { alt, decoding: "async" });
  waiting.set(made, pathOfThumb(image));
  inSight.observe(made);
  return made;
}
