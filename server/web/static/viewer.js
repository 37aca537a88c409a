"use strict";
// Who looks at the page: the server learns their time zone, and what scripts say is in their language. Texts stand here in
// English, with placeholders such as `%(name)s`; `#texts` has them in the language of the page.
const handed = JSON.parse(document.getElementById("texts").textContent);

const filled = (said, values) => said.replace(/%\((\w+)\)s|%%/g, (whole, name) => (whole === "%%" ? "%" : String(values[name])));

function _(text, values = {}) {
  return filled(handed.texts?.[text]?.[0] ?? text, values);
}

// A text of so many things; `num` is their number. Which plural holds is worked out by the server: for the first 200 numbers, after
// which it repeats itself by hundreds, and for whole millions.
function ngettext(one, many, count, values = {}) {
  const said = handed.texts?.[one];
  const place = count && count % 1e6 === 0 ? 200 : count < 200 ? count : 100 + (count % 100);
  const text = said ? said[Number(handed.plurals[place])] : count === 1 ? one : many;
  return filled(text, { num: count.toLocaleString(document.documentElement.lang), ...values });
}

// A page that shows times by another clock is fetched once more; one that does not take the cookie stays as it is.
{
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone, said = document.querySelector("meta[name=zone]");
  const kept = () => document.cookie.split("; ").includes(`tz=${zone}`);
  if (zone && /^[\w+/-]+$/.test(zone) && !kept()) {
    document.cookie = `tz=${zone}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
    if ("shown" in said.dataset && said.content !== zone && kept()) location.reload();
  }
}

document.addEventListener("change", ({ target }) => {
  if ("language" in target.dataset) target.form.requestSubmit();
});
