/* ---- Conversations, kept ---------------------------------------------------------------------------------------------
   chat: { id, title, named, changed, options: { system, temperature, ... }, messages }
   message: { role, text, files: [{ name, text }], reasoning, state: "done" | "writing" | "stopped" | "failed" | "cut",
              error: { message, status }, numbers: { rate, written, used } } */

const kPlace = "longhand.chat.";
const chats = new Map();
let current = null;

function stored(key) {
  try { return localStorage.getItem(key); } catch { return null; }
}

function readChat(key) {
  try {
    const chat = JSON.parse(stored(key));
    if (kPlace + chat.id !== key || !Array.isArray(chat.messages)) return null;
    for (const m of chat.messages) {
      if (typeof m.text !== "string" || !["user", "assistant"].includes(m.role)) return null;
      if (m.state === "writing") m.state = "stopped";
    }
    return { title: "", changed: 0, ...chat, options: chat.options ?? {} };
  } catch { return null; }
}

function readChats() {
  let keys = [];
  try { keys = Object.keys(localStorage); } catch { notice("This browser keeps nothing for this page: conversations end with it."); }
  for (const key of keys.filter((k) => k.startsWith(kPlace))) {
    const chat = readChat(key);
    if (chat) chats.set(chat.id, chat);
  }
}

function save(chat) {
  if (!chats.has(chat.id)) return;
  try { localStorage.setItem(kPlace + chat.id, JSON.stringify(chat)); }
  catch { notice("The browser's store is full: this conversation is not kept. Delete others to make room."); }
}

function newChat() {
  const id = Date.now().toString(36) + Math.random().toString(36).slice(2, 8);
  return { id, title: "", changed: Date.now(), options: { ...current?.options }, messages: [] };
}

// A conversation is listed and kept from its first message on.
function touch(chat) {
  chats.set(chat.id, chat);
  chat.changed = Date.now();
  if (!chat.named && chat.messages.length) {
    const { text, files } = chat.messages[0];
    chat.title = (text.trim().split("\n")[0] || files?.[0]?.name || "").slice(0, 80);
  }
  save(chat);
  showList();
}

function removeChat(chat) {
  jobs.get(chat.id)?.abort.abort();
  chats.delete(chat.id);
  try { localStorage.removeItem(kPlace + chat.id); } catch { /* nothing is kept */ }
  if (chat === current) open(newChat());
  showList();
  byId("new").focus();
  notice(`“${chat.title}” is deleted.`, "Undo", () => { chats.set(chat.id, chat); save(chat); open(chat); });
}
