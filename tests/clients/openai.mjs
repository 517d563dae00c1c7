// A session with OpenAI's client.
import { address, answer, check, checkWeather, equal, load, question, refused, tool } from "./session.mjs";

const { OpenAI } = load("openai");
const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: "none", maxRetries: 0 });
const messages = [{ role: "user", content: question }];
const model = (await client.models.list()).data[0].id;
const create = (more) => client.chat.completions.create({ model, messages, temperature: 0, ...more });

const whole = await create({ logprobs: true, top_logprobs: 3 });
equal(whole.choices[0].message.content, answer, "an answer");
equal(whole.choices[0].logprobs.content[0].top_logprobs.length, 3, "probabilities");

let text = "", usage;
for await (const chunk of await create({ stream: true, stream_options: { include_usage: true } })) {
  text += chunk.choices[0]?.delta?.content ?? "";
  usage = chunk.usage ?? usage;
}
equal(text, answer, "a streamed answer");
equal(usage.prompt_tokens, whole.usage.prompt_tokens, "usage at the end of a stream");

const runner = client.chat.completions.stream({ model, messages, temperature: 0 });
equal((await runner.finalChatCompletion()).choices[0].message.content, answer, "the stream helper");

const schema = { type: "object", properties: { city: { type: "string", maxLength: 9 } }, required: ["city"], additionalProperties: false };
const held = await create({ response_format: { type: "json_schema", json_schema: { name: "city", strict: true, schema } } });
equal(typeof JSON.parse(held.choices[0].message.content).city, "string", "structured output");

const tools = [{ type: "function", function: tool }];
const called = await create({ tools, tool_choice: "required" });
equal(called.choices[0].finish_reason, "tool_calls", "a call");
const call = called.choices[0].message.tool_calls[0];
equal(call.function.name, "weather", "the function");
checkWeather(call.function.arguments, "a call");
const told = await create({
  tools,
  messages: [...messages, called.choices[0].message, { role: "tool", tool_call_id: call.id, content: "sunny" }],
});
check(told.choices[0].message, "an answer to a tool's result");
let streamed = "";
for await (const chunk of await create({ tools, tool_choice: "required", stream: true }))
  streamed += chunk.choices[0]?.delta?.tool_calls?.[0]?.function?.arguments ?? "";
checkWeather(streamed, "a streamed call");

const vectors = await client.embeddings.create({ model, input: ["one", "two"] });
equal(vectors.data.map((d) => d.embedding.length), [256, 256], "embeddings");
check(Math.abs(vectors.data[0].embedding.reduce((sum, x) => sum + x * x, 0) - 1) < 1e-3, "vectors of length 1");

const completion = await client.completions.create({ model, prompt: "hello", max_tokens: 3, temperature: 0 });
equal(completion.choices[0].finish_reason, "length", "a completion");

const response = await client.responses.create({ model, input: question, temperature: 0 });
equal(response.output_text, answer, "a response");
let delta = "", done;
for await (const event of await client.responses.create({ model, input: question, temperature: 0, stream: true })) {
  if (event.type === "response.output_text.delta") delta += event.delta;
  if (event.type === "response.completed") done = event.response;
}
equal(delta, answer, "a streamed response");
equal(done.status, "completed", "the end of a response");
const responseCall = await client.responses.create({
  model, input: question, tools: [{ type: "function", ...tool, strict: true }], tool_choice: "required",
});
checkWeather(responseCall.output.find((item) => item.type === "function_call").arguments, "a response's call");

await refused(create({ temperature: "hot" }), 400, "a wrong type");
await refused(create({ messages: [{ role: "user", content: "x".repeat(9000) }] }), 400, "a text too long");
await refused(client.chat.completions.create({ model }), 400, "no messages");

const abort = new AbortController();
let pieces = 0;
try {
  const endless = await create({ stream: true, max_tokens: 900, ignore_eos: true }, { signal: abort.signal });
  for await (const chunk of endless) if (chunk && ++pieces === 3) endless.controller.abort();
} catch (error) {
  check(error.name === "AbortError" || error instanceof OpenAI.APIUserAbortError, `abort: ${error}`);
}

const sixteen = await Promise.all(Array.from({ length: 16 }, () => create({})));
for (const one of sixteen) equal(one.choices[0].message.content, answer, "one of sixteen");
console.log("openai: fine");
