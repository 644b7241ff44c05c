#!/usr/bin/env bash
# Firefox, driven by WebDriver BiDi, reports no request of a page that is a file.
#
# A test that wants to know whether a page loads anything listens to network.beforeRequestSent. Of a
# page at http:// it hears of the page, its style sheet and its picture. The same three files opened
# as file:// are loaded and shown just as well, but no event tells of any of them. So a test that
# counts requests of a file finds none, whatever the page loads, and can never fail. Chromium, driven
# by the same script through the same library, reports all three in both cases.
#
# Seen with puppeteer-core 24.43.1, Firefox ESR (by WebDriver BiDi) and Chromium (by CDP) of Debian 12,
# whose versions are printed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --no-update-notifier puppeteer-core@24.43.1
cat >page.html <<'HTML'
<!DOCTYPE html><html><head><link rel="stylesheet" href="style.css"></head>
<body><img id="picture" src="picture.svg"></body></html>
HTML
echo 'body { color: rgb(1, 2, 3); }' >style.css
echo '<svg xmlns="http://www.w3.org/2000/svg" width="70" height="30"/>' >picture.svg
cat >look.mjs <<'JS'
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import puppeteer from "puppeteer-core";

const kinds = { html: "text/html", css: "text/css", svg: "image/svg+xml" };
const server = createServer((request, answer) => {
  const name = request.url.slice(1);
  if (!(name.split(".").pop() in kinds) || name === "favicon.ico") return answer.writeHead(404).end();
  answer.writeHead(200, { "content-type": kinds[name.split(".").pop()] }).end(readFileSync(name));
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const places = { file: `file://${process.cwd()}/`, http: `http://127.0.0.1:${server.address().port}/` };
const browsers = { firefox: "/usr/bin/firefox-esr", chrome: "/usr/bin/chromium" };
const found = {};
for (const [browser, executablePath] of Object.entries(browsers)) {
  const driven = await puppeteer.launch({
    browser, executablePath, headless: true, args: browser === "chrome" ? ["--no-sandbox"] : [],
  });
  console.log(browser, await driven.version());
  for (const [kind, place] of Object.entries(places)) {
    const page = await driven.newPage();
    const asked = new Set();
    page.on("request", (request) => asked.add(request.url().split("/").pop()));
    await page.goto(`${place}page.html`, { waitUntil: "load" });
    const seen = await page.evaluate(() => [
      getComputedStyle(document.body).color, document.getElementById("picture").naturalWidth,
    ]);
    if (String(seen) !== "rgb(1, 2, 3),70") throw new Error(`not loaded: ${seen}`);
    found[`${browser} ${kind}`] = ["page.html", "style.css", "picture.svg"].filter((x) => asked.has(x)).length;
    await page.close();
  }
  await driven.close();
}
server.close();
console.log(JSON.stringify(found));
const expected = { "firefox file": 0, "firefox http": 3, "chrome file": 3, "chrome http": 3 };
if (JSON.stringify(found) !== JSON.stringify(expected)) throw new Error("this has changed");
JS
node look.mjs
