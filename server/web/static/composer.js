"use strict";
// The field that a person writes in: files that go along, a voice message, emoji, and a message that is replied to.
{
  const form = document.querySelector("form.write"), field = document.getElementById("text");
  const chosen = document.getElementById("chosen"), picker = document.getElementById("file"), bar = document.getElementById("quoting");
  const EMOJI = "😀 😂 😊 😍 😉 😎 🤔 😅 😢 😮 🙏 👍 👎 👌 👏 🙌 💪 🤝 👋 ✌️ ❤️ 💙 💚 🎉 🎁 🔥 ⭐ ✨ ✅ ❌ ⚠️ ❓ 📷 📎 📞 📍 📅 ⏰ 🚚 📦 💳 💰 🧾 🛒 ☕ 🍰 🌷 ☀️";
  const LARGEST = 16 * 1024 * 1024;

  // ---- emoji
  const emoji = document.getElementById("emoji");
  for (const each of EMOJI.split(" ")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = each;
    emoji.append(button);
  }
  emoji.addEventListener("click", ({ target }) => {
    if (target.type !== "button") return;
    field.setRangeText(target.textContent, field.selectionStart, field.selectionEnd, "end");
    emoji.hidePopover();
    field.focus();
  });

  // ---- a reply to a message
  const quote = (id = "", words = "") => {
    form.elements.quoted_id.value = id;
    bar.hidden = !id;
    bar.querySelector(".words").textContent = words;
  };
  let before = ["", ""];
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-quote]");
    if (!button) return;
    if (files.length) return say(_("A file replies to no message: send the files first"), true);
    const said = button.closest("li").querySelector(":scope > .words");
    quote(button.dataset.quote, said?.textContent.trim().slice(0, 200) || _("A message without words"));
    field.focus();
  });
  bar.querySelector("button").addEventListener("click", () => { quote(); field.focus(); });
  form.addEventListener("reset", () => {
    before = [form.elements.quoted_id.value, bar.querySelector(".words").textContent];
    quote();
  });
  form.addEventListener("restored", () => quote(...before));

  // ---- files
  let files = [];
  const showFiles = () => {
    field.required = !files.length;
    chosen.hidden = !files.length;
    chosen.replaceChildren(...files.map((file) => {
      const row = document.createElement("li"), name = document.createElement("span"), away = document.createElement("button");
      name.textContent = file.name;
      name.dir = "auto";
      away.type = "button";
      away.textContent = "×";
      away.disabled = Boolean(form.dataset.busy);
      away.setAttribute("aria-label", _("Do not send %(name)s", { name: file.name }));
      away.addEventListener("click", () => { files = files.filter((each) => each !== file); showFiles(); field.focus(); });
      row.append(name, away);
      return row;
    }));
  };
  const take = (more) => {
    if (form.elements.quoted_id.value) return say(_("A file replies to no message: send the reply first"), true);
    for (const file of more) {
      if (file.size > LARGEST) say(_("%(name)s is larger than 16 MB: send a link to it", { name: file.name }), true);
      else files.push(file);
    }
    showFiles();
    field.focus();
  };
  document.getElementById("attach").addEventListener("click", () => picker.click());
  picker.addEventListener("change", () => { take(picker.files); picker.value = ""; });
  field.addEventListener("paste", (event) => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    take(event.clipboardData.files);
  });
  const talk = document.querySelector("main.talk");
  talk.addEventListener("dragover", (event) => { if (!form.hidden) { event.preventDefault(); talk.classList.add("over"); } });
  talk.addEventListener("dragleave", () => talk.classList.remove("over"));
  talk.addEventListener("drop", (event) => {
    talk.classList.remove("over");
    if (form.hidden || !event.dataTransfer.files.length) return;
    event.preventDefault();
    take(event.dataTransfer.files);
  });

  async function send(file, text, voice = false) {
    const body = new FormData();
    body.append("file", file);
    body.append("text", text);
    body.append("voice", voice);
    const answer = await fetch(form.dataset.attach, { method: "POST", headers: { "X-CSRF-Token": csrf }, body });
    if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).detail || _("The server said %(status)s", { status: answer.status }));
  }

  // Each file is a message of its own; the words stand below the first. What did not go out stays here.
  form.addEventListener("submit", async (event) => {
    if (!files.length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (form.dataset.busy) return;
    form.dataset.busy = "yes";
    chosen.classList.add("busy");
    showFiles();
    try {
      while (files.length) {
        const file = files[0], words = file.spoken ? "" : field.value;
        await send(file, words, Boolean(file.spoken));
        files = files.filter((each) => each !== file);
        if (words && field.value === words) form.reset(); // what was typed meanwhile stays
        showFiles();
      }
    } catch (error) {
      say(error.message, true);
    } finally {
      delete form.dataset.busy;
      chosen.classList.remove("busy");
      showFiles();
      field.focus();
      show();
    }
  });

  // ---- a voice message: OGG where the browser records it, else WebM, which the server puts into OGG
  const record = document.getElementById("record"), recording = document.getElementById("recording");
  const kinds = ["audio/ogg;codecs=opus", ...("webm" in record.dataset ? ["audio/webm;codecs=opus"] : [])];
  const kind = window.MediaRecorder && navigator.mediaDevices ? kinds.find((each) => MediaRecorder.isTypeSupported(each)) : undefined;
  record.hidden = !kind;
  let recorder, ticking;
  const stop = () => {
    clearInterval(ticking);
    recorder?.stream.getTracks().forEach((track) => track.stop());
    recorder = undefined;
    recording.hidden = true;
    form.classList.remove("records");
  };
  record.addEventListener("click", async () => {
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch {
      return say(_("The browser may not use the microphone: allow it beside the address of the page"), true);
    }
    const parts = [], began = Date.now();
    recorder = new MediaRecorder(stream, { mimeType: kind, audioBitsPerSecond: 32000 });
    recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
    recorder.addEventListener("stop", async ({ target }) => {
      if (!target.wanted) return;
      const file = new File(parts, kind.includes("ogg") ? "voice.ogg" : "voice.webm", { type: kind });
      file.spoken = true;
      try {
        await send(file, "", true);
      } catch (error) { // it is there to be sent again
        say(error.message, true);
        files.push(file);
        showFiles();
      }
      show();
    });
    const clock = recording.querySelector("output");
    const tick = () => {
      const seconds = Math.floor((Date.now() - began) / 1000);
      clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    };
    tick();
    ticking = setInterval(tick, 500);
    recording.hidden = false;
    form.classList.add("records");
    recorder.start();
    recording.querySelector("[data-send]").focus();
  });
  recording.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button || !recorder) return;
    recorder.wanted = "send" in button.dataset;
    recorder.stop();
    stop();
    field.focus();
  });
}
