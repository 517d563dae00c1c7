// A session with ollama's client.
import { address, answer, check, checkWeather, equal, load, question, refused, tool } from "./session.mjs";

const { Ollama } = load("ollama");
const client = new Ollama({ host: address });
const model = (await client.list()).models[0].name;
const messages = [{ role: "user", content: question }];
const options = { temperature: 0 };

const whole = await client.chat({ model, messages, options });
equal(whole.message.content, answer, "an answer");
let text = "", last;
for await (const part of await client.chat({ model, messages, options, stream: true })) {
  text += part.message.content;
  last = part;
}
equal(text, answer, "a streamed answer");
equal([last.done, last.done_reason], [true, "stop"], "the end of a stream");

equal((await client.generate({ model, prompt: question, options })).response, answer, "a prompt");
const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
const held = await client.chat({ model, messages, options, format: schema });
equal(typeof JSON.parse(held.message.content).n, "number", "structured output");

const called = await client.chat({ model, messages, options, tools: [{ type: "function", function: tool }] });
for (const call of called.message.tool_calls ?? []) checkWeather(call.function.arguments, "a call");

const vectors = await client.embed({ model, input: ["one", "two"] });
equal(vectors.embeddings.map((vector) => vector.length), [256, 256], "embeddings");
check((await client.show({ model })).capabilities.includes("completion"), "what a model can");
await refused(client.chat({ model, messages, options: { temperature: "hot" } }), 400, "a wrong type");
const endless = await client.chat({ model, messages, stream: true, options: { ignore_eos: true } });
let pieces = 0;
try {
  for await (const part of endless) if (part && ++pieces === 3) endless.abort();
} catch (error) {
  check(error.name === "AbortError", `abort: ${error}`);
}
const sixteen = await Promise.all(Array.from({ length: 16 }, () => client.chat({ model, messages, options })));
for (const one of sixteen) equal(one.message.content, answer, "one of sixteen");
console.log("ollama: fine");
