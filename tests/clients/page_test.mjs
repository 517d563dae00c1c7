// The server's page in Chromium: page_test.mjs ADDRESS [FOLDER FOR SCREENSHOTS]. ADDRESS serves the bundled model; where a
// test needs answers that this model does not give, a mock shows the same page. LONGHAND_CLIENTS is where puppeteer-core is
// installed, LONGHAND_CHROMIUM the browser.
import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { answer, check, equal, load, question } from "./session.mjs";
import { refuse, startMock } from "./page_mock.mjs";

const puppeteer = load("puppeteer-core");
const [, , address, shots] = process.argv;
const browser = await puppeteer.launch({
  executablePath: process.env.LONGHAND_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
const mock = await startMock(address);
const folder = await fs.mkdtemp(path.join(os.tmpdir(), "page-"));

// A page with an empty store. What it must never do is collected in page.wrongs.
async function openPage(url) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.wrongs = [];
  page.on("dialog", (dialog) => { page.wrongs.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("pageerror", (error) => page.wrongs.push(`error: ${error.message}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(new URL(url).origin) && request.url() !== "data:,") page.wrongs.push(`request: ${request.url()}`);
  });
  await page.evaluateOnNewDocument(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
  });
  await page.setViewport({ width: 1200, height: 800 });
  await page.goto(url);
  await page.waitForSelector("#text");
  return page;
}

async function closePage(page, what) {
  equal([...page.wrongs, ...(await page.evaluate(() => window.violations))], [], `${what}: what the page must not do`);
  await page.browserContext().close();
}

const textOf = (page, selector) => page.$eval(selector, (node) => node.textContent);
const textsOf = (page, selector) => page.$$eval(selector, (nodes) => nodes.map((node) => node.textContent));
const until = (page, condition, ...more) => page.waitForFunction(condition, { timeout: 60000, polling: 50 }, ...more);
const ended = (page) => until(page, () => document.querySelector("#send").textContent === "Send" && document.querySelector(".message:last-child[aria-label=Model]"));
const shot = (page, name) => shots && page.screenshot({ path: path.join(shots, `${name}.png`) });

async function say(page, text) {
  await page.focus("#text");
  await page.keyboard.type(text);
  await page.keyboard.press("Enter");
}

async function sayAndWait(page, text) {
  await say(page, text);
  await ended(page);
}

async function setOption(page, name, value) {
  await page.click("#settings");
  await page.focus(`#options [name=${name}]`);
  await page.keyboard.type(value);
  await page.keyboard.press("Escape");
  await until(page, () => !document.querySelector("#options").open);
}

const tests = {
  async "a conversation with the model"() {
    const page = await openPage(address);
    await setOption(page, "temperature", "0");
    await sayAndWait(page, question);
    equal(await textOf(page, ".said.prose"), answer, "the answer");
    check(/^\d+ tokens · [\d.,]+ tokens\/s$/.test(await textOf(page, ".numbers")), "tokens a second");
    check(/^[1-9]\d* of 2,048 tokens of context$/.test(await textOf(page, "#used")), "use of the context");
    check((await textOf(page, "#status")).includes(answer), "the answer is announced");
    await shot(page, "conversation");
    await page.reload();
    await page.waitForSelector(".said.prose");
    equal(await textsOf(page, ".said"), [question, answer], "after a reload");
    equal(await textsOf(page, "#chats .title"), [question], "the list");
    await page.click("#settings");
    equal(await page.$eval("#options [name=temperature]", (field) => field.value), "0", "a setting after a reload");
    await page.keyboard.press("Escape");
    await closePage(page, "a conversation");
  },

  async "the server's own error"() {
    const page = await openPage(address);
    await page.$eval("#text", (field) => { field.value = "x".repeat(9000); });
    await page.focus("#text");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".error");
    check((await textOf(page, ".error")).includes("Error 400"), "a prompt too long");
    await closePage(page, "an error");
  },

  async "stop, retry and edit"() {
    const page = await openPage(mock.address);
    mock.answer = (request, stream) => { stream.text("It goes on"); };  // and does not end
    await say(page, "First");
    await until(page, () => document.querySelector(".said.prose")?.textContent === "It goes on");
    const left = mock.left;
    await page.keyboard.press("Escape");
    await ended(page);
    equal(await textOf(page, ".note"), "Stopped.", "a stopped answer");
    await until(page, () => document.querySelector(".retry"));
    for (let i = 0; i < 100 && mock.left === left; ++i) await new Promise((done) => setTimeout(done, 20));
    equal(mock.left, left + 1, "the server is left when an answer is stopped");

    mock.answer = (request, stream) => stream.text(`To ${request.messages.at(-1).content}`).end();
    await page.click(".retry");
    await ended(page);
    equal(await textsOf(page, ".said"), ["First", "To First"], "after a retry");
    await sayAndWait(page, "Second");
    equal(mock.asked.at(-1).messages.map((m) => m.content), ["First", "To First", "Second"], "what is sent");
    await page.click(".user .edit-button");
    await page.keyboard.type(" edited");
    await page.keyboard.press("Enter");
    await ended(page);
    equal(await textsOf(page, ".said"), ["First edited", "To First edited"], "after an edit");
    equal(mock.asked.at(-1).messages.length, 1, "messages after the edited one are not sent");
    await page.click("#notice .framed");
    equal((await textsOf(page, ".said")).length, 4, "an edit undone");
    await ended(page);

    mock.answer = (request, stream) => { stream.text("Half of it"); };
    await say(page, "Third");
    await until(page, () => [...document.querySelectorAll(".said.prose")].at(-1).textContent === "Half of it");
    await page.reload();
    await page.waitForSelector(".note");
    equal((await textsOf(page, ".said")).slice(4), ["Third", "Half of it"], "an answer that a reload cuts");
    equal(await textOf(page, ".note"), "Stopped.", "its state");
    await closePage(page, "stop, retry and edit");
  },

  async "hostile answers"() {
    const page = await openPage(mock.address);
    const attack = "window.hacked = true; alert(1)";
    const hostile = [
      `<script>${attack}</script>`, `<img src=x onerror="${attack}">`, `<svg onload="${attack}"><iframe srcdoc="<script>${attack}</script>">`,
      `[a](javascript:${attack.replaceAll(" ", "")}) [b](JaVaScRiPt:alert(1)) [c](data:text/html,<b>) [d](vbscript:x) [e](/v1/models)`,
      `<javascript:alert(1)> [f](java\tscript:alert(1)) [g](&#106;avascript:alert(1))`,
      `![track](https://example.com/pixel.png) [ok](https://example.com/a_(b)) <mailto:a@example.com> https://example.com/x.`,
      `**<b onclick="${attack}">bold</b>**`, `| <script>${attack}</script> | b |\n|---|---|\n| <img src=x onerror=alert(1)> | [x](javascript:alert(1)) |`,
      "```html\" onload=\"x\n<script>alert(1)</script>\n```", `# <style>*{display:none}</style>`, `> - <form action=/x><input autofocus onfocus=alert(1)>`,
    ].join("\n\n");
    mock.answer = (request, stream) => stream.text(hostile).end();
    await sayAndWait(page, "<img src=x onerror=alert(2)>");
    equal(await page.evaluate(() => window.hacked), undefined, "scripts that ran");
    equal(await page.$$eval("#thread :is(script, img, svg, iframe, form, input, style, object, b)", (n) => n.length), 0, "HTML that became nodes");
    const links = await page.$$eval("#thread a", (nodes) => nodes.map((a) => [a.getAttribute("href"), a.rel, a.target]));
    const ok = (href) => [href, "noopener noreferrer", "_blank"];
    equal(links, ["https://example.com/pixel.png", "https://example.com/a_(b)", "mailto:a@example.com", "https://example.com/x"].map(ok), "links");
    check((await textOf(page, ".said.prose")).includes(`<script>${attack}</script>`), "HTML is shown as text");
    check((await page.$$eval("#thread *", (nodes) => nodes.every((n) => n.getAttributeNames().every((a) => !a.startsWith("on"))))), "no handlers");
    await page.reload();
    await page.waitForSelector(".said.prose");
    equal(await page.evaluate(() => window.hacked), undefined, "scripts that ran after a reload");
    await closePage(page, "hostile answers");
  },

  async "broken and endless answers"() {
    const page = await openPage(mock.address);
    const bytes = (text) => Buffer.concat([Buffer.from('data: {"choices":[{"delta":{"content":"'), text, Buffer.from('"}}]}\n\n')]);
    mock.answer = (request, stream) => {
      stream.raw(bytes(Buffer.from([0x61, 0xff, 0xfe, 0xc3, 0x62, 0xed, 0xa0, 0x80])));
      const split = bytes(Buffer.from("é\u{1f600}"));
      for (const byte of split) stream.raw(Buffer.from([byte]));
      stream.end();
    };
    await sayAndWait(page, "broken");
    check(/^a\ufffd+b\ufffd+é\u{1f600}$/u.test(await textOf(page, ".said.prose")), "broken UTF-8");

    const patterns = ["| a | b |\n|---|---|\n" + "| 1 | 2 |\n".repeat(3000), "|".repeat(30000) + "\n" + "|-".repeat(15000) + "|\n",
      "> ".repeat(20000) + "x", "- ".repeat(20000), "**a ".repeat(15000), "_a *b ~~c ".repeat(8000), "[".repeat(50000), "[a](".repeat(15000),
      "`".repeat(30001) + " `` ".repeat(10000), "  - x\n".repeat(3000), "https://".repeat(8000), "\\".repeat(50001), "* * * ".repeat(8000) + "x",
      "***a**b*".repeat(8000), "    ".repeat(9000) + "x", "<https://".repeat(8000), "[a](b(c".repeat(9000), "```\n".repeat(9999)];
    const shown = await page.evaluate((texts) => {  // a search that goes over a text again and again would not come back
      for (const text of texts) showMarkdown(document.createElement("div"), text);
      return texts.length;
    }, patterns);
    equal(shown, patterns.length, "texts that are shown");

    mock.answer = (request, stream, reply) => {  // rows as long as somebody reads them
      stream.text("| a | b |\n|---|---|\n");
      const timer = setInterval(() => stream.text("| **1** | [x](https://example.com) |\n".repeat(20), 200), 10);
      reply.on("close", () => clearInterval(timer));
    };
    await say(page, "endless");
    await until(page, () => document.querySelectorAll("td").length > 1000);
    await page.keyboard.press("Escape");
    await ended(page);
    equal(await textOf(page, ".note"), "Stopped.", "an endless table");

    mock.answer = (request, stream) => { stream.text("a"); stream.raw("data: {oops\n\n"); };
    await sayAndWait(page, "no JSON");
    check((await textsOf(page, ".error")).at(-1).includes("not JSON"), "an event that is not JSON");
    mock.answer = (request, stream, reply) => { stream.text("half"); setTimeout(() => reply.end(), 50); };
    await sayAndWait(page, "cut");
    check((await textsOf(page, ".error")).at(-1).includes("connection ended"), "a stream that ends early");
    mock.answer = (request, stream) => { stream.event({ error: { message: "out of memory" } }); };
    await sayAndWait(page, "error");
    check((await textsOf(page, ".error")).at(-1).includes("out of memory"), "an error in a stream");
    await closePage(page, "broken answers");
  },

  async "an error and a retry"() {
    const page = await openPage(mock.address);
    mock.answer = (request, stream, reply) => refuse(reply, 429, "256 requests wait already");
    await sayAndWait(page, "Hello");
    equal(await textOf(page, ".error"), "Error 429256 requests wait alreadyRetry", "an error");
    mock.answer = (request, stream) => stream.text("Welcome").end("length");
    await page.click(".retry");
    await ended(page);
    equal(await textsOf(page, ".said"), ["Hello", "Welcome"], "after a retry");
    check((await textOf(page, ".note")).startsWith("Cut"), "an answer that was cut");
    await closePage(page, "an error");
  },

  async "a key"() {
    mock.key = "secret";
    const page = await openPage(mock.address);
    await page.waitForSelector("#key:not([hidden])");
    mock.answer = (request, stream) => stream.text("Open").end();
    await sayAndWait(page, "Hello");
    check((await textOf(page, ".error")).includes("key is missing"), "without a key");
    await page.focus("#key-text");
    await page.keyboard.type("secret");
    await page.keyboard.press("Enter");
    await until(page, () => document.querySelector(".said.prose")?.textContent === "Open");
    equal(await page.evaluate(() => [Object.values(localStorage).join().includes("secret"), sessionStorage.getItem("longhand.key")]), [false, "secret"], "where the key is kept");
    mock.key = null;
    await closePage(page, "a key");
  },

  async "Markdown, reasoning and numbers"() {
    const page = await openPage(mock.address);
    const text = "## A *plan* of `code`\n\nOne **bold** and _slanted_ word, 2 * 3 * 4, snake_case_name, ~~gone~~.\nA second line.\n\n1. first\n   - inner\n   - more\n2. second\n\n   ```js\n   f(1);\n   ```\n\n> quoted\n> text\n\n| Name | Count |\n|:-----|------:|\n| a \\| b | 1 |\n| c | 22 |\n\n---\n\n```python\ndef f(x):\n    return x < 1 && \"**no**\"\n```\n";
    mock.answer = (request, stream) => {
      stream.event({ choices: [], prompt_progress: { total: 100, cache: 0, processed: 40 } });
      stream.delta({ reasoning_content: "Let me *think*." });
      stream.text(text, 3).end();
    };
    await sayAndWait(page, "Show all");
    const shape = await page.$eval(".said.prose", (node) => [...node.querySelectorAll("*")].map((n) => n.nodeName.toLowerCase()).join(" "));
    equal(shape, "h2 em code p strong em del ol li ul li li li div div span button pre code blockquote p div table thead tr th th tbody tr td td tr td td hr div div span button pre code", "nodes");
    equal((await textsOf(page, ".code code")).at(-1), "def f(x):\n    return x < 1 && \"**no**\"", "code");
    equal((await textsOf(page, "td"))[0], "a | b", "a cell");
    equal(await page.$eval("details.thought", (node) => [node.open, node.querySelector("em").textContent]), [false, "think"], "reasoning is folded");
    equal(await textOf(page, ".numbers"), "10 tokens · 42 tokens/s", "numbers");
    equal(await textOf(page, "#used"), "500 of 2,000 tokens of context", "use of the context");
    await page.browserContext().overridePermissions(new URL(mock.address).origin, ["clipboard-read", "clipboard-write", "clipboard-sanitized-write"]);
    await (await page.$$(".code button")).at(-1).click();
    await until(page, () => [...document.querySelectorAll(".code button")].at(-1).textContent === "Copied");
    equal(await page.evaluate(() => navigator.clipboard.readText()), "def f(x):\n    return x < 1 && \"**no**\"", "what is copied");
    await shot(page, "markdown");
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
    await until(page, () => document.documentElement.dataset.theme === "dark");
    await shot(page, "dark");
    await page.click("#theme");
    equal(await page.evaluate(() => document.documentElement.dataset.theme), "light", "the toggle");
    await page.click("#theme");
    await page.setViewport({ width: 360, height: 740 });
    equal(await page.evaluate(() => document.documentElement.scrollWidth), 360, "a narrow screen does not scroll aside");
    await shot(page, "narrow-dark");
    await page.click("#menu");
    await new Promise((done) => setTimeout(done, 300));
    await shot(page, "narrow-menu");
    await page.keyboard.press("Escape");
    equal(await page.evaluate(() => document.activeElement.id), "menu", "where the focus goes back to");
    await closePage(page, "Markdown");
  },

  async "settings, files and models"() {
    mock.models = ["one", "two"];
    const page = await openPage(mock.address);
    mock.answer = (request, stream) => stream.text("Read").end();
    await page.waitForSelector("#model:not([hidden])");
    await page.select("#model", "two");
    await setOption(page, "system", "Be brief.");
    await setOption(page, "min_p", "0.1");
    const [good, big, binary] = ["notes.md", "big.txt", "image.png"].map((name) => path.join(folder, name));
    await fs.writeFile(good, "Some ```code```\n");
    await fs.writeFile(big, "x".repeat(300 * 1024));
    await fs.writeFile(binary, Buffer.from([0x89, 0x50, 0xff, 0x00]));
    const field = await page.$("#file");
    await field.uploadFile(good);
    await until(page, () => document.querySelector(".chip")?.textContent.startsWith("notes.md · 16 bytes"));
    await field.uploadFile(big);
    await until(page, () => document.querySelector("#notice").textContent.includes("a file may have 256 KiB"));
    await field.uploadFile(binary);
    await until(page, () => document.querySelector("#notice").textContent.includes("is not a text"));
    await sayAndWait(page, "Read it");
    const asked = mock.asked.at(-1);
    equal([asked.model, asked.min_p, asked.temperature, asked.stream_options.include_usage], ["two", 0.1, undefined, true], "fields of the request");
    equal(asked.messages, [{ role: "system", content: "Be brief." },
      { role: "user", content: "File notes.md:\n````\nSome ```code```\n\n````\n\nRead it" }], "messages of the request");
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.items.add(new File(["dropped"], "drop.txt"));
      document.dispatchEvent(new DragEvent("drop", { dataTransfer: data, cancelable: true }));
    });
    await until(page, () => document.querySelector(".chip")?.textContent.startsWith("drop.txt"));
    mock.models = ["mock"];
    await closePage(page, "settings");
  },

  async "several conversations, by keyboard alone"() {
    const page = await openPage(mock.address);
    mock.answer = (request, stream) => stream.text("Yes").end();
    const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
    const go = async (selector) => {  // by Tab, as a reader of the keyboard does
      for (let i = 0; i < 60; ++i) {
        if (await page.evaluate((s) => document.activeElement?.matches(s) ?? false, selector)) return;
        await press("Tab");
      }
      throw new Error(`Tab does not reach ${selector}`);
    };
    await page.keyboard.type("One");
    await press("Enter");
    await ended(page);
    await go("#new");
    await press("Enter");
    await page.keyboard.type("Two");
    await press("Enter");
    await ended(page);
    equal(await textsOf(page, "#chats .title"), ["Two", "One"], "conversations");
    await go("[aria-label='Rename Two']");
    await press("Enter");
    await page.keyboard.type("Renamed");
    await press("Enter");
    equal(await textsOf(page, "#chats .title"), ["Renamed", "One"], "a new name");
    await go("[aria-label='Delete One']");
    await press("Enter");
    equal(await textsOf(page, "#chats .title"), ["Renamed"], "a deleted conversation");
    await go("#notice .framed");
    await press("Enter");
    equal(await textsOf(page, "#chats .title"), ["Renamed", "One"], "a deletion undone");
    equal(await textsOf(page, ".said"), ["One", "Yes"], "the conversation is back");
    await page.focus("#text");
    await press("ArrowUp");
    equal(await page.evaluate(() => document.activeElement.value), "One", "ArrowUp edits the last message");
    await press("Escape");
    await closePage(page, "conversations");
  },
};

let failed = 0;
for (const [name, run] of Object.entries(tests)) {
  try {
    await run();
    console.log(`page: ${name}: fine`);
  } catch (error) {
    ++failed;
    mock.key = null;
    console.error(`page: ${name}: ${error.stack}`);
  }
}
await browser.close();
mock.close();
await fs.rm(folder, { recursive: true });
process.exit(failed ? 1 : 0);
