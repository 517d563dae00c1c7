/* ---- Markdown ------------------------------------------------------------------------------------------------------
   Text is split into blocks { source, make }; make() gives a block's node. All searches are bounded or remembered, so that
   the time is about proportional to the text, whatever it is. */

const kFence = /^ {0,3}(`{3,}|~{3,})([^`]*)$/;
const kHeading = /^ {0,3}(#{1,6})(?:[ \t]+|$)/;
const kRule = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const kQuote = /^ {0,3}>[ ]?/;
const kItem = /^( *)([-*+]|\d{1,9}[.)])( +|$)/;

// To the left or to the right, as its text is. Set once a node is full: a browser looks through it at each change.
const written = (node) => Object.assign(node, { dir: "auto" });

const begins = (line) => kFence.test(line) || kHeading.test(line) || kRule.test(line) || kQuote.test(line) || kItem.test(line);
const blank = (line) => line.trim() === "";

function blocksOf(text, depth = 0) {
  const lines = text.replace(/\r\n?/g, "\n").replace(/\t/g, "    ").split("\n");
  const blocks = [];
  for (let at = 0; at < lines.length; ) {
    if (blank(lines[at])) { ++at; continue; }
    const [end, make] = blockAt(lines, at, depth);
    blocks.push({ source: lines.slice(at, end).join("\n"), make });
    at = end;
  }
  return blocks;
}

// The end of the block that begins at a line, and what makes its node.
function blockAt(lines, at, depth) {
  const line = lines[at];
  let found;
  if ((found = kFence.exec(line))) return fenceAt(lines, at, found);
  if ((found = kHeading.exec(line))) {
    const text = line.slice(found[0].length).trim();
    return [at + 1, () => written(withInline(el(`h${found[1].length}`), text))];
  }
  if (kRule.test(line)) return [at + 1, () => el("hr")];
  if (depth < kDepth && kQuote.test(line)) return quoteAt(lines, at, depth);
  if (depth < kDepth && kItem.test(line)) return listAt(lines, at, depth);
  const columns = tableColumns(lines, at);
  if (columns) return tableAt(lines, at, columns);
  let end = at + 1;
  while (end < lines.length && !blank(lines[end]) && !begins(lines[end]) && !tableColumns(lines, end)) ++end;
  return [end, () => written(withInline(el("p"), lines.slice(at, end).map((l) => l.trim()).join("\n")))];
}

function fenceAt(lines, at, [, mark, info]) {
  let end = at + 1;
  const closes = (line) => { const t = line.trim(); return t.length >= mark.length && t === mark[0].repeat(t.length); };
  while (end < lines.length && !closes(lines[end])) ++end;
  const code = lines.slice(at + 1, end).join("\n");
  return [Math.min(end + 1, lines.length), () => codeBlock(code, info.trim().split(/\s/)[0])];
}

function codeBlock(code, language) {
  const copy = button("Copy", () => copyText(code, copy), { "aria-label": "Copy the code" });
  const name = el("span", {}, language.slice(0, 40));
  return el("div", { class: "code" }, el("div", {}, name, copy), el("pre", { tabindex: "0" }, el("code", {}, code)));
}

function quoteAt(lines, at, depth) {
  let end = at;
  while (end < lines.length && kQuote.test(lines[end])) ++end;
  const inner = lines.slice(at, end).map((line) => line.replace(kQuote, "")).join("\n");
  return [end, () => el("blockquote", {}, ...blocksOf(inner, depth + 1).map((b) => b.make()))];
}

function listAt(lines, at, depth) {
  const [, indent, first] = kItem.exec(lines[at]);
  const ordered = /\d/.test(first);
  const items = [];
  let end = at, width = 0;
  for (; end < lines.length; ++end) {
    const line = lines[end], found = kItem.exec(line);
    const own = found && found[1].length <= indent.length + 1 && !kRule.test(line);
    if (own && /\d/.test(found[2]) !== ordered) break;
    if (own) {
      width = found[0].length;
      items.push([line.slice(width)]);
    } else if (blank(line) || line.startsWith(" ".repeat(indent.length + 2))) {
      const spaces = line.length - line.trimStart().length;
      items.at(-1).push(line.slice(Math.min(width, spaces)));
    } else if (blank(lines[end - 1]) || begins(line)) {
      break;
    } else {
      items.at(-1).push(line.trim());
    }
  }
  const start = ordered && parseInt(first, 10) !== 1 ? { start: parseInt(first, 10) } : {};
  return [end, () => el(ordered ? "ol" : "ul", start, ...items.map((item) => listItem(item.join("\n"), depth)))];
}

// The first paragraph of an item stands in the item itself.
function listItem(text, depth) {
  const item = el("li");
  for (const block of blocksOf(text, depth + 1)) {
    const node = block.make();
    if (node.nodeName === "P" && !item.hasChildNodes()) item.append(...node.childNodes);
    else item.append(node);
  }
  return written(item);
}

const cellsOf = (line) => line.trim().replace(/^\||(?<!\\)\|$/g, "").split(/(?<!\\)\|/, kColumns).map((c) => c.trim().replace(/\\\|/g, "|"));

// The alignments of the table that begins at a line, if one does.
function tableColumns(lines, at) {
  const next = lines[at + 1];
  if (next === undefined || !next.includes("-") || !next.includes("|") || !lines[at].includes("|")) return null;
  const rules = cellsOf(next);
  if (!rules.every((cell) => /^:?-+:?$/.test(cell)) || cellsOf(lines[at]).length !== rules.length) return null;
  return rules.map((r) => (r.endsWith(":") ? (r.startsWith(":") ? "center" : "right") : undefined));
}

