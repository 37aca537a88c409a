"use strict";
// The dashboard: everything it changes goes through the API; what it shows comes from the server as it renders it, again when
// server-sent events say that something has changed.
const main = document.querySelector("main");
const only = main?.dataset.conversation;
const csrf = document.querySelector("meta[name=csrf]")?.content || "";
const toast = document.getElementById("toast");
let timer, toasting;

function say(text, wrong = false) {
  clearTimeout(toasting);
  toast.textContent = text;
  toast.classList.toggle("wrong", wrong);
  toasting = setTimeout(() => (toast.textContent = ""), wrong ? 12000 : 4000);
}

// ---- showing a page again: only the regions marked `data-live`, so that nothing a person is writing is lost
async function show() {
  if (showing) return (again = true);
  showing = true;
  const began = Date.now();
  try {
    await fetchAndPatch();
  } finally {
    showing = false;
    pause = Math.max(150, 3 * (Date.now() - began)); // a server under load is asked less often
    if (again) { again = false; soon(); }
  }
}

async function fetchAndPatch() {
  let answer;
  try {
    answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  } catch {
    return; // the stream of events will come back, and with it this
  }
  if (answer.redirected || answer.status === 401) return location.reload();
  if (answer.status === 404 && only) return location.assign("/dashboard");
  if (!answer.ok) {
    say(_("The server said %(status)s; this page may be behind.", { status: answer.status }), true);
    return void setTimeout(soon, 5000);
  }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = fresh.getElementById(old.id);
    if (!now || old.innerHTML === now.innerHTML) continue;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    if (focused?.matches("input, textarea, select")) continue;
    const end = old.scrollTop + old.clientHeight >= old.scrollHeight - 80, top = old.scrollTop;
    const place = focused && [...old.querySelectorAll("a, button, summary")].indexOf(focused);
    keep(old, now);
    if ("end" in old.dataset) patch(old, now);
    else old.replaceWith(now);
    const shown = "end" in old.dataset ? old : now;
    shown.scrollTop = "end" in old.dataset && end ? shown.scrollHeight : top;
    if (focused && !shown.contains(document.activeElement))
      (place >= 0 ? shown.querySelectorAll("a, button, summary")[place] : shown)?.focus({ preventScroll: true });
  }
  const writing = document.getElementById("writing");
  const form = document.querySelector("form.write");
  if (writing && form) form.hidden = writing.dataset.text !== "true";
  look();
  document.dispatchEvent(new Event("shown"));
}

// Bubbles one by one: what has not changed stays as it is, with a voice message that is playing and a text that is selected.
function patch(old, now) {
  const known = new Map([...old.children].map((each) => [each.id, each]));
  let place = old.firstElementChild;
  for (const each of [...now.children]) {
    const same = each.id && known.get(each.id);
    known.delete(each.id);
    let shown = each;
    if (same && same.className === each.className && bare(same) === bare(each)) shown = same;
    else if (same) {
      if (same === place) place = same.nextElementSibling;
      same.remove();
    }
    if (shown === place) place = place.nextElementSibling;
    else old.insertBefore(shown, place);
  }
  known.forEach((each) => each.remove());
}

// A bubble without what was opened and loaded in it since.
function bare(bubble) {
  const copy = bubble.cloneNode(true);
  copy.querySelectorAll(".drawer").forEach((each) => each.replaceChildren());
  copy.querySelectorAll("details").forEach((each) => { each.open = false; each.removeAttribute("data-loaded"); });
  return copy.innerHTML;
}

// What was opened stays open, with what was loaded into it; what was typed and not sent stays too.
function keep(old, now) {
  for (const each of old.querySelectorAll("details[data-key]")) {
    const same = now.querySelector(`details[data-key="${CSS.escape(each.dataset.key)}"]`);
    if (!same || !each.open) continue;
    same.open = true;
    const drawer = each.querySelector(".drawer");
    if (drawer && each.dataset.loaded === "yes") { // one that is still loading is asked for again by opening it
      same.querySelector(".drawer").replaceChildren(...[...drawer.childNodes].map((node) => node.cloneNode(true)));
      same.dataset.loaded = "yes";
    }
  }
  for (const each of old.querySelectorAll("input[type=checkbox][name]")) {
    const same = now.querySelector(`input[type=checkbox][name="${CSS.escape(each.name)}"][value="${CSS.escape(each.value)}"]`);
    if (same && each.checked !== each.defaultChecked) same.checked = each.checked;
  }
  const fields = (part) => [...part.querySelectorAll("input[name]:not([type=hidden], [type=checkbox]), textarea[name]")];
  const fresh = fields(now);
  fields(old).forEach((field, number) => {
    const same = fresh[number]?.name === field.name ? fresh[number] : fresh.find((each) => each.name === field.name);
    if (same && field.value !== field.defaultValue) same.value = field.value;
  });
}

