"use strict";
// The list of contacts: what is ticked, and what is done to all of it. Each call is bounded; the next one goes on where it ended.
{
  const bulk = document.getElementById("bulk"), every = document.getElementById("tick-all");
  const outcome = document.getElementById("outcome"), exported = document.getElementById("csv-ticked");
  const ticks = () => [...document.querySelectorAll("#contacts input[name=id]")];
  const ticked = () => ticks().filter((each) => each.checked);

  function count() {
    const number = ticked().length, button = bulk?.querySelector("[data-whom=ticked]");
    exported.disabled = !number;
    every.checked = number > 0 && number === ticks().length;
    if (!button) return;
    button.disabled = !number;
    if (number) document.getElementById("many").open = true;
    button.textContent = number ? _("To the ticked %(count)s", { count: number }) : _("To the ticked");
  }
  every.addEventListener("change", () => {
    for (const each of ticks()) each.checked = every.checked;
    count();
  });
  document.addEventListener("change", ({ target }) => { if (target.name === "id") count(); });
  document.addEventListener("shown", count);
  count();
  const begin = document.getElementById("begin");
  if (begin && location.hash === "#start") begin.open = true; // the browser goes to the field in it

  // What is left empty says nothing: the address stays short enough to be kept and sent.
  document.getElementById("filters").addEventListener("submit", ({ target }) => {
    const empty = [...target.elements].filter((each) => each.name && (!each.value || (each.name === "sort" && each.value === "latest")));
    empty.forEach((each) => (each.disabled = true));
    setTimeout(() => empty.forEach((each) => (each.disabled = false)));
  });

  function tell(done, refused, more) {
    const said = document.createElement("p");
    said.textContent = [ngettext("%(num)s done", "%(num)s done", done), refused.length ? ngettext("%(num)s refused", "%(num)s refused", refused.length) : ""].filter(Boolean).join(", ")
      + (more ? " " + _("so far …") : "");
    outcome.replaceChildren(said);
    if (more || !refused.length) return;
    const list = document.createElement("ul");
    for (const row of refused.slice(0, 50)) {
      const line = document.createElement("li"), name = document.createElement(row.bot_id ? "a" : "span");
      name.textContent = row.name || row.id;
      name.dir = "auto";
      if (row.bot_id) name.href = `/dashboard/${encodeURIComponent(row.bot_id)}/${encodeURIComponent(row.id)}`;
      line.append(name, `: ${row.reason}`);
      list.append(line);
    }
    outcome.append(list);
    if (refused.length > 50) outcome.append(ngettext("and %(num)s more", "and %(num)s more", refused.length - 50));
  }

  bulk?.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (bulk.dataset.busy) return;
    const all = event.submitter?.dataset.whom === "all", ids = ticked().map((each) => each.value);
    const deed = bulk.elements.action.selectedOptions[0].textContent;
    const many = all ? event.submitter.dataset.count : ids.length;
    if (!all && !ids.length) return say(_("Nobody is ticked."), true);
    const said = `${deed[0].toUpperCase()}${deed.slice(1)}`;
    if (!confirm(many === "" ? _("%(deed)s: all matching contacts?", { deed: said }) : ngettext("%(deed)s: %(num)s contact?", "%(deed)s: %(num)s contacts?", Number(many), { deed: said }))) return;
    const asked = bodyOf(bulk), buttons = [...bulk.querySelectorAll("button")], refused = [];
    let done = 0, cursor = "";
    bulk.dataset.busy = "yes";
    buttons.forEach((button) => (button.disabled = true));
    try {
      do {
        const whom = all ? { matching: JSON.parse(bulk.dataset.matching), bot_id: bulk.dataset.bot, cursor } : { contacts: ids };
        const answer = await ask("POST", bulk.dataset.bulk, { ...asked, ...whom });
        done += answer.done;
        refused.push(...answer.refused);
        cursor = answer.next_cursor;
        tell(done, refused, Boolean(cursor));
      } while (cursor);
      for (const each of ticks()) each.checked = false;
      await show();
    } catch (error) {
      tell(done, refused, false);
      say(error.message, true);
    } finally {
      delete bulk.dataset.busy;
      buttons.forEach((button) => (button.disabled = false));
      count();
    }
  });
}
