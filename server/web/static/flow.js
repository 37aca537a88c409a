"use strict";
// A form (WhatsApp Flow) on the phone: its screens as Flow JSON describes them. What is filled in goes to the emulator, which
// asks the data endpoint or sends the answers as WhatsApp does. A field that is not right stays here, with a line below it.
const WRONG = { required: _("Fill this in"), email: _("This is no e-mail address"), number: _("This is no number"), phone: _("This is no phone number") };
const SHAPES = { email: /^[^@\s]+@[^@\s]+\.[^@\s]+$/, number: /^-?[0-9]+([.,][0-9]+)?$/, phone: /^\+?[0-9][0-9 ()-]{4,24}$/ };
const TOKENS = /\s*(\$\{[^}]*\}|'[^']*'|[0-9]+(?:\.[0-9]+)?|==|!=|>=|<=|&&|\|\||[!()<>+]|true|false)/y;
const BINDING = [["||"], ["&&"], ["==", "!=", "<", ">", "<=", ">="], ["+"]];
const APPLIED = {
  "||": (a, b) => a || b, "&&": (a, b) => a && b, "==": (a, b) => String(a) === String(b), "!=": (a, b) => String(a) !== String(b),
  "<": (a, b) => Number(a) < Number(b), ">": (a, b) => Number(a) > Number(b), "<=": (a, b) => Number(a) <= Number(b),
  ">=": (a, b) => Number(a) >= Number(b), "+": (a, b) => String(a) + String(b),
};

// A condition such as `${form.size} == 'L' && !${data.full}`; `look` finds what a name stands for.
function conditionOf(said, look) {
  const tokens = [];
  TOKENS.lastIndex = 0;
  for (let found; (found = TOKENS.exec(said)); ) tokens.push(found[1]);
  let at = 0;
  const one = () => {
    const token = tokens[at++] ?? "''";
    if (token === "!") return !one();
    if (token === "(") { const inside = joined(0); at++; return inside; }
    if (token.startsWith("${")) return look(token.slice(2, -1));
    if (token.startsWith("'")) return token.slice(1, -1);
    return token === "true" || token === "false" ? token === "true" : Number(token);
  };
  const joined = (level) => {
    if (level === BINDING.length) return one();
    let left = joined(level + 1);
    while (BINDING[level].includes(tokens[at])) {
      const sign = tokens[at++];
      left = APPLIED[sign](left, joined(level + 1));
    }
    return left;
  };
  return joined(0);
}