// Whoever is notified of what happens wants a page that nobody sees to go on listening (`attention.js`).
const asleep = () => document.hidden && localStorage.getItem("notify") !== "on";
const soon = () => {
  if (asleep()) stale = true;
  else timer ??= setTimeout(() => { timer = undefined; show(); }, pause);
};
let stale = false, showing = false, again = false, pause = 150, events;
setInterval(() => { if (!searching) soon(); }, 60000); // times such as "waiting 5 min" grow old
// A page that was searched, or is not the first one, is a person's to renew.
const searching = ["q", "cursor", "before", "from"].some((name) => new URLSearchParams(location.search).get(name));
const follows = main?.dataset.follow !== undefined || only;

// Open pages only: a browser has few connections to one server.
function listen() {
  if (!follows || events) return;
  let first = true;
  events = new EventSource("/api/events");
  events.addEventListener("change", ({ data }) => {
    const { bot_id, conversation_id } = JSON.parse(data), bot = new URLSearchParams(location.search).get("bot");
    const mine = conversation_id === only || ((!bot || bot === bot_id) && !(searching && !only));
    if (mine) soon();
  });
  events.addEventListener("everything", soon);
  events.addEventListener("open", () => {
    if (!first || stale) soon();
    first = stale = false;
  });
}
document.addEventListener("visibilitychange", () => {
  if (asleep()) {
    events?.close();
    events = undefined;
    stale = true;
  } else {
    listen();
    if (!events && stale) soon();
    look();
  }
});
if (!asleep()) listen();

// ---- a conversation somebody looks at is read: not one that is merely open somewhere
let looked = 0;
function look() {
  const head = document.getElementById("talk-head");
  if (!main?.dataset.seen || document.hidden || !document.hasFocus() || head?.dataset.unread === "0") return;
  if (Date.now() - looked < 1000) return void setTimeout(look, 1000);
  looked = Date.now();
  ask("POST", main.dataset.seen).catch(() => {});
}
addEventListener("focus", look);
document.addEventListener("pointermove", look, { passive: true });
document.addEventListener("keydown", look);

// ---- changing something through the API
function value(field) {
  if (field.type === "number") return field.value === "" ? null : Number(field.value);
  if (field.value === "true" && field.type === "hidden") return true;
  if ("bool" in field.dataset) return field.value === "true";
  if ("numbers" in field.dataset) return field.value.split(",").map((each) => each.trim()).filter(Boolean).map(Number);
  if ("list" in field.dataset) return field.value.split(",").map((each) => each.trim()).filter(Boolean);
  if (field.name === "until") return Number(field.value);
  return field.value;
}

function put(body, name, what) {
  if (name.endsWith("[]")) {
    const list = (body[name.slice(0, -2)] ??= []);
    if (what !== undefined) list.push(what);
    return;
  }
  const keyed = /^(\w+)\[(.+)\]$/s.exec(name);
  if (keyed) { (body[keyed[1]] ??= {})[keyed[2]] = what; return; }
  const [head, ...rest] = name.split(".");
  if (rest.length) put((body[head] ??= /^\d+$/.test(rest[0]) ? [] : {}), rest.join("."), what);
  else body[head] = what;
}

function bodyOf(form) {
  if (form.dataset.raw) return JSON.parse(form.elements[form.dataset.raw].value);
  const body = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || field.closest("fieldset[disabled]")) continue;
    if (field.type === "checkbox") { put(body, field.name, field.checked ? field.value : undefined); continue; }
    if ("optional" in field.dataset && !field.value) continue;
    const row = field.closest("fieldset")?.querySelector("[data-row]"); // a row without its name is none
    if (row && !row.value.trim()) continue;
    if ("changed" in form.dataset && field.value === field.dataset.was) continue;
    put(body, field.name, "changed" in form.dataset && field.value === "" ? null : value(field));
  }
  for (const [name, list] of Object.entries(body)) if (Array.isArray(list)) body[name] = list.filter(() => true); // a row that was emptied leaves a hole
  return body;
}

