// A worksheet: marks what a student types, by hashes alone. The page does not know the answers.

/**
 * SHA-256 (FIPS 180-4), because a page that is opened from a file has no crypto.subtle.
 * @param {string} text of ASCII signs @returns {string} 64 hexadecimal digits
 */
function sha256(text) {
  const bytes = [...text].map((sign) => sign.charCodeAt(0)).concat(0x80);
  while (bytes.length % 64 !== 56) bytes.push(0);
  bytes.push(0, 0, 0, 0); // the length has 8 bytes
  for (const shift of [24, 16, 8, 0]) bytes.push(((8 * text.length) >>> shift) & 255);
  const hash = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
  for (let start = 0; start < bytes.length; start += 64) block(hash, bytes.slice(start, start + 64));
  return hash.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

/** The first 32 bits behind the point. @param {number} x @returns {number} */
function fraction(x) {
  return Math.floor((x % 1) * 2 ** 32) | 0;
}

const PRIMES = Array.from({ length: 310 }, (_, i) => i + 2).filter((n) => {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return true;
});
const ROUNDS = PRIMES.map((prime) => fraction(Math.cbrt(prime)));

/**
 * Mixes a block of 64 bytes into the hash.
 * @param {number[]} hash eight words, which change @param {number[]} bytes
 */
function block(hash, bytes) {
  const turn = (/** @type {number} */ x, /** @type {number} */ by) => (x >>> by) | (x << (32 - by));
  const w = ROUNDS.map((_, i) => (bytes[4 * i] << 24) | (bytes[4 * i + 1] << 16) | (bytes[4 * i + 2] << 8) | bytes[4 * i + 3]);
  for (let i = 16; i < 64; i++) {
    const [x, y] = [w[i - 15], w[i - 2]];
    const first = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3), second = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10);
    w[i] = (w[i - 16] + first + w[i - 7] + second) | 0;
  }
  let [a, b, c, d, e, f, g, h] = hash;
  for (let i = 0; i < 64; i++) {
    const choice = (e & f) ^ (~e & g), most = (a & b) ^ (a & c) ^ (b & c);
    const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice + ROUNDS[i] + w[i]) | 0;
    const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + most) | 0;
    [a, b, c, d, e, f, g, h] = [(one + two) | 0, a, b, c, (d + one) | 0, e, f, g];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => (hash[i] = (hash[i] + word) | 0));
}

/**
 * Marks an answer.
 * @param {{precision: number, length: number, reasons: string[]}} data
 * @param {{salt: string, right: string[], wrong: [string, number][]}} question @param {string} text
 * @returns {{right: boolean, reason: string}} reason: what is wrong, '' if nothing was typed
 */
function marked(data, question, text) {
  if (!text.trim()) return { right: false, reason: "" };
  const { value, reason } = numberTyped(text);
  if (reason) return { right: false, reason };
  const hashes = nearby(value, data.precision).map((each) => sha256(`${question.salt}:${each}`).slice(0, data.length));
  if (hashes.some((hash) => question.right.includes(hash))) return { right: true, reason: "" };
  for (const hash of hashes) {
    const found = question.wrong.find((each) => each[0] === hash);
    if (found) return { right: false, reason: data.reasons[found[1]] };
  }
  return { right: false, reason: "This is not right. The page does not know this mistake." };
}

/** Marks a part of the picture, and brings it into the middle. @param {Element} part */
function lookAt(part) {
  const picture = /** @type {Element} */ (part.closest("#picture"));
  const [box, frame] = [part.getBoundingClientRect(), picture.getBoundingClientRect()];
  part.classList.add("asked");
  picture.scrollBy((box.left + box.right - frame.left - frame.right) / 2, (box.top + box.bottom - frame.top - frame.bottom) / 2);
}

/** Connects the questions of the page with their blanks in the picture. */
function startSheet() {
  const find = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
  const data = JSON.parse(find("data").textContent), right = new Set();
  const score = () => (find("score").textContent = `${right.size} of ${data.questions.length} right`);
  data.questions.forEach((/** @type {any} */ question, /** @type {number} */ i) => {
    const input = find(`answer-${i}`), output = find(`mark-${i}`), part = find(question.part);
    const blank = part && part.querySelector(`[data-slot="${question.slot}"]`), empty = blank && blank.textContent;
    const mark = () => {
      const told = marked(data, question, input.value);
      output.textContent = told.right ? "✓ right" : told.reason && `✗ ${told.reason}`;
      output.className = told.right ? "right" : "wrong";
      input.setAttribute("aria-invalid", String(Boolean(told.reason)));
      right[told.right ? "add" : "delete"](i);
      if (blank) blank.textContent = told.right ? input.value.trim() : empty;
      score();
    };
    input.addEventListener("change", mark);
    input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter") mark();
    });
    input.addEventListener("focus", () => part && lookAt(part));
    input.addEventListener("blur", () => part && part.classList.remove("asked"));
    if (blank) blank.addEventListener("click", () => input.focus());
  });
  const svg = find("picture").querySelector("svg");
  svg.style.minWidth = `${0.75 * svg.viewBox.baseVal.width}px`; // smaller, its letters cannot be read
  score();
}
