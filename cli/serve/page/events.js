/* ---- Events ---------------------------------------------------------------------------------------------------------- */

function fit() {
  const field = byId("text");
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

function submit() {
  const job = jobs.get(current.id);
  if (job) return job.abort.abort();
  if (!send(current, byId("text").value, attached.map(({ name, text }) => ({ name, text })))) return;
  byId("text").value = "";
  attached = [];
  showChips();
  fit();
}

function composerKey(event) {
  if (event.isComposing) return;
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    if (!jobs.has(current.id)) submit();
  } else if (event.key === "ArrowUp" && byId("text").value === "") {
    [...document.querySelectorAll("#thread .edit-button")].at(-1)?.click();
  }
}

function pageKey(event) {
  if (event.key !== "Escape" || byId("options").open) return;
  if (document.body.classList.contains("menu")) { showMenu(false); byId("menu").focus(); }
  else jobs.get(current.id)?.abort.abort();
}

function useKey(event) {
  event.preventDefault();
  server.key = byId("key-text").value;
  try { sessionStorage.setItem("longhand.key", server.key); } catch { /* kept by this page alone */ }
  byId("key").hidden = true;
  byId("key-text").value = "";
  meetServer();
  if (current.messages.at(-1)?.error?.status === 401) again(current, current.messages.length - 1);
  byId("text").focus();
}

// Another page of this browser has changed a conversation.
function storageChanged({ key }) {
  if (!key?.startsWith(kPlace) || jobs.has(key.slice(kPlace.length))) return;
  const id = key.slice(kPlace.length), chat = readChat(key);
  if (chat) chats.set(id, chat);
  else chats.delete(id);
  if (chat && current.id === id && !document.querySelector("#thread .edit")) { current = chat; showChat(); }
  showList();
}

// Leaving the page stops its answers; what they have so far is kept.
function stopAll() {
  for (const job of jobs.values()) {
    job.abort.abort();
    save(job.chat);
  }
}

function listen() {
  const on = (target, name, act) => target.addEventListener(name, act);
  const dragged = (event) => event.dataTransfer?.types.includes("Files");
  on(byId("composer"), "submit", (event) => { event.preventDefault(); submit(); });
  on(byId("text"), "keydown", composerKey);
  on(byId("text"), "input", fit);
  on(byId("text"), "paste", (event) => { if (event.clipboardData.files.length) { event.preventDefault(); attach([...event.clipboardData.files]); } });
  on(byId("attach"), "click", () => byId("file").click());
  on(byId("file"), "change", async (event) => { await attach([...event.target.files]); event.target.value = ""; byId("text").focus(); });
  on(byId("new"), "click", () => { open(newChat()); byId("text").focus(); });
  on(byId("menu"), "click", () => showMenu(!document.body.classList.contains("menu")));
  on(document.querySelector("main"), "click", (event) => { if (!event.target.closest("#menu")) showMenu(false); });
  on(byId("settings"), "click", showOptions);
  on(byId("close"), "click", () => byId("options").close());
  on(byId("defaults"), "click", () => { for (const field of fields) field.value = ""; });
  on(byId("options"), "close", keepOptions);
  on(byId("theme"), "click", toggleTheme);
  on(systemTheme, "change", showTheme);
  on(byId("model"), "change", () => { try { localStorage.setItem("longhand.model", byId("model").value); } catch { /* not kept */ } showUse(); });
  on(byId("key"), "submit", useKey);
  on(document, "keydown", pageKey);
  on(document, "dragover", (event) => { if (dragged(event)) { event.preventDefault(); document.body.classList.add("dropping"); } });
  on(document, "dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
  on(document, "drop", (event) => { if (dragged(event)) { event.preventDefault(); document.body.classList.remove("dropping"); attach([...event.dataTransfer.files]); } });
  on(window, "storage", storageChanged);
  on(window, "pagehide", stopAll);
}

showTheme();
listen();
readChats();
open([...chats.values()].sort((a, b) => b.changed - a.changed)[0] ?? newChat());
byId("text").focus();
meetServer();
