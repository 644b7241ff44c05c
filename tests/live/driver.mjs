/**
 * Opens pages in a browser of the machine and does to them what a person does.
 *
 *   node driver.mjs chrome|firefox PROGRAM      (NODE_PATH: where puppeteer-core and axe-core are)
 *
 * Each line of the input is a list of actions, [name, ...arguments], as JSON. For each the answer is
 * one line: {results, asked, errors}, the result of each action, the addresses that were asked for,
 * and what the page complained about, both since the last answer. An action that fails ends its
 * list, and its answer has `failed`, which says why. One process serves as many pages as one likes.
 *
 * All that leaves the browser goes through a proxy in this process, which lets nothing out. It gives
 * the folder of a page under http://page.test, for the browser that does not tell of requests for
 * files, and under which a page without scripts can be looked into.
 */
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const PATIENCE = 30_000; // milliseconds
const HOST = "http://page.test/";
const FRAME = "http://page.test/frame-without-scripts";
/** What browsers ask for by themselves, whatever the page is: news of their makers, and an icon. */
const OWN = /favicon\.ico$|^https?:\/\/[\w.-]+\.(google|googleapis|gstatic|gvt1|mozilla|firefox)\.(com|net|org)[:/]/;
/** What they say of an icon, and of any page that is not encrypted. */
const OWN_WORDS = /favicon\.ico|should be served over HTTPS/;

const require = createRequire(import.meta.url); // unlike `import`, it reads NODE_PATH
const { launch } = await import(pathToFileURL(require.resolve("puppeteer-core")).href);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

let page, folder, file, asked = new Set(), errors = [];
/** How the document is called in expressions: that of the frame, if the page has no scripts. */
let here = "document";

/** Keeps an address that was asked for. */
function note(url) {
  if (!OWN.test(url) && !/^(blob|data|about):/.test(url)) asked.add(url);
}

/** The name of the page, or of a file beside it, that an address is of; "" if it is of no file. */
function beside(url) {
  const name = url.startsWith(HOST) ? url.slice(HOST.length) : "";
  return name && name === basename(name) && existsSync(join(folder, name)) ? name : "";
}

const proxy = createServer((request, response) => {
  note(request.url);
  if (request.url === FRAME) {
    const whole = 'style="border: 0; width: 98vw; height: 96vh"';
    response.setHeader("Content-Type", "text/html");
    response.end(`<iframe ${whole} sandbox="allow-same-origin" src="${file}"></iframe>`);
  } else if (beside(request.url)) {
    const kind = request.url.endsWith(".svg") ? "image/svg+xml" : "text/html; charset=utf-8";
    response.setHeader("Content-Type", kind);
    response.end(readFileSync(join(folder, beside(request.url))));
  } else {
    response.writeHead(request.url.endsWith("/favicon.ico") ? 204 : 404);
    response.end();
  }
});
proxy.on("connect", (request, socket) => {
  note(`https://${request.url}`);
  socket.end("HTTP/1.1 502 No\r\n\r\n");
});
await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
const { port } = proxy.address();

const [, , kind, executablePath] = process.argv;
const browser = await launch({
  browser: kind,
  executablePath,
  headless: true,
  args: kind === "firefox" ? [] : [
    ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
    `--proxy-server=http://127.0.0.1:${port}`,
  ],
  extraPrefsFirefox: {
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": port,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": port,
  },
});

/** Keeps a complaint. */
function complain(text) {
  if (!OWN_WORDS.test(text)) errors.push(text);
}

