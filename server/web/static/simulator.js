"use strict";
// The contact's phone: talks to the providers' emulators only, as a phone talks to WhatsApp only. What is typed goes out on
// the chosen wire; what comes back is shown whichever wire it came on.
const el = (id) => document.getElementById(id);
const csrf = document.querySelector("meta[name=csrf]")?.content || "";
const chat = el("chat"), state = el("state"), bot = el("bot"), text = el("text"), wire = el("wire");
const wires = [...wire.options];
const STEPS = ["queued", "sent", "delivered", "read", "failed"];
const STATES = { queued: _("queued"), sent: _("sent"), delivered: _("delivered"), read: _("read"), failed: _("failed") };
const TICKS = { queued: "🕓", sent: "✓", delivered: "✓✓", read: "✓✓", failed: "!" };
let sources = [], typingTimer, connected = false;

function contact() {
  let digits = localStorage.getItem("contact");
  if (!digits) {
    digits = "7701" + String(Math.floor(1e6 + Math.random() * 9e6));
    localStorage.setItem("contact", digits);
  }
  return digits;
}

const base = (on = wire.selectedOptions[0]) =>
  `/simulator/${on.dataset.path}/_control/${encodeURIComponent(on.dataset.prefix + bot.value)}`;

// WhatsApp's markup, built as nodes: the text itself is never parsed as HTML.
function marked(raw) {
  const out = document.createDocumentFragment();
  const pattern = /(^|[\s(])([*_~])(?=\S)([^\n]*?\S)\2(?=$|[\s.,:;!?)])/;
  let rest = raw, m;
  while ((m = pattern.exec(rest))) {
    out.append(rest.slice(0, m.index) + m[1]);
    const tag = document.createElement({ "*": "b", _: "i", "~": "s" }[m[2]]);
    tag.append(m[3]);
    out.append(tag);
    rest = rest.slice(m.index + m[0].length);
  }
  out.append(rest);
  return out;
}

function show(bubble, on = wires[0]) {
  if (document.getElementById(bubble.id)) return;
  const reacted = bubble.content?.type === "reaction" && document.getElementById(bubble.content.reaction.message_id);
  if (reacted) return react(reacted, bubble.content.reaction.emoji);
  document.querySelector(".hint")?.remove();
  const item = document.createElement("li");
  item.id = bubble.id;
  item.className = "bubble " + (bubble.mine ? "out" : "in");
  const words = document.createElement("span");
  words.dir = "auto";
  words.append(marked(wordsOf(bubble)));
  const foot = document.createElement("small");
  if (on && on !== wires[0]) foot.append(`${on.dataset.label} · `);
  foot.append(new Date(bubble.at).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }) + " ");
  const tick = document.createElement("i");
  tick.className = "tick";
  foot.append(tick);
  const [above, below] = richOf(bubble, base(on), (what) => tap(bubble, on, what));
  item.append(...above, words, ...below, foot);
  words.hidden = !words.textContent;
  item.dataset.at = bubble.at;
  const later = [...chat.children].find((other) => Number(other.dataset.at) > bubble.at);
  chat.insertBefore(item, later || null);
  setTick(bubble.id, bubble.status);
  if (!bubble.mine) setTyping(0);
  chat.scrollTop = chat.scrollHeight;
}

// An emoji at the corner of a message; an empty one takes it back.
function react(item, emoji) {
  item.querySelector(".reaction")?.remove();
  if (emoji) item.append(node("span", "reaction", emoji));
}

function setTick(id, status) {
  const tick = document.getElementById(id)?.querySelector(".tick");
  // a list that was asked for before may come after: a status only advances
  if (!tick || STEPS.indexOf(status) < STEPS.indexOf(tick.dataset.status)) return;
  tick.textContent = TICKS[status] || "";
  tick.dataset.status = status;
  tick.title = STATES[status] || status;
  tick.setAttribute("aria-label", tick.title);
}

function setTyping(seconds) {
  clearTimeout(typingTimer);
  state.textContent = seconds ? _("typing…") : connected ? _("online") : _("connecting…");
  if (seconds) typingTimer = setTimeout(() => setTyping(0), seconds * 1000);
}