// One form that is open. `post` takes a step and resolves to what follows; it throws what is to be shown.
class FormSheet {
  constructor(flow, post) {
    this.flow = flow;
    this.post = post;
    this.past = [];
    this.told = {};
    this.title = node("h2", "");
    this.title.id = "sheet-title";
    this.wrong = node("p", "wrong");
    this.wrong.setAttribute("role", "alert");
    this.form = node("form", "");
    this.form.noValidate = true;
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.finish(); });
    this.form.addEventListener("input", () => this.follow());
    this.back = tappable("‹", () => this.goBack(), "icon");
    this.back.setAttribute("aria-label", _("Back"));
    const close = tappable("✕", () => this.dialog.close(), "icon");
    close.setAttribute("aria-label", _("Close"));
    this.dialog = node("dialog", "form-sheet", node("header", "", this.back, this.title, close), this.wrong, this.form);
    this.dialog.setAttribute("aria-labelledby", this.title.id);
    this.dialog.addEventListener("close", () => this.dialog.remove());
    document.body.append(this.dialog);
    this.dialog.showModal();
  }

  // What `${...}` stands for: data and fields of this screen, or of one that was filled in before.
  look(name) {
    const parts = name.split(".");
    const own = parts[0] !== "screen";
    const from = own ? { data: this.data, form: this.values() } : this.told[parts[1]] || {};
    return (own ? parts : parts.slice(2)).reduce((found, part) => found?.[part], from);
  }

  resolved(said) {
    if (Array.isArray(said)) return said.map((one) => this.resolved(one));
    if (said && typeof said === "object") return Object.fromEntries(Object.entries(said).map(([name, one]) => [name, this.resolved(one)]));
    if (typeof said !== "string") return said;
    if (/^`[^]*`$/.test(said)) return conditionOf(said.slice(1, -1), (name) => this.look(name));
    const whole = /^\$\{([^}]*)\}$/.exec(said);
    return whole ? this.look(whole[1]) : said.replace(/\$\{([^}]*)\}/g, (_, name) => this.look(name) ?? "");
  }

  values() {
    return Object.fromEntries(this.fields.map((field) => [field.name, field.read()]));
  }

  show(id, data, values = {}) {
    this.screen = this.flow.screens.find((screen) => screen.id === id);
    const { error_message: wrong, ...given } = data || {};
    Object.assign(this, { data: given, fields: [], followers: [], kept: values, footer: null });
    this.title.textContent = this.resolved(this.screen.title || "");
    this.back.hidden = !this.past.length;
    this.say(wrong || "");
    this.form.replaceChildren();
    this.draw(this.screen.layout.children, this.form, {});
    this.follow();
    this.form.querySelector("input, select, textarea")?.focus();
  }

  say(wrong) {
    this.wrong.textContent = wrong;
    this.wrong.hidden = !wrong;
  }

  // Components one below another. `about`: values and complaints that their Form gives by the names of fields.
  draw(children, into, about) {
    for (const part of children || []) {
      if (part.type === "Form") {
        this.draw(part.children, into, { init: this.resolved(part["init-values"]), wrong: this.resolved(part["error-messages"]) });
      } else if (part.type === "If" || part.type === "Switch") {
        const meets = part.type === "If" ? () => Boolean(conditionOf(part.condition, (name) => this.look(name))) : () => String(this.resolved(part.value));
        const cases = part.type === "If" ? [[true, part.then], [false, part.else]] : Object.entries(part.cases);
        const named = cases.map(([name]) => name);
        for (const [name, inside] of cases) {
          const box = node("div", "part");
          this.draw(inside, box, about);
          this.followers.push(() => {
            const met = meets();
            box.hidden = met !== name && !(name === "default" && !named.includes(met));
          });
          into.append(box);
        }
      } else into.append(this.drawn(part, about));
    }
  }

  drawn(part, about) {
    const box = node("div", "part");
    if ("visible" in part) this.followers.push(() => { box.hidden = !this.resolved(part.visible); });
    const texts = { TextHeading: "h3", TextSubheading: "h4", TextBody: "p", TextCaption: "small", RichText: "p" };
    if (texts[part.type]) {
      const words = this.resolved(part.text);
      box.append(node(texts[part.type], "", Array.isArray(words) ? words.join("\n") : String(words ?? "")));
    } else if (part.type === "Footer") {
      this.footer = node("button", "footer", this.resolved(part.label));
      this.act = part["on-click-action"];
      if ("enabled" in part) this.followers.push(() => { this.footer.disabled = !this.resolved(part.enabled); });
      box.append(this.footer);
    } else if (part.type === "EmbeddedLink") box.append(tappable(this.resolved(part.text), () => this.run(part["on-click-action"])));
    else if (part.type === "NavigationList") {
      for (const item of this.resolved(part["list-items"]) || []) {
        const words = item["main-content"] || {};
        const row = tappable(words.title || item.id, () => this.run(item["on-click-action"] || part["on-click-action"]), "row");
        if (words.description) row.append(node("small", "", words.description));
        box.append(row);
      }
    } else if (part.type === "Image") {
      const picture = node("img", "media"), bytes = String(this.resolved(part.src) || "");
      picture.src = `data:image/${bytes.startsWith("iVBOR") ? "png" : "jpeg"};base64,${bytes}`;
      picture.alt = part["alt-text"] || "";
      box.append(picture);
    } else if (part.name) this.field(part, box, about);
    return box;
  }

  // A field with its label, its hint and, where it is not right, what is wrong.
  field(part, box, about) {
    const said = (name) => this.resolved(part[name]);
    const id = `field-${part.name}`, name = part.name;
    const first = this.kept[name] ?? about.init?.[name] ?? said("init-value");
    const label = said("label") || name;
    const made = controlOf(part.type, { said, first, id, label });
    box.classList.add("field");
    const hint = node("small", "", said("helper-text") || said("description") || "");
    const wrong = node("small", "wrong");
    hint.id = `${id}-hint`;
    wrong.id = `${id}-wrong`;
    made.control.setAttribute("aria-describedby", `${hint.id} ${wrong.id}`);
    if (made.group) box.append(made.control);
    else {
      const words = node("label", "", label);
      words.htmlFor = id;
      box.append(...(made.after ? [made.control, words] : [words, made.control]));
    }
    box.append(hint, wrong);
    const complain = (why) => {
      wrong.textContent = why || "";
      made.control.toggleAttribute("aria-invalid", Boolean(why));
    };
    complain(about.wrong?.[name]);
    made.control.addEventListener("input", () => complain(""));
    const selected = part["on-select-action"];
    if (selected) made.control.addEventListener("change", () => this.run(selected));
    if ("enabled" in part) this.followers.push(() => { made.control.disabled = !this.resolved(part.enabled); });
    const problem = () => (made.empty() ? (said("required") === true ? WRONG.required : "") : made.problem?.() || "");
    this.fields.push({ name, box, read: made.read, complain, problem, control: made.control });
  }

  // What depends on what is filled in.
  follow() {
    for (const follower of this.followers) follower();
  }

  // The button at the bottom: fields that are not right are named, and nothing is sent.
  finish() {
    if (this.footer?.disabled) return;
    const asked = this.fields.filter((field) => !field.box.closest("[hidden]"));
    const wrong = asked.filter((field) => { field.complain(field.problem()); return field.problem(); });
    if (wrong.length) (wrong[0].control.querySelector?.("input") || wrong[0].control).focus();
    else this.run(this.act);
  }

  async run(action) {
    const payload = this.resolved(action?.payload || {});
    switch (action?.name) {
      case "navigate":
        this.keep();
        return this.show(action.next.name, payload);
      case "update_data":
        return this.show(this.screen.id, { ...this.data, ...payload }, this.values());
      case "open_url":
        return isAddress(this.resolved(action.url)) && window.open(this.resolved(action.url), "_blank", "noopener");
      case "complete":
      case "data_exchange":
        return this.ask({ action: action.name, screen: this.screen.id, data: payload });
    }
  }

  keep() {
    this.told[this.screen.id] = { data: this.data, form: this.values() };
    this.past.push(this.screen.id);
  }

  goBack() {
    if (this.screen.refresh_on_back) return this.ask({ action: "BACK", screen: this.screen.id, data: {} });
    const id = this.past.pop();
    if (id) this.show(id, this.told[id].data, this.told[id].form);
  }

  async ask(step) {
    this.form.inert = true;
    try {
      const next = await this.post(step);
      if (next.sent) return this.dialog.close();
      if (next.closed) return this.say(next.closed);
      const same = next.screen === this.screen.id;
      const values = same ? this.values() : {};
      if (step.action === "BACK") this.past = this.past.slice(0, Math.max(0, this.past.indexOf(next.screen)));
      else if (!same) this.keep();
      this.show(next.screen, next.data, values);
      this.form.inert = false;
    } catch (error) {
      this.say(error.message);
      this.form.inert = false;
    }
  }
}