async function ask(method, url, body, more = {}) {
  const request = { method, headers: { "X-CSRF-Token": csrf, Accept: "application/json", ...more } };
  if (body !== undefined && method !== "GET" && method !== "DELETE") {
    request.body = JSON.stringify(body);
    request.headers["Content-Type"] = "application/json";
  }
  const answer = await fetch(url, request);
  const text = await answer.text();
  const json = text && answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : {};
  if (!answer.ok) throw Object.assign(new Error(json.detail || _("The server said %(status)s", { status: answer.status })), { fields: json.errors });
  return json;
}

// What is wrong with a field stands below it, until it is changed.
function blame(form, errors = []) {
  form.querySelectorAll(".blame").forEach((each) => each.remove());
  form.querySelectorAll("[aria-invalid]").forEach((each) => each.removeAttribute("aria-invalid"));
  let first;
  for (const { field, problem } of errors) {
    const bare = field.replace(/^(body|path)\./, "").replace(/\.\d+$/, "");
    const found = [...form.elements].find((each) => !each.closest("fieldset[disabled]") && [field, bare, `${bare}[]`].includes(each.name));
    if (!found) continue;
    const said = document.createElement("small");
    said.className = "blame wrong";
    said.textContent = problem;
    found.after(said);
    found.setAttribute("aria-invalid", "true");
    for (let each = found.closest("details"); each; each = each.parentElement.closest("details")) each.open = true;
    first ??= found;
  }
  first?.focus();
}

async function act(form, body) {
  if (form.dataset.busy) return; // a second Enter is no second message
  const [method, place] = form.dataset.api.split(" ");
  // a field may stand in the address: it goes there, and not into the body
  const url = place.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(form.elements[name].value.trim()));
  for (const [, name] of place.matchAll(/\{(\w+)\}/g)) delete body?.[name];
  const [then, where] = form.dataset.then.split(/:(.*)/s);
  const buttons = [...form.querySelectorAll("button")], typed = [...form.elements].map((field) => field.value);
  form.dataset.busy = "yes";
  buttons.forEach((button) => (button.disabled = true));
  if (then === "clear") form.reset();
  blame(form);
  try {
    const answer = await ask(method, url, body, "new" in form.dataset ? { "If-None-Match": "*" } : {});
    if (then === "go") return location.assign(where.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(answer[name] ?? "")));
    if (then === "reload") return location.reload();
    if (then === "list") return list(document.querySelector(where), answer.items, answer);
    if (then === "secret") {
      form.querySelector("output").textContent = _("%(secret)s (shown this once)", { secret: answer[where] });
      form.reset();
    }
    for (const field of form.querySelectorAll("[data-was]")) field.dataset.was = field.defaultValue = field.value;
    if (then === "show") say(_("Done"));
    if (then === "show" && form.contains(document.activeElement)) document.activeElement.blur();
    const piece = form.closest("details[data-load]"); // what was fetched when it was opened says the old
    if (piece) await load(piece.querySelector(".drawer"), piece.dataset.load);
    await show();
  } catch (error) {
    // what could not be sent is there again, unless something else was typed meanwhile
    if (then === "clear") [...form.elements].forEach((field, n) => { if (field.name && !field.value) field.value = typed[n]; });
    if (then === "clear") form.dispatchEvent(new Event("restored"));
    say(error.message, true);
    blame(form, error.fields);
  } finally {
    delete form.dataset.busy;
    buttons.forEach((button) => (button.disabled = false));
    if (form.classList.contains("write")) form.elements.text.focus();
  }
}

// `answer` has more than rows: what stands beside them says `data-answer`
function list(target, items, answer) {
  for (const each of document.querySelectorAll("[data-answer]")) {
    each.textContent = answer[each.dataset.answer] || _("nothing");
    each.closest("[hidden]")?.removeAttribute("hidden");
  }
  const template = document.getElementById(target.dataset.template);
  target.replaceChildren(...items.map((item) => {
    const row = template.content.cloneNode(true);
    row.querySelectorAll("[data-of]").forEach((each) => (each.textContent = item[each.dataset.of]));
    row.querySelectorAll("[data-if]").forEach((each) => item[each.dataset.if] || each.remove());
    return row;
  }));
  if (!items.length) target.textContent = _("Nothing fits.");
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.api) return;
  event.preventDefault();
  if (form.dataset.confirm && !confirm(form.dataset.confirm)) return;
  const nothing = event.submitter?.dataset.null;
  let body;
  try {
    body = nothing ? { [nothing]: null } : bodyOf(form);
  } catch (error) {
    return say(_("This is not JSON: %(problem)s", { problem: error.message }), true);
  }
  if ("changed" in form.dataset && !Object.keys(body).length) return say(_("Nothing has changed."));
  act(form, body);
});

