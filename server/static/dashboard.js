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
  timer = undefined;
  let answer;
  try {
    answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  } catch {
    return; // the stream of events will come back, and with it this
  }
  if (answer.status === 404) return location.assign("/dashboard");
  if (answer.redirected || !answer.ok) return location.reload();
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = fresh.getElementById(old.id);
    if (!now || old.innerHTML === now.innerHTML) continue;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    if (focused?.matches("input, textarea, select")) continue;
    keep(old, now);
    const end = old.scrollTop + old.clientHeight >= old.scrollHeight - 80, top = old.scrollTop;
    const place = focused && [...old.querySelectorAll("a, button, summary")].indexOf(focused);
    old.replaceWith(now);
    now.scrollTop = "end" in now.dataset && end ? now.scrollHeight : top;
    if (focused) (place >= 0 ? now.querySelectorAll("a, button, summary")[place] : now)?.focus({ preventScroll: true });
  }
  const writing = document.getElementById("writing");
  const form = document.querySelector("form.write");
  if (writing && form) form.hidden = writing.dataset.text !== "true";
}

// What was opened stays open, with what was loaded into it; what was typed and not sent stays too.
function keep(old, now) {
  for (const each of old.querySelectorAll("details[data-key]")) {
    const same = now.querySelector(`details[data-key="${CSS.escape(each.dataset.key)}"]`);
    if (!same || !each.open) continue;
    same.open = true;
    const drawer = each.querySelector(".drawer");
    if (drawer && each.dataset.loaded) {
      same.querySelector(".drawer").replaceWith(drawer);
      same.dataset.loaded = "yes";
    }
  }
  for (const field of old.querySelectorAll("input[data-was], textarea[data-was]")) {
    const same = now.querySelector(`[name="${CSS.escape(field.name)}"]`);
    if (same && field.value !== field.dataset.was) same.value = field.value;
  }
}

const soon = () => {
  if (!document.hidden) timer ??= setTimeout(show, 150);
  else stale = true;
};
let stale = false;
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && stale) { stale = false; soon(); }
});
setInterval(soon, 60000); // times such as "waiting 5 min" grow old

if (document.querySelector("[data-live]")) {
  const events = new EventSource("/api/events");
  let first = true;
  events.addEventListener("change", soon);
  events.addEventListener("everything", soon);
  events.addEventListener("open", () => {
    if (!first) soon();
    first = false;
  });
}

// ---- changing something through the API
function value(field) {
  if (field.type === "number") return field.value === "" ? null : Number(field.value);
  if (field.value === "true" && field.type === "hidden") return true;
  return field.value;
}

function put(body, name, what) {
  if (name.endsWith("[]")) {
    const list = (body[name.slice(0, -2)] ??= []);
    if (what !== undefined) list.push(what);
    return;
  }
  const [head, ...rest] = name.split(".");
  if (rest.length) put((body[head] ??= {}), rest.join("."), what);
  else body[head] = what;
}

function bodyOf(form) {
  if (form.dataset.raw) return JSON.parse(form.elements[form.dataset.raw].value);
  const body = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || field.closest("fieldset[disabled]")) continue;
    if (field.type === "checkbox") { put(body, field.name, field.checked ? field.value : undefined); continue; }
    if ("optional" in field.dataset && !field.value) continue;
    if ("changed" in form.dataset && field.value === field.dataset.was) continue;
    put(body, field.name, "changed" in form.dataset && field.value === "" ? null : value(field));
  }
  return body;
}

async function ask(method, url, body) {
  const request = { method, headers: { "X-CSRF-Token": csrf, Accept: "application/json" } };
  if (body !== undefined && method !== "GET" && method !== "DELETE") {
    request.body = JSON.stringify(body);
    request.headers["Content-Type"] = "application/json";
  }
  const answer = await fetch(url, request);
  const text = await answer.text();
  const json = text && answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : {};
  if (!answer.ok) throw new Error(json.detail || `The server said ${answer.status}`);
  return json;
}

async function act(form, body) {
  const [method, url] = form.dataset.api.split(" ");
  const buttons = [...form.querySelectorAll("button")];
  buttons.forEach((button) => (button.disabled = true));
  try {
    const answer = await ask(method, url, body);
    const [then, where] = form.dataset.then.split(/:(.*)/s);
    if (then === "go") return location.assign(where.replace("{id}", encodeURIComponent(answer.id ?? "")));
    if (then === "reload") return location.reload();
    if (then === "list") return list(document.querySelector(where), answer.items);
    if (then === "secret") {
      form.querySelector("output").textContent = `${answer[where]} (shown this once)`;
      form.reset();
    }
    if (then === "clear") form.reset();
    for (const field of form.querySelectorAll("[data-was]")) field.dataset.was = field.value;
    if (then === "show") say("Done");
    document.activeElement?.closest("form") === form && then !== "clear" && document.activeElement.blur();
    await show();
  } catch (error) {
    say(error.message, true);
  } finally {
    buttons.forEach((button) => (button.disabled = false));
    if (form.classList.contains("write")) form.elements.text.focus();
  }
}

function list(target, items) {
  const template = document.getElementById(target.dataset.template);
  target.replaceChildren(...items.map((item) => {
    const row = template.content.cloneNode(true);
    row.querySelectorAll("[data-of]").forEach((each) => (each.textContent = item[each.dataset.of]));
    row.querySelectorAll("[data-if]").forEach((each) => item[each.dataset.if] || each.remove());
    return row;
  }));
  if (!items.length) target.textContent = "Nothing fits.";
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
    return say(`This is not JSON: ${error.message}`, true);
  }
  act(form, body);
});

document.addEventListener("change", ({ target }) => {
  if ("submit" in target.dataset) target.form.requestSubmit();
  if (target.dataset.switch) {
    for (const part of target.form.querySelectorAll("[data-when]")) {
      const on = part.dataset.when === `${target.dataset.switch}=${target.value}`;
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
  where.innerHTML = answer.ok ? await answer.text() : "<p>This could not be loaded.</p>"; // rendered and escaped by the server
}

document.addEventListener("toggle", async ({ target }) => {
  if (!target.open || !target.dataset?.load || target.dataset.loaded) return;
  target.dataset.loaded = "yes";
  await load(target.querySelector(".drawer"), target.dataset.load);
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
  words.append(`${file.name}: sending`);
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", file.name);
  row.append(words, bar);
  form.querySelector(".uploads").append(row);
  const request = new XMLHttpRequest(), body = new FormData();
  let reading;
  body.append("file", file);
  request.upload.onprogress = ({ loaded, total }) => (bar.value = (loaded / total) * 0.3);
  request.upload.onload = () => {
    words.textContent = `${file.name}: reading`;
    reading = setInterval(async () => {
      const found = await ask("GET", form.dataset.progress).catch(() => ({}));
      const mine = found.reading?.find((each) => each.name === file.name);
      if (mine?.of) bar.value = 0.3 + (0.7 * mine.done) / mine.of;
    }, 500);
  };
  return new Promise((done) => {
    request.onloadend = () => {
      clearInterval(reading);
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* no JSON: the status says it */ }
      const good = request.status === 201;
      bar.remove();
      row.className = good ? "good" : "wrong";
      words.textContent = `${file.name}: ` + (good ? `${answer.passages} passages${answer.problems.length ? `, ${answer.problems.join("; ")}` : ""}` : answer.detail || "not sent");
      done();
    };
    request.open("POST", form.dataset.upload);
    request.setRequestHeader("X-CSRF-Token", csrf);
    request.send(body);
  });
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
