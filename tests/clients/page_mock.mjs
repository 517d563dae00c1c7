// A server that shows the page of another one and answers what a test tells it to.
import http from "node:http";

const models = (ids) => ({ object: "list", data: ids.map((id) => ({ id, object: "model", meta: { n_ctx: 2000 } })) });

// `mock.answer(request, stream, reply)` writes each answer; `mock.asked` are the requests; `mock.left` counts the streams
// that the page closed; `mock.key` is what the server asks for; `mock.models` are the names of its models.
export async function startMock(pageAddress) {
  const mock = { asked: [], left: 0, key: null, models: ["mock"], answer: null };
  const routes = {
    "/": async (request, reply) => {
      const page = await fetch(pageAddress);
      const policy = page.headers.get("Content-Security-Policy");
      reply.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy });
      reply.end(await page.text());
    },
    "/v1/models": (request, reply) => reply.end(JSON.stringify(models(mock.models))),
    "/props": (request, reply) => reply.end(JSON.stringify({ default_generation_settings: { n_ctx: 2000 } })),
    "/v1/chat/completions": async (request, reply) => {
      let body = "";
      for await (const part of request) body += part;
      mock.asked.push(JSON.parse(body));
      reply.on("close", () => { if (!reply.writableEnded) ++mock.left; });
      await mock.answer(mock.asked.at(-1), new Stream(reply), reply);
    },
  };
  const server = http.createServer((request, reply) => {
    const allowed = request.url === "/" || !mock.key || request.headers.authorization === `Bearer ${mock.key}`;
    if (!allowed) return refuse(reply, 401, "the API key is missing or wrong");
    return (routes[request.url] ?? (() => refuse(reply, 404, "no such path")))(request, reply);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  mock.address = `http://127.0.0.1:${server.address().port}/`;
  mock.close = () => { server.closeAllConnections(); server.close(); };
  return mock;
}

export function refuse(reply, status, message) {
  reply.writeHead(status, { "Content-Type": "application/json" });
  reply.end(JSON.stringify({ error: { message, type: "invalid_request_error" } }));
}

class Stream {
  constructor(reply) {
    this.reply = reply;
  }
  raw(bytes) {
    if (!this.reply.headersSent) this.reply.writeHead(200, { "Content-Type": "text/event-stream" });
    return this.reply.write(bytes);
  }
  event(json) {
    return this.raw(`data: ${JSON.stringify(json)}\n\n`);
  }
  delta(delta) {
    return this.event({ choices: [{ index: 0, delta, finish_reason: null }] });
  }
  // Writes a text in pieces of some characters.
  text(text, step = 7) {
    for (let at = 0; at < text.length; at += step) this.delta({ content: text.slice(at, at + step) });
    return this;
  }
  end(reason = "stop") {
    this.event({ choices: [{ index: 0, delta: {}, finish_reason: reason }], timings: { predicted_per_second: 42, predicted_n: 10 } });
    this.event({ choices: [], usage: { prompt_tokens: 490, completion_tokens: 10, total_tokens: 500 } });
    this.raw("data: [DONE]\n\n");
    this.reply.end();
  }
}