async function fresh() {
  await page?.close();
  page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  asked = new Set();
  errors = [];
  // a request that the page's policy stopped is told here, too; what goes out passes the proxy
  page.on("request", (request) => request.url().startsWith("file:") && note(request.url()));
  page.on("console", (said) => {
    const wrong = ["error", "warn", "assert"].includes(said.type());
    if (wrong) complain(said.text());
  });
  page.on("pageerror", (error) => complain(String(error?.message ?? error)));
  page.on("dialog", (dialog) => {
    errors.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("popup", () => errors.push("a window opened"));
}

/** The middle of an element, after it has been brought into sight. */
async function middle(selector) {
  const element = await page.waitForSelector(selector);
  await element.evaluate((found) => found.scrollIntoView({ block: "center", inline: "center" }));
  return element.evaluate((found) => {
    const { left, top, width, height } = found.getBoundingClientRect();
    return [left + width / 2, top + height / 2];
  });
}

const actions = {
  /**
   * A page in a tab of its own.
   * more: {width, height, hash, media: {feature: value}, served: as http://page.test/,
   *        scripts: false, in a frame then where they are forbidden}
   */
  async open(path, more = {}) {
    await fresh();
    [folder, file] = [dirname(path), basename(path)];
    here = more.scripts === false ? "frames[0].document" : "document";
    const address = more.scripts === false ? FRAME
      : more.served ? HOST + file : pathToFileURL(path).href;
    await actions.size(more.width ?? 1280, more.height ?? 800);
    if (more.media) await actions.media(more.media);
    await page.goto(address + (more.hash ?? ""), { waitUntil: "load" });
  },
  async again() {
    await page.reload({ waitUntil: "load" });
  },
  async size(width, height) {
    await page.setViewport({ width, height }).catch((error) => {
      // Firefox 140 does not know how a screen is turned, and has set the size by then
      if (!String(error).includes("setScreenOrientationOverride")) throw error;
    });
  },
  async media(features) {
    await page.emulateMediaFeatures(
      Object.entries(features).map(([name, value]) => ({ name, value })),
    );
  },
  /** screen or print; only Chromium can be told so. */
  async medium(type) {
    await page.emulateMediaType(type);
  },
  async click(selector) {
    await page.mouse.click(...(await middle(selector)));
  },
  async hover(selector) {
    await page.mouse.move(...(await middle(selector)));
  },
  async focus(selector) {
    await page.$eval(selector, (found) => found.focus());
  },
  /** Replaces what is in a field, and leaves it by Enter. */
  async type(selector, text) {
    await page.$eval(selector, (field) => (field.focus(), field.select()));
    await page.keyboard.press("Backspace");
    await page.keyboard.type(text);
    await page.keyboard.press("Enter");
  },
  async choose(selector, value) {
    await page.select(selector, value);
  },
  /** A key by its name; "Shift+Tab" is Tab while Shift is held. */
  async key(name, times = 1) {
    const keys = name.split("+");
    const last = keys.pop();
    for (const held of keys) await page.keyboard.down(held);
    for (let i = 0; i < times; i++) await page.keyboard.press(last);
    for (const held of keys) await page.keyboard.up(held);
  },
  /** From the middle of the element by so many pixels, in ten moves. */
  async drag(selector, right, down) {
    const [x, y] = await middle(selector);
    await page.mouse.move(x, y);
    await page.mouse.down();
    for (let i = 1; i <= 10; i++) await page.mouse.move(x + (right * i) / 10, y + (down * i) / 10);
    await page.mouse.up();
  },
  /** The value of an expression in the page; a promise is waited for. */
  async say(expression) {
    return page.evaluate(`((document) => (${expression}))(${here})`);
  },
  /** The same in the first frame of the page. */
  async inside(expression) {
    return page.frames()[1].evaluate(expression);
  },
  /** The value of an expression in the document of that frame of the page. */
  async within(selector, expression) {
    const element = await page.waitForSelector(selector);
    await element.evaluate((found) => found.scrollIntoView({ block: "center" }));
    return (await element.contentFrame()).evaluate(expression);
  },
  /** A click on the place that an expression in that frame gives, as [x, y]. */
  async touch(selector, expression) {
    const [x, y] = await actions.within(selector, expression);
    const [left, top] = await page.$eval(selector, (found) => {
      const { left, top } = found.getBoundingClientRect();
      return [left + found.clientLeft, top + found.clientTop];
    });
    await page.mouse.click(left + x, top + y);
  },
  /** Until the expression is true. */
  async until(expression) {
    const end = Date.now() + PATIENCE;
    while (!(await page.evaluate(expression))) {
      if (Date.now() > end) throw new Error(`never true: ${expression}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  },
  async wait(milliseconds) {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  },
  async picture(path) {
    await page.screenshot({ path });
  },
  /** What axe-core finds: rule, and the first elements that break it. */
  async axe() {
    await page.evaluate(`${axe}; undefined`);
    return page.evaluate(`axe.run(document, {iframes: false}).then((found) => found.violations.map((rule) =>
      [rule.id, ...rule.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)
        + " " + (node.any[0]?.message ?? ""))]))`);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const answer = { results: [] };
  try {
    for (const [name, ...given] of JSON.parse(line)) {
      answer.results.push((await actions[name](...given)) ?? null);
    }
  } catch (error) {
    answer.failed = String(error);
  }
  answer.asked = [...asked].sort();
  answer.errors = errors;
  asked = new Set();
  errors = [];
  console.log(JSON.stringify(answer));
}
await browser.close();
proxy.closeAllConnections();
proxy.close();
