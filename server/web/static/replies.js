"use strict";
// What a reply at hand will say, while it is written: fields of the profile are shown with examples of their values.
{
  const fillings = JSON.parse(document.querySelector("[data-fillings]").dataset.fillings);
  const known = (name) => Object.hasOwn(fillings, name);

  document.addEventListener("input", ({ target }) => {
    if (!("preview" in (target.dataset ?? {}))) return;
    const form = target.form, around = form.closest("li");
    const bubble = form.querySelector("[data-previewed]") ?? around?.querySelector(".preview");
    const strange = new Set();
    const filled = target.value.replace(/\{([\p{L}\p{N}_]{1,40})\}/gu, (whole, name) => {
      if (known(name)) return fillings[name];
      strange.add(whole);
      return whole;
    });
    bubble.querySelector(".words").textContent = filled;
    bubble.hidden = !filled.trim();
    const said = form.querySelector("[data-strange]");
    if (!said) return;
    said.textContent = strange.size ? _("%(fields)s: no field of a profile; it stays as it is.", { fields: [...strange].join(", ") }) : "";
    said.hidden = !strange.size;
  });
  document.addEventListener("reset", ({ target }) => {
    for (const part of target.querySelectorAll("[data-previewed], [data-strange]")) part.hidden = true;
  });
}
