// A session with Anthropic's client.
import { address, answer, check, checkWeather, equal, load, question, refused, tool } from "./session.mjs";

const { Anthropic } = load("@anthropic-ai/sdk");
const client = new Anthropic({ baseURL: address, apiKey: "none", maxRetries: 0 });
const messages = [{ role: "user", content: question }];
const create = (more) => client.messages.create({ model: "any", max_tokens: 60, temperature: 0, messages, ...more });

const whole = await create({});
equal(whole.content.map((block) => block.text), [answer], "an answer");
equal(whole.stop_reason, "end_turn", "its end");

const stream = client.messages.stream({ model: "any", max_tokens: 60, temperature: 0, messages });
let text = "";
stream.on("text", (more) => (text += more));
const final = await stream.finalMessage();
equal(text, answer, "a streamed answer");
equal(final.stop_reason, "end_turn", "the end of a stream");

const counted = await client.messages.countTokens({ model: "any", messages });
equal(counted.input_tokens, whole.usage.input_tokens + whole.usage.cache_read_input_tokens, "counted tokens");

const tools = [{ name: tool.name, description: tool.description, input_schema: tool.parameters }];
const called = await create({ tools, tool_choice: { type: "any" }, max_tokens: 400 });
equal(called.stop_reason, "tool_use", "a call");
const use = called.content.find((block) => block.type === "tool_use");
checkWeather(use.input, "a call");
const streamed = await client.messages
  .stream({ model: "any", max_tokens: 400, messages, tools, tool_choice: { type: "tool", name: "weather" } })
  .finalMessage();
checkWeather(streamed.content.find((block) => block.type === "tool_use").input, "a streamed call");
const told = await create({
  tools,
  messages: [
    ...messages,
    { role: "assistant", content: called.content },
    { role: "user", content: [{ type: "tool_result", tool_use_id: use.id, content: "sunny" }] },
  ],
});
check(told.content.length >= 0, "an answer to a tool's result");

await refused(create({ max_tokens: "many" }), 400, "a wrong type");
await refused(create({ messages: [{ role: "user", content: "x".repeat(9000) }] }), 400, "a text too long");

const endless = client.messages.stream({ model: "any", max_tokens: 900, messages, ignore_eos: true });
let pieces = 0;
endless.on("text", () => ++pieces === 3 && endless.abort());
await endless.done().catch((error) => check(error.constructor.name === "APIUserAbortError", `abort: ${error}`));

const sixteen = await Promise.all(Array.from({ length: 16 }, () => create({})));
for (const one of sixteen) equal(one.content[0].text, answer, "one of sixteen");
console.log("anthropic: fine");
