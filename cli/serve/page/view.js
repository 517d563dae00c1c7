/* ---- What is seen ---------------------------------------------------------------------------------------------------- */

const views = new WeakMap();  // of a message that the model writes: what brings its nodes up to date

const announce = (text) => { byId("status").textContent = text; };

function notice(text, label, act, kind = "") {
  const node = byId("notice");
  node.dataset.kind = kind;
  node.hidden = false;
  const hide = () => { node.hidden = true; byId("text").focus(); };
  node.replaceChildren(el("span", {}, text), ...(label ? [button(label, () => { hide(); act(); }, { class: "framed" })] : []),
    button("Close", hide));
}

function hideNotice(kind) {
  if (byId("notice").dataset.kind === kind) byId("notice").hidden = true;
}

function showList() {
  const sorted = [...chats.values()].sort((a, b) => b.changed - a.changed);
  byId("chats").replaceChildren(...sorted.map(listEntry));
}

function listEntry(chat) {
  const opened = chat === current, title = chat.title || "Untitled";
  const item = el("li", { class: opened ? "open" : "" });
  item.append(
    button(title, () => { open(chat); byId("text").focus(); }, { class: "title", title, ...(opened ? { "aria-current": "true" } : {}) }),
    button("Rename", () => rename(chat, item), { class: "tool", "aria-label": `Rename ${title}` }),
    button("Delete", () => removeChat(chat), { class: "tool", "aria-label": `Delete ${title}` }));
  return item;
}

function rename(chat, item) {
  const field = el("input", { "aria-label": "Name of the conversation", maxlength: "80" });
  let ended = false;
  const end = (keep) => {
    if (ended) return;
    ended = true;
    if (keep && field.value.trim()) Object.assign(chat, { title: field.value.trim(), named: true });
    save(chat);
    showList();
  };
  field.value = chat.title;
  field.addEventListener("blur", () => end(true));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.stopPropagation();
    end(event.key === "Enter");
    document.querySelector("#chats .open .title")?.focus();
  });
  item.replaceChildren(field);
  field.select();
}

function open(chat) {
  current = chat;
  showMenu(false);
  showList();
  showChat();
  byId("thread").scrollTop = byId("thread").scrollHeight;
}

function showChat() {
  const nodes = current.messages.map((message, index) =>
    message.role === "user" ? userView(current, message, index) : answerView(current, message));
  byId("thread").replaceChildren(...(nodes.length ? nodes : [emptyView()]));
  const job = jobs.get(current.id);
  if (job) paint(job);
  showControls();
}

function emptyView() {
  const context = contextSize();
  return el("div", { class: "empty" }, el("h2", {}, "longhand"),
    el("p", {}, [byId("model").value, context && `${plainNumber(context)} tokens of context`].filter(Boolean).join(" · ")),
    el("p", {}, "Conversations are kept in this browser alone."));
}

function filesView(files = []) {
  return files.map((file) => el("details", { class: "files" },
    el("summary", {}, `${file.name} · ${size(new Blob([file.text]).size)}`), el("pre", { tabindex: "0" }, file.text)));
}

function userView(chat, message, index) {
  const copy = button("Copy", () => copyText(message.text, copy));
  const node = el("article", { class: "message user", "aria-label": "You" }, ...filesView(message.files));
  if (message.text) node.append(el("div", { class: "said", dir: "auto" }, message.text));
  node.append(el("div", { class: "foot" }, copy, button("Edit", () => edit(chat, message, index, node), { class: "edit-button" })));
  return node;
}

// An edited message replaces the old one and all that came after it.
function edit(chat, message, index, node) {
  if (jobs.has(chat.id)) return;
  const field = el("textarea", { "aria-label": "Edit the message", rows: String(Math.min(12, message.text.split("\n").length + 1)), dir: "auto" });
  const cancel = () => { showChat(); byId("text").focus(); };
  const keep = () => {
    if (jobs.has(chat.id) || (field.value.trim() === "" && !message.files?.length)) return;
    const before = chat.messages;
    chat.messages = [...before.slice(0, index), { ...message, text: field.value }];
    answer(chat);
    byId("text").focus();
    if (before.length > index + 2) notice("The messages after the edited one are gone.", "Undo", () => restore(chat, before));
  };
  field.value = message.text;
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.stopPropagation(); cancel(); }
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); keep(); }
  });
  node.replaceChildren(...filesView(message.files), el("div", { class: "edit" }, field,
    el("div", { class: "row" }, button("Send", keep, { class: "strong" }), button("Cancel", cancel))));
  field.focus();
}

function restore(chat, messages) {
  jobs.get(chat.id)?.abort.abort();
  chat.messages = messages;
  touch(chat);
  open(chat);
}

