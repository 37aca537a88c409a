// Shows a page again when what it shows has changed: told by server-sent events, taken from the server as it renders it.
const only = document.currentScript.dataset.conversation;
let timer;

async function show() {
  timer = undefined;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (answer.redirected || !answer.ok) return location.reload();
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
  const shown = document.querySelector("main");
  const open = [...shown.querySelectorAll("details")].map((each) => each.open);
  const focused = shown.contains(document.activeElement) ? document.activeElement : null;
  if (focused && focused.matches("input, textarea, select")) return;
  const place = focused && [...shown.querySelectorAll("a, button")].indexOf(focused);
  fresh.querySelectorAll("details").forEach((each, i) => (each.open = open[i] ?? false));
  const end = innerHeight + scrollY >= document.documentElement.scrollHeight - 80;
  shown.replaceWith(fresh);
  if (place !== null && place >= 0) fresh.querySelectorAll("a, button")[place]?.focus();
  if (only && end) scrollTo(0, document.documentElement.scrollHeight);
}

function soon() {
  timer ??= setTimeout(show, 150);
}

const events = new EventSource("/api/events");
events.addEventListener("change", (event) => {
  if (!only || JSON.parse(event.data).conversation_id === only) soon();
});
let first = true;
events.addEventListener("everything", soon);
events.addEventListener("open", () => {
  if (!first) soon();
  first = false;
});
