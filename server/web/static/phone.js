"use strict";
// What a message shows besides its words, as Graph writes it: pictures, buttons, lists, cards, forms. What is tapped on
// goes to the emulator, which makes the webhook of it that WhatsApp would.
const node = (name, className, ...inside) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...inside);
  return made;
};
const tappable = (label, act, className = "tap") => {
  const made = node("button", className, label);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
};
const isAddress = (text) => /^https?:\/\//.test(text || "");

// A picture, a film, a recording or a file: put up under an id, or somewhere on the web.
function fileOf(kind, part, filesAt) {
  const src = part.id ? `${filesAt}/files/${encodeURIComponent(part.id)}` : part.link;
  if (!part.id) {
    const link = node("a", "file", part.filename || part.link);
    if (isAddress(src)) { link.href = src; link.rel = "noopener noreferrer"; link.target = "_blank"; }
    return link;
  }
  if (kind === "document") {
    const link = node("a", "file", part.filename || _("document"));
    link.href = src;
    return link;
  }
  const shown = node(kind === "image" ? "img" : kind, "media");
  if (kind === "image") shown.alt = part.caption || "";
  else shown.controls = true;
  shown.addEventListener("load", () => shown.closest(".chat")?.lastElementChild?.scrollIntoView({ block: "end" }), { once: true });
  shown.src = src;
  return shown;
}

function headerOf(part, filesAt) {
  const header = part.header;
  if (!header) return "";
  if (header.type === "text") return node("b", "headline", header.text);
  return fileOf(header.type, header[header.type], filesAt);
}

// `name: value` a line, the fields of an address or of what is looked for in a catalogue.
function fieldsForm(label, names, send) {
  const box = node("textarea", "", names.map((name) => `${name}: `).join("\n"));
  box.rows = 4;
  box.setAttribute("aria-label", label);
  const done = tappable(_("Send"), () => {
    const fields = {};
    for (const line of box.value.split("\n")) {
      const at = line.indexOf(":");
      if (at > 0) fields[line.slice(0, at).trim()] = line.slice(at + 1).trim();
    }
    send({ fields });
  });
  return node("details", "choices", node("summary", "tap", label), box, done);
}

function cartOf(part, send) {
  const sections = part.action.sections || [{ product_items: [{ product_retailer_id: part.action.product_retailer_id }] }];
  const box = node("details", "choices", node("summary", "tap", _("View items")));
  const counts = [];
  for (const section of sections) {
    if (section.title) box.append(node("b", "headline", section.title));
    for (const item of section.product_items) {
      const id = item.product_retailer_id;
      const count = document.createElement("input");
      Object.assign(count, { type: "number", min: 0, max: 99, value: 0 });
      count.setAttribute("aria-label", _("How many of %(name)s", { name: id }));
      counts.push([id, count]);
      box.append(node("label", "row", id, count));
    }
  }
  const catalogue = part.action.catalog_id;
  box.append(tappable(_("Send cart"), () => {
    const order = counts.filter(([, count]) => Number(count.value) > 0)
      .map(([id, count]) => ({ product_retailer_id: id, quantity: Number(count.value) }));
    if (order.length) send({ order, catalogue });
  }));
  return box;
}

function rowsOf(part, send) {
  const box = node("details", "choices", node("summary", "tap", part.action.button));
  for (const section of part.action.sections) {
    if (section.title) box.append(node("b", "headline", section.title));
    for (const row of section.rows) {
      const words = node("span", "", row.title);
      const made = tappable(words, () => { box.open = false; send({ choice: row.id }); }, "row");
      if (row.description) made.append(node("small", "", row.description));
      box.append(made);
    }
  }
  return box;
}

function cardsOf(part, send, filesAt) {
  const row = node("div", "tiles");
  row.tabIndex = 0;
  for (const card of part.action.cards) {
    const action = card.action, made = node("div", "tile", headerOf(card, filesAt));
    if (card.body) made.append(node("span", "", card.body.text));
    if (action.product_retailer_id) {
      made.append(node("span", "", action.product_retailer_id), tappable(_("Add to cart"), () => send({
        order: [{ product_retailer_id: action.product_retailer_id }], catalogue: action.catalog_id })));
    }
    for (const button of action.buttons || []) made.append(tappable(button.quick_reply.title, () => send({ choice: button.quick_reply.id })));
    if (action.parameters) made.append(linkOf(action.parameters));
    row.append(made);
  }
  return row;
}

function linkOf({ display_text: label, url }) {
  const link = node("a", "tap", label);
  if (isAddress(url)) { link.href = url; link.rel = "noopener noreferrer"; link.target = "_blank"; }
  return link;
}

// What is below the words of an interactive message.
function actionsOf(part, send, filesAt) {
  const action = part.action, parameters = action.parameters || {};
  switch (part.type) {
    case "button": return action.buttons.map(({ reply }) => tappable(reply.title, () => send({ choice: reply.id })));
    case "list": return [rowsOf(part, send)];
    case "cta_url": return [linkOf(parameters)];
    case "location_request_message":
      return [tappable(_("Send location"), () => send({ place: { latitude: 43.238949, longitude: 76.889709, name: _("Here") } }))];
    case "address_message": return [fieldsForm(_("Provide address"), ["name", "address", "city"], send)];
    case "flow": return [tappable(parameters.flow_cta, () => send({ form: true }))];
    case "product":
    case "product_list": return [cartOf(part, send)];
    case "catalog_message": return [fieldsForm(_("View catalog"), ["product"], ({ fields }) =>
      fields.product && send({ order: [{ product_retailer_id: fields.product }] }))];
    case "carousel": return [cardsOf(part, send, filesAt)];
    default: return [];
  }
}

// Everything of a message but its words: [above them, below them]. `send` posts what is tapped on.
function richOf(bubble, filesAt, send) {
  const content = bubble.content || {}, part = content[content.type];
  if (!part) return [[], []];
  if (content.type === "interactive") {
    const below = bubble.mine ? [] : actionsOf(part, send, filesAt);
    const footer = part.footer ? [node("small", "footer", part.footer.text)] : [];
    return [[headerOf(part, filesAt)].filter(Boolean), [...footer, ...below]];
  }
  if (content.type === "location") {
    const map = node("a", "file", part.address || `${part.latitude}, ${part.longitude}`);
    map.href = `https://maps.google.com/?q=${part.latitude},${part.longitude}`;
    map.rel = "noopener noreferrer";
    return [[], [map]];
  }
  if (["image", "video", "audio", "document"].includes(content.type) && !bubble.mine) return [[fileOf(content.type, part, filesAt)], []];
  return [[], []];
}
