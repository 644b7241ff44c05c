// Answers that a student types: read in every usual form, and compared with their neighbours.

/**
 * Reads a number: 0.5, .5, 0,5, 1/2, 5e-1, with blanks anywhere.
 * @param {string} text @returns {{value: number, reason: string}} reason: '' if it is a number
 */
function numberTyped(text) {
  return parse(text.includes(".") ? text : text.replace(/,/g, "."));
}

/**
 * n times a power of ten as its one text, without zeros at its end: 5e-1.
 * @param {bigint} n @param {number} power @returns {string}
 */
function scaled(n, power) {
  if (n === 0n) return "0e0";
  while (n % 10n === 0n) [n, power] = [n / 10n, power + 1];
  return `${n}e${power}`;
}

/**
 * The texts of a number that is rounded as the picture rounds, and of its two neighbours in the
 * last digit.
 * @param {number} x @param {number} precision decimals from 1 up, digits below @returns {string[]}
 */
function nearby(x, precision) {
  if (!Number.isFinite(x)) return [rounded(x, precision)];
  let [n, power] = [0n, -precision];
  if (x !== 0) {
    const sign = x < 0 ? "-" : "", size = digitsOf(Math.abs(x))[1];
    const count = 0 <= size && size < 7 ? size + precision + 1 : Math.max(precision, 1);
    const [digits, first] = digitsOf(Math.abs(x), count);
    power = first - count + 1;
    // 0.99999 is rounded to 1, whose last digit is another one
    if (first > size) return nearby(Number(`${sign}${digits}e${power}`), precision);
    n = BigInt(sign + digits);
  }
  return [0n, 1n, -1n].map((step) => scaled(n + step, power));
}