function answerView(chat, message) {
  const thought = el("div", { class: "prose" }), said = el("div", { class: "said prose" });
  const summary = el("summary");
  const details = el("details", { class: "thought", hidden: "" }, summary, thought);
  const after = el("div"), foot = el("div", { class: "foot" });
  const node = el("article", { class: "message", "aria-label": "Model" }, details, said, after, foot);
  const update = (job) => {
    const writing = message.state === "writing";
    node.classList.toggle("writing", writing);
    node.setAttribute("aria-busy", String(writing));
    details.hidden = !message.reasoning;
    summary.textContent = writing && !message.text ? "Reasoning …" : "Reasoning";
    showMarkdown(thought, message.reasoning ?? "");
    showMarkdown(said, message.text);
    after.replaceChildren(...afterView(chat, message, job));
    if (!writing || foot.childNodes.length < 2) foot.replaceChildren(...footView(chat, message));
    else foot.lastChild.textContent = numbersText(message);
  };
  views.set(message, update);
  update();
  return node;
}

// What stands below an answer: how far the prompt is read, why it ended early, or what went wrong.
function afterView(chat, message, job) {
  const read = job?.progress;
  if (message.state === "writing" && read && !job.pieces)
    return [el("p", { class: "note" }, `Reading ${plainNumber(read.processed)} of ${plainNumber(read.total)} tokens`)];
  if (message.state === "cut") return [el("p", { class: "note" }, "Cut: as many tokens as were allowed, or the context holds.")];
  if (message.state === "stopped") return [el("p", { class: "note" }, "Stopped.")];
  if (message.state !== "failed") return [];
  const { status, message: text } = message.error ?? {};
  return [el("div", { class: "error" }, el("strong", {}, status ? `Error ${status}` : "Error"), el("p", {}, text ?? ""),
    button("Retry", () => again(chat, chat.messages.indexOf(message)), { class: "framed retry" }))];
}

function footView(chat, message) {
  const copy = button("Copy", () => copyText(message.text, copy));
  const parts = message.text ? [copy] : [];
  if (message === chat.messages.at(-1) && ["done", "stopped", "cut"].includes(message.state))
    parts.push(button("Retry", () => again(chat, chat.messages.indexOf(message)), { class: "retry" }));
  return [...parts, el("span", { class: "numbers" }, numbersText(message))];
}

function numbersText({ numbers }) {
  if (!numbers?.written) return "";
  const rate = numbers.rate ? ` · ${numbers.rate < 10 ? numbers.rate.toFixed(1) : plainNumber(numbers.rate)} tokens/s` : "";
  return `${plainNumber(numbers.written)} token${numbers.written === 1 ? "" : "s"}${rate}`;
}

function showUse() {
  const used = current.messages.findLast((m) => m.numbers?.used)?.numbers.used ?? 0, context = contextSize();
  const share = context ? Math.min(1, used / context) : 0;
  byId("bar").hidden = !context;
  byId("bar").firstChild.style.width = `${100 * share}%`;
  byId("bar").firstChild.classList.toggle("full", share > 0.9);
  byId("used").textContent = context ? `${plainNumber(used)} of ${plainNumber(context)} tokens of context` : "";
}

function showControls() {
  const writing = jobs.has(current.id);
  byId("send").textContent = writing ? "Stop" : "Send";
  for (const b of document.querySelectorAll("#thread .edit-button")) b.disabled = writing;
  showUse();
}

function showModels() {
  const picker = byId("model"), chosen = picker.value || stored("longhand.model");
  picker.replaceChildren(...server.models.map(({ id }) => el("option", { value: id }, id)));
  if (server.models.some(({ id }) => id === chosen)) picker.value = chosen;
  picker.hidden = server.models.length < 2;
  byId("name").textContent = server.models.length === 1 ? picker.value : "";
  if (current.messages.length === 0) showChat();
  showUse();
}

function showMenu(shown) {
  document.body.classList.toggle("menu", shown);
  byId("menu").setAttribute("aria-expanded", String(shown));
  if (shown) byId("new").focus();
}

const systemTheme = matchMedia("(prefers-color-scheme: dark)");
function showTheme() {
  const theme = stored("longhand.theme") ?? (systemTheme.matches ? "dark" : "light");
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = theme === "dark" ? "Light" : "Dark";
}

// Choosing what the system prefers means following the system again.
function toggleTheme() {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  try {
    if ((theme === "dark") === systemTheme.matches) localStorage.removeItem("longhand.theme");
    else localStorage.setItem("longhand.theme", theme);
  } catch { /* the choice is not kept */ }
  showTheme();
}
