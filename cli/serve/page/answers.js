/* ---- Answers --------------------------------------------------------------------------------------------------------- */

const jobs = new Map();  // by the id of the conversation that is being answered

async function answer(chat) {
  const message = { role: "assistant", text: "", reasoning: "", state: "writing" };
  const job = { chat, message, abort: new AbortController(), pieces: 0, cost: 0 };
  chat.messages.push(message);
  jobs.set(chat.id, job);
  touch(chat);
  if (chat === current) showChat();
  announce("The model is answering.");
  try {
    const reply = await ask("/v1/chat/completions",
      { method: "POST", body: JSON.stringify(requestOf(chat)), signal: job.abort.signal });
    for await (const event of eventsOf(reply)) take(job, event);
    if (message.state === "writing") message.state = "done";
  } catch (error) {
    fail(job, error);
  }
  clearTimeout(job.timer);
  jobs.delete(chat.id);
  if (message.state !== "failed") announce(`Answer: ${message.text.slice(0, 3000)}`);
  save(chat);
  if (chat === current) { paint(job); showControls(); }
}

function take(job, event) {
  const { message } = job;
  if (event.error) throw new Error(event.error.message ?? "The server could not go on.");
  const choice = event.choices?.[0];
  const text = choice?.delta?.content ?? "", reasoning = choice?.delta?.reasoning_content ?? "";
  if (text || reasoning) {
    job.began ??= performance.now();
    ++job.pieces;
    const seconds = (performance.now() - job.began) / 1000;
    message.numbers = { rate: seconds > 0.3 ? (job.pieces - 1) / seconds : 0, written: job.pieces };
  }
  message.text += text;
  message.reasoning += reasoning;
  if (choice?.finish_reason === "length") message.state = "cut";
  if (event.prompt_progress) job.progress = event.prompt_progress;
  if (event.timings) message.numbers = { rate: event.timings.predicted_per_second, written: event.timings.predicted_n };
  if (event.usage) message.numbers = { ...message.numbers, written: event.usage.completion_tokens, used: event.usage.total_tokens };
  later(job);
}

function fail(job, error) {
  const { message } = job;
  if (job.abort.signal.aborted) { message.state = "stopped"; return; }
  message.state = "failed";
  message.error = { message: error.message, status: error.status };
  announce(`Error: ${error.message}`);
  if (error.status === 401) askKey();
}

// Paints at most 25 times a second, and never more than a fifth of the time.
function later(job) {
  job.timer ??= setTimeout(() => {
    const begin = performance.now();
    job.timer = null;
    if (job.chat === current) paint(job);
    if (begin - (job.saved ?? 0) > 2000) { save(job.chat); job.saved = begin; }
    job.cost = performance.now() - begin;
  }, Math.max(40, 4 * job.cost));
}

function paint(job) {
  const thread = byId("thread");
  const stuck = thread.scrollHeight - thread.scrollTop - thread.clientHeight < 80;
  views.get(job.message)?.(job);
  showUse();
  if (stuck) thread.scrollTop = thread.scrollHeight;
}

function send(chat, text, files) {
  if (jobs.has(chat.id) || (text.trim() === "" && files.length === 0)) return false;
  chat.messages.push({ role: "user", text, files, state: "done" });
  answer(chat);
  byId("thread").scrollTop = byId("thread").scrollHeight;
  return true;
}

// Drops the messages from an index on and asks again. The button that did so goes, so the focus is put nearby.
function again(chat, index) {
  if (jobs.has(chat.id)) return;
  chat.messages.length = index;
  answer(chat);
  byId("thread").focus();
}