function tableAt(lines, at, columns) {
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|")) ++end;
  const row = (tag, line) => {
    const cells = cellsOf(line);
    return el("tr", {}, ...columns.map((side, i) => written(withInline(el(tag, { class: side }), cells[i] ?? ""))));
  };
  return [end, () => el("div", { class: "table", tabindex: "0" }, el("table", {},
    el("thead", {}, row("th", lines[at])), el("tbody", {}, ...lines.slice(at + 2, end).map((line) => row("td", line)))))];
}

const kInline = new RegExp([
  /\\([!-/:-@[-`{-~])/,                                                                           // 1: escaped
  /(`+)/,                                                                                         // 2: code
  /!?\[([^[\]\n]{1,300})\]\(<?((?:[^\s<>()]|\([^\s<>()]{0,300}\)){1,2000})>?(?: {1,3}"[^"\n]{0,300}")?\)/,  // 3, 4: link
  /<((?:https?:\/\/|mailto:)[^\s<>]{1,2000})>/,                                                   // 5: <address>
  /(https?:\/\/[^\s<>"`*]{3,2000})/,                                                              // 6: address
  /(\*{1,3}|_{1,3}|~~)/,                                                                          // 7: emphasis
].map((part) => part.source).join("|"), "g");

// Appends a text with its emphasis, code and links to a node, and gives the node.
function withInline(parent, text, depth = 0) {
  const none = new Set();  // marks that nothing closes further on
  const pattern = new RegExp(kInline);
  let done = 0, found;
  const put = (node, end) => {
    parent.append(text.slice(done, found.index), node);
    done = pattern.lastIndex = end;
  };
  while ((found = pattern.exec(text))) {
    const [all, escaped, ticks, label, target, angled, bare, mark] = found;
    const after = found.index + all.length;
    if (escaped) put(escaped, after);
    else if (ticks) codeSpan(text, after, ticks, none, put);
    else if (label) { const a = link(parent, target); if (a) put(withInline(a, label, depth + 1), after); }
    else if (angled) { const a = link(parent, angled); if (a) { a.append(angled); put(a, after); } }
    else if (bare) bareLink(parent, bare, found.index, put);
    else if (depth < kDepth) emphasis(text, found.index, mark, none, depth, put);
  }
  parent.append(text.slice(done));
  return parent;
}

function codeSpan(text, from, ticks, none, put) {
  if (none.has(ticks)) return;
  let end = from - 1;
  do end = text.indexOf(ticks, end + 1);
  while (end !== -1 && (text[end + ticks.length] === "`" || text[end - 1] === "`"));
  if (end === -1) return none.add(ticks);
  put(el("code", {}, text.slice(from, end).replace(/^ (.*) $/s, "$1")), end + ticks.length);
}

// A link that leads out of the page, or nothing where the address is of another kind (javascript:, data:, relative).
function link(parent, target) {
  let url = null;
  try { url = new URL(target); } catch { return null; }
  if (!["http:", "https:", "mailto:"].includes(url.protocol) || parent.closest("a")) return null;
  return el("a", { href: url.href, title: url.href, target: "_blank", rel: "noopener noreferrer" });
}

function bareLink(parent, address, at, put) {
  const trimmed = address.replace(/[.,;:!?'\])}]{1,9}$/, (tail) => (tail[0] === ")" && address.includes("(") ? ")" : ""));
  const a = link(parent, trimmed);
  if (!a) return;
  a.append(trimmed);
  put(a, at + trimmed.length);
}

function emphasis(text, at, mark, none, depth, put) {
  const from = at + mark.length, word = /[\p{L}\p{N}]/u;
  const within = mark[0] === "_" && word.test(text[at - 1] ?? "");
  if (within || none.has(mark) || /^\s?$/.test(text[from] ?? "")) return;
  let end = from;
  while ((end = text.indexOf(mark, end)) !== -1) {
    const before = text[end - 1], next = text[end + mark.length] ?? "";
    const apart = end > from && !/[\s\\]/.test(before) && next !== mark[0] && !(mark.length === 1 && before === mark);
    if (apart && !(mark[0] === "_" && word.test(next))) break;
    ++end;
  }
  if (end === -1) return none.add(mark);
  const inner = el(mark === "~~" ? "del" : mark.length === 1 ? "em" : "strong");
  const node = mark.length === 3 ? el("em", {}, inner) : inner;
  withInline(inner, text.slice(from, end), depth + 1);
  put(node, end + mark.length);
}

// Shows a text in a node whose first blocks may be those of the same text when it was shorter; these are left alone.
const sources = new WeakMap();
function showMarkdown(node, text) {
  const blocks = blocksOf(text), shown = sources.get(node) ?? [];
  let same = 0;
  while (same < blocks.length && same < shown.length && blocks[same].source === shown[same]) ++same;
  while (node.childNodes.length > same) node.lastChild.remove();
  node.append(...blocks.slice(same).map((block) => block.make()));
  sources.set(node, blocks.map((block) => block.source));
}

async function copyText(text, from) {
  const label = from.textContent;
  try { await navigator.clipboard.writeText(text); }
  catch {  // pages that come over plain HTTP from another machine have no clipboard
    const field = el("textarea", { class: "unseen" });
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    from.focus();
  }
  from.textContent = "Copied";
  announce("Copied");
  setTimeout(() => { from.textContent = label; }, 1500);
}
