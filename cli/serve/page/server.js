/* ---- The server ------------------------------------------------------------------------------------------------------ */

const server = { models: [], context: 0 };

function headers() {
  let key = null;
  try { key = sessionStorage.getItem("longhand.key"); } catch { key = server.key; }
  return { "Content-Type": "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}) };
}

// A reply with status 200; other replies are thrown with the server's message.
async function ask(path, more = {}) {
  let reply;
  try { reply = await fetch(path, { headers: headers(), ...more }); }
  catch (error) { throw error.name === "AbortError" ? error : new Error("The server cannot be reached."); }
  if (reply.ok) return reply;
  const body = await reply.text();
  let message = body.slice(0, 500) || reply.statusText;
  try { message = JSON.parse(body).error.message ?? message; } catch { /* not JSON: as it is */ }
  throw Object.assign(new Error(message), { status: reply.status });
}

async function meetServer() {
  try {
    server.models = (await (await ask("/v1/models")).json()).data ?? [];
    if (server.models.length < 2) server.context = (await (await ask("/props")).json()).default_generation_settings?.n_ctx ?? 0;
    hideNotice("server");
    showModels();
  } catch (error) {
    if (error.status === 401) return askKey();
    const wait = error.status === 503;
    notice(wait ? "The model is being loaded." : error.message, "Retry", meetServer, "server");
    if (wait) setTimeout(meetServer, 1000);
  }
}

function askKey() {
  byId("key").hidden = false;
  byId("key-text").focus();
}

const contextSize = () => server.models.find((m) => m.id === byId("model").value)?.meta?.n_ctx ?? server.context;

// What the model is shown of a message: files come before the text, each fenced.
function contentOf({ text, files = [] }) {
  const parts = files.map((file) => {
    const longest = Math.max(2, ...(file.text.match(/`+/g) ?? []).map((run) => run.length));
    const fence = "`".repeat(longest + 1);
    return `File ${file.name}:\n${fence}\n${file.text}\n${fence}`;
  });
  return [...parts, text].filter((part) => part !== "").join("\n\n");
}

// Answers that failed or were stopped at once are left out, and neighbours of one role joined: templates want turns.
function requestOf(chat) {
  const messages = chat.options.system ? [{ role: "system", content: chat.options.system }] : [];
  for (const message of chat.messages) {
    const content = contentOf(message);
    if (content === "") continue;
    if (messages.at(-1)?.role === message.role) messages.at(-1).content += `\n\n${content}`;
    else messages.push({ role: message.role, content });
  }
  const request = { messages, stream: true, stream_options: { include_usage: true }, return_progress: true };
  if (byId("model").value) request.model = byId("model").value;
  for (const name of kNumbers) if (Number.isFinite(chat.options[name])) request[name] = chat.options[name];
  return request;
}

// The events of a stream, as JSON, until "[DONE]".
async function* eventsOf(reply) {
  const reader = reply.body.getReader(), decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(() => { throw new Error("The connection broke off."); });
      const lines = (rest + (done ? `${decoder.decode()}\n` : decoder.decode(value, { stream: true }))).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        const data = line.startsWith("data:") ? line.slice(5).trim() : "";
        if (data === "[DONE]") return;
        if (data !== "") yield eventOf(data);
      }
      if (done) throw new Error("The connection ended before the answer did.");
    }
  } finally {
    reader.cancel().catch(() => {});  // whatever ended this, the server need not write on
  }
}

function eventOf(data) {
  try { return JSON.parse(data); } catch { throw new Error("The server sent an event that is not JSON."); }
}