// The control of a field: how it is read, whether it is empty, and what is wrong with what is in it.
function controlOf(kind, { said, first, id, label }) {
  if (["RadioButtonsGroup", "CheckboxGroup", "ChipsSelector"].includes(kind)) return optionsOf(kind, { said, first, id, label });
  if (kind === "OptIn") {
    const box = node("input", "");
    Object.assign(box, { type: "checkbox", id, checked: first === true });
    return { control: box, after: true, read: () => box.checked, empty: () => !box.checked };
  }
  if (kind === "Dropdown") {
    const list = node("select", "", new Option("", ""));
    list.id = id;
    for (const option of said("data-source") || []) {
      const made = new Option(option.title, option.id);
      made.disabled = option.enabled === false;
      list.append(made);
    }
    list.value = first ?? "";
    return { control: list, read: () => list.value, empty: () => !list.value };
  }
  const box = node(kind === "TextArea" ? "textarea" : "input", "");
  box.id = id;
  box.dir = "auto";
  const type = said("input-type") || "text";
  if (kind === "DatePicker" || kind === "CalendarPicker") {
    Object.assign(box, { type: "date", min: said("min-date") || "", max: said("max-date") || "" });
  } else if (kind === "TextInput") {
    box.type = { password: "password", passcode: "password", email: "email", phone: "tel" }[type] || "text";
    if (type === "number" || type === "passcode") box.inputMode = "numeric";
  } else if (kind !== "TextArea") box.type = "text";
  const most = said("max-chars") || said("max-length"), least = Number(said("min-chars") || 0), pattern = said("pattern");
  if (most) box.maxLength = Number(most);
  box.value = first ?? "";
  const problem = () => {
    const text = box.value.trim(), own = said("error-message");
    if (SHAPES[type] && !SHAPES[type].test(text)) return own || WRONG[type];
    if (text.length < least) return own || ngettext("At least %(num)s character", "At least %(num)s characters", least);
    if (box.type === "date" && (box.validity.rangeUnderflow || box.validity.rangeOverflow || (said("unavailable-dates") || []).includes(text))) return own || _("This day cannot be chosen");
    return pattern && !new RegExp(`^(?:${pattern})$`).test(text) ? own || _("This is not as it is asked for") : "";
  };
  return { control: box, read: () => box.value.trim(), empty: () => !box.value.trim(), problem };
}

function optionsOf(kind, { said, first, id, label }) {
  const alone = kind === "RadioButtonsGroup", group = node("fieldset", "", node("legend", "", label));
  const chosen = new Set([first ?? []].flat());
  for (const option of said("data-source") || []) {
    const box = node("input", "");
    Object.assign(box, { type: alone ? "radio" : "checkbox", name: id, value: option.id, checked: chosen.has(option.id), disabled: option.enabled === false });
    const words = node("span", "", option.title);
    if (option.description) words.append(node("small", "", option.description));
    group.append(node("label", "option", box, words));
  }
  const picked = () => [...group.querySelectorAll("input:checked")].map((box) => box.value);
  const problem = () => {
    const least = Number(said("min-selected-items") || 0), most = Number(said("max-selected-items") || 0), count = picked().length;
    if (count < least) return ngettext("Choose at least %(num)s", "Choose at least %(num)s", least);
    return most && count > most ? ngettext("Choose at most %(num)s", "Choose at most %(num)s", most) : "";
  };
  return { control: group, group: true, read: () => (alone ? picked()[0] || "" : picked()), empty: () => !picked().length, problem };
}

// Open the form of a message; what keeps it from opening is said on it.
async function openForm(post) {
  const sheet = new FormSheet({ screens: [] }, post);
  try {
    const opened = await post({ action: "open" });
    if (opened.closed) return sheet.say(opened.closed);
    sheet.flow = opened.flow;
    sheet.show(opened.screen, opened.data);
  } catch (error) {
    sheet.say(error.message);
  }
}
