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
  document.getElementById("show-keys").addEventListener("click", () => help.showModal());
}
