"use strict";
// The keyboard of the dashboard: single keys where nobody types; `?` shows them all.
{
  const help = document.getElementById("keys");
  const typing = (target) => target.closest("input, textarea, select, [contenteditable]");
  const rows = () => [...document.querySelectorAll("#rows a")].filter((each) => each.closest("li:not(.more, .empty)"));

  const step = (by) => {
    const all = rows();
    const at = all.findIndex((each) => each === document.activeElement || each.getAttribute("aria-current") === "page");
    const next = all[at < 0 ? 0 : at + by];
    if (!next) return;
    if (document.body.classList.contains("three")) location.assign(next.href);
    else next.focus();
  };
  const press = (key) => document.querySelector(`[data-key-press="${key}"] button`)?.click();

  const keys = {
    j: () => step(1),
    k: () => step(-1),
    r: () => document.getElementById("text")?.focus(),
    t: () => press("t"),
    e: () => press("e"),
    "/": () => document.getElementById("q")?.focus(),
    "?": () => help.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.isComposing || event.altKey) return;
    if (key === "Enter" && (event.ctrlKey || event.metaKey)) return void target.form?.requestSubmit();
    if (event.ctrlKey || event.metaKey) return;
    if (key === "Escape" && !help.open && !document.querySelector(":popover-open")) {
      if (typing(target)) target.blur();
      else document.querySelector(".head .back")?.click();
      return;
    }
    if (typing(target) || help.open || !keys[key]) return;
    event.preventDefault();
    keys[key]();
  });
  // A reply at hand: `/` at the beginning of the field shows those whose shortcut goes on as it does.
  const field = document.getElementById("text"), canned = document.getElementById("canned");
  const offered = () => [...canned.querySelectorAll("li:not([hidden]) button")];
  field?.addEventListener("input", () => {
    const asked = /^\/[\p{L}\p{N}_-]*$/u.test(field.value);
    for (const each of canned.querySelectorAll("li:not(.rest)")) each.hidden = !asked || !each.querySelector("b").textContent.startsWith(field.value);
    canned.hidden = !asked || !(offered().length || field.value === "/");
  });
  field?.addEventListener("keydown", (event) => {
    if (canned.hidden || !offered().length || !["ArrowDown", "Tab", "Enter"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Enter") offered()[0].click();
    else offered()[0].focus();
  });
  canned?.addEventListener("click", ({ target }) => {
    const chosen = target.closest("[data-canned]");
    if (!chosen) return;
    field.value = chosen.dataset.canned;
    canned.hidden = true;
    field.focus();
  });
  document.getElementById("show-keys").addEventListener("click", () => help.showModal());
}