// A question that is offered goes into the field, and is asked.
document.addEventListener("click", ({ target }) => {
  const field = target.dataset?.fill && document.getElementById(target.dataset.fill);
  if (!field) return;
  field.value = target.textContent.trim();
  field.form.requestSubmit();
});

document.addEventListener("change", ({ target }) => {
  if ("submit" in target.dataset) target.form.requestSubmit();
  if (target.dataset.switch) {
    for (const part of target.form.querySelectorAll("[data-when]")) {
      const [name, values] = part.dataset.when.split("=");
      if (name !== target.dataset.switch) continue;
      const on = values.split("|").includes(target.value);
      part.hidden = part.disabled = !on;
    }
  }
});

document.addEventListener("keydown", (event) => {
  if ("enter" in (event.target.dataset || {}) && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});

// ---- pieces that are fetched when they are opened, or again and again
async function load(where, url) {
  const answer = await fetch(url);
  if (answer.redirected) return location.reload();
  if (answer.ok) where.innerHTML = await answer.text(); // rendered and escaped by the server
  else where.replaceChildren(Object.assign(document.createElement("p"), { textContent: _("This could not be loaded.") }));
}

document.addEventListener("toggle", async ({ target }) => {
  if (!target.open || !target.dataset?.load || target.dataset.loaded) return;
  target.dataset.loaded = "soon";
  try {
    await load(target.querySelector(".drawer"), target.dataset.load);
    target.dataset.loaded = "yes";
  } catch {
    delete target.dataset.loaded; // opened again, it is asked for again
  }
}, true);

for (const part of document.querySelectorAll("[data-every]")) {
  (async () => {
    for (;;) {
      try { await load(part, part.dataset.load); } catch { /* asked again */ }
      if (!part.querySelector("[data-again]")) break;
      await new Promise((done) => setTimeout(done, part.dataset.every * 1000));
    }
  })();
}

// ---- files: dropped or chosen, each with a bar
function upload(form, file) {
  const row = document.createElement("li"), bar = document.createElement("progress"), words = document.createElement("span");
  words.append(_("%(name)s: sending", { name: file.name }));
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", file.name);
  row.append(words, bar);
  form.querySelector(".uploads").append(row);
  const request = new XMLHttpRequest(), body = new FormData();
  body.append("file", file);
  if (form.elements.password?.value) body.append("password", form.elements.password.value);
  request.upload.onprogress = ({ loaded, total }) => (bar.value = (loaded / total) * 0.3);
  request.upload.onload = () => (words.textContent = _("%(name)s: reading", { name: file.name }));
  return new Promise((done) => {
    request.onloadend = async () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* no JSON: the status says it */ }
      if (request.status === 202) answer = await ended(form, file, bar, request.getResponseHeader("Location"));
      const read = answer.document;
      bar.remove();
      row.className = read ? "good" : "wrong";
      words.textContent = `${file.name}: ` + (read ? found(read) : answer.problem || answer.detail || _("not sent"));
      done();
    };
    request.open("POST", form.dataset.upload);
    request.setRequestHeader("X-CSRF-Token", csrf);
    request.setRequestHeader("Prefer", "respond-async");
    request.send(body);
  });
}

// What was read of a document.
const found = ({ passages, products, problems }) =>
  [ngettext("%(num)s passage", "%(num)s passages", passages), ngettext("%(num)s product", "%(num)s products", products), problems.join("; ")].filter(Boolean).join(", ");

// How the reading of a document ended; its bar moves meanwhile. An answer that fails is asked for again.
async function ended(form, file, bar, job) {
  for (let failed = 0; failed < 20; ) {
    await new Promise((wake) => setTimeout(wake, 300));
    try {
      const state = await ask("GET", job);
      if (state.state !== "reading") return state;
      const mine = (await ask("GET", form.dataset.progress)).reading.find((each) => each.name === file.name);
      if (mine?.of) bar.value = 0.3 + (0.7 * mine.done) / mine.of;
      failed = 0;
    } catch { failed += 1; }
  }
  return { problem: _("the server does not say how it ended; look at the list") };
}

for (const form of document.querySelectorAll("[data-upload]")) {
  const take = async (files) => {
    for (const file of files) await upload(form, file);
    await show();
  };
  form.querySelector("input[type=file]").addEventListener("change", ({ target }) => { take([...target.files]).then(() => (target.value = "")); });
  form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("over"); });
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    take([...event.dataTransfer.files]);
  });
}

// ---- a conversation opens at its end
const chat = document.querySelector("[data-end]");
if (chat) chat.scrollTop = chat.scrollHeight;