async function open() {
  sources.forEach((source) => source.close());
  chat.replaceChildren();
  setTyping(0);
  const chosen = bot.selectedOptions[0].dataset;
  el("model").textContent = chosen.offline === "true" ? _("offline model") : chosen.model;
  el("model").classList.toggle("hot", chosen.offline === "true");
  const query = `?contact=${contact()}`;
  sources = wires.map((on) => new EventSource(`${base(on)}/events${query}`));
  sources.forEach((source, number) => {
    source.onopen = async () => {
      connected = true;
      setTyping(0);
      const asked = wires.map(async (on) => (await (await fetch(`${base(on)}/messages${query}`)).json()).map((bubble) => ({ on, bubble })));
      const found = (await Promise.all(asked)).flat().sort((a, b) => a.bubble.at - b.bubble.at);
      if (!sources.includes(source)) return;
      found.forEach(({ on, bubble }) => { show(bubble, on); setTick(bubble.id, bubble.status); });
      hint();
    };
    source.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      if (event.type === "bubble") show(event, wires[number]);
      if (event.type === "tick") setTick(event.id, event.status);
      if (event.type === "typing") setTyping(event.seconds);
    };
    source.onerror = () => { connected = false; setTyping(0); };
  });
}

// Resolves to whether the message is on its way; what could not be sent stays in the box.
async function send(body) {
  if (!body.trim()) return false;
  try {
    const answer = await fetch(`${base()}/messages`, {
      method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
      body: JSON.stringify({ contact: contact(), text: body }),
    });
    if (answer.ok) return true;
    state.textContent = _("not sent (%(status)s)", { status: answer.status });
  } catch {
    state.textContent = _("not sent, no connection");
  }
  return false;
}

// A tap on a button, a row, a card or a form of a message. A form opens, and what is filled in travels step by step.
async function tap(bubble, on, what) {
  if (what.form) return openForm((step) => formStep(bubble, on, step));
  try {
    const answer = await fetch(`${base(on)}/answers`, {
      method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
      body: JSON.stringify({ contact: contact(), bubble: bubble.id, ...what }),
    });
    if (!answer.ok) state.textContent = _("not sent (%(status)s)", { status: answer.status });
  } catch {
    state.textContent = _("not sent, no connection");
  }
}

async function formStep(bubble, on, step) {
  const answer = await fetch(`${base(on)}/forms`, {
    method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
    body: JSON.stringify({ contact: contact(), bubble: bubble.id, ...step }),
  });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(typeof said.detail === "string" ? said.detail : _("not sent (%(status)s)", { status: answer.status }));
  return said;
}

// The words of a message; of a picture its caption, which stands below it.
function wordsOf(bubble) {
  const { type } = bubble.content || {};
  if (["image", "video", "audio", "document"].includes(type) && !bubble.mine) return bubble.content[type].caption || "";
  return bubble.text;
}

// A photo, a voice message or a document, with what is in the box as its caption.
async function sendFile(file) {
  const form = new FormData();
  form.append("contact", contact());
  form.append("caption", text.value);
  form.append("file", file);
  try {
    const answer = await fetch(`${base()}/files`, { method: "POST", headers: { "X-CSRF-Token": csrf }, body: form });
    if (answer.ok) text.value = "";
    else state.textContent = _("not sent (%(status)s)", { status: answer.status });
  } catch {
    state.textContent = _("not sent, no connection");
  }
}
el("file").addEventListener("change", async ({ target }) => {
  for (const file of target.files) await sendFile(file);
  target.value = "";
});

// An empty chat says what to try.
function hint() {
  document.querySelector(".hint")?.remove();
  if (chat.children.length) return;
  const item = document.createElement("li");
  item.className = "hint";
  document.querySelectorAll(".about .try").forEach((button) => {
    const copy = button.cloneNode(true);
    copy.addEventListener("click", () => send(copy.textContent));
    item.append(copy);
  });
  chat.append(item);
}

el("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = text.value;
  text.value = "";
  if (!(await send(body)) && !text.value) text.value = body;
  text.focus();
});
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); el("composer").requestSubmit(); }
});
bot.addEventListener("change", open);
el("fresh").addEventListener("click", () => { localStorage.removeItem("contact"); open(); });
const asked = new URLSearchParams(location.search).get("bot");
if ([...bot.options].some((each) => each.value === asked)) bot.value = asked;
document.querySelectorAll(".try").forEach((b) => b.addEventListener("click", () => send(b.textContent)));
open();
