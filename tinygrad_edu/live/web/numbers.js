// Numbers as text, digit by digit as tinygrad_edu.rows.formula writes them, and text as numbers.

/**
 * The decimal digits of a positive number, and the power of ten of the first one. Where two texts
 * are equally near, the even one is taken, as in Python; JavaScript itself takes the larger one.
 * @param {number} size
 * @param {number} [count] how many digits; without it, the fewest that give the number back
 * @returns {[string, number]}
 */
function digitsOf(size, count) {
  const split = (/** @type {number | undefined} */ behind) => size.toExponential(behind).replace(".", "").split("e");
  const [digits, power] = split(count && count - 1);
  // a tie has one digit more than is asked for, unless that is more than a double tells apart
  if (count && (count > 14 || split(undefined)[0].length === count + 1)) {
    const [exact, exponent] = split(100), even = Number(exact[count - 1]) % 2 === 0;
    if (even && /^50*$/.test(exact.slice(count))) return [exact.slice(0, count), Number(exponent)];
  }
  return [digits, Number(power)];
}

/**
 * Digits as a number; powers of ten below -4, and from `limit` on, are written as an exponent.
 * @param {string} digits
 * @param {number} power
 * @param {number} limit
 * @returns {string}
 */
function written(digits, power, limit) {
  const pointed = (/** @type {string} */ text, /** @type {number} */ whole) =>
    text.length > whole ? `${text.slice(0, whole)}.${text.slice(whole)}` : text;
  if (power < -4 || power >= limit) {
    return `${pointed(digits, 1)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  return power < 0 ? `0.${"0".repeat(-power - 1)}${digits}` : pointed(digits.padEnd(power + 1, "0"), power + 1);
}

/** @type {Map<number, string>[]} */
const texts = []; // of numbers, for each precision: most are written in several places

/** A number as text: see `textOf`. @param {number} x @param {number} [precision] @returns {string} */
function rounded(x, precision = 4) {
  const kept = (texts[precision] ??= new Map());
  if (kept.size > 10000) kept.clear();
  if (!kept.has(x)) kept.set(x, textOf(x, precision));
  return kept.get(x) ?? "";
}

/**
 * A number as text: `precision` decimals from 1 to 1e7, else `precision` digits, at least 1. A
 * number that these say exactly has no zeros at its end; a rounded one keeps them.
 * @param {number} x
 * @param {number} precision
 * @returns {string}
 */
function textOf(x, precision) {
  if (x === 0) return "0";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : x < 0 ? "-inf" : "nan";
  const sign = x < 0 ? "-" : "", size = Math.abs(x), [digits, power] = digitsOf(size);
  if (power >= 0 && size < 1e7) {
    if (digits.length - 1 - power <= precision) return sign + written(digits, power, 16);
    const [near, up] = digitsOf(size, power + 1 + precision);
    return sign + written(near.padEnd(up + 1 + precision, "0"), up, 16);
  }
  const most = Math.max(precision, 1);
  if (digits.length <= most) return sign + written(digits, power, power < most ? 16 : most);
  const [near, up] = digitsOf(size, most);
  if (up === 0 && /^10*$/.test(near)) return `${sign}1${precision ? "." : ""}${"0".repeat(precision)}`;
  return sign + written(near, up, most);
}

/** A number or a name inside of a formula: a negative one has brackets. @param {string} text @returns {string} */
function bracketed(text) {
  return text.startsWith("-") ? `(${text})` : text;
}

/**
 * A rounded number as the number that its text says.
 * @param {number} x
 * @param {number} precision
 * @returns {number}
 */
function seen(x, precision) {
  return Number.isFinite(x) ? Number(rounded(x, precision)) : x;
}

/**
 * "=", or "≈" where a pocket calculator that was given the rounded numbers differs.
 * @param {number} made what it makes of the numbers that are shown
 * @param {string} shown the rounded result beside them
 * @param {number} precision
 * @returns {string}
 */
function equals(made, shown, precision) {
  const told = rounded(made, precision), read = (/** @type {string} */ text) => Number(text.replace("inf", "Infinity"));
  return told === shown || read(told) === read(shown) ? "=" : "≈"; // 1.798e+308 is above every number
}

/**
 * The number that somebody typed: 2, -.5, 1e-3, 1/3, pi, inf, nan. reason: why the text is none,
 * or "".
 * @param {string} text
 * @returns {{value: number, reason: string}}
 */
function parse(text) {
  const words = new Map([["inf", Infinity], ["infinity", Infinity], ["nan", NaN], ["pi", Math.PI], ["π", Math.PI], ["e", Math.E]]);
  const parts = text.replace(/\u2212/g, "-").replace(/[\s_]/g, "").toLowerCase().split("/").map((part) => {
    const [, sign, size] = part.match(/^([+-]?)(.+)$/) || ["", "", ""];
    const plain = /^([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/.test(size);
    const number = plain ? Number(size) : words.get(size);
    return number === undefined ? undefined : sign === "-" ? -number : number;
  });
  const [above, below = 1] = parts;
  if (above === undefined || parts.length > 2 || parts.includes(undefined)) {
    const comma = /^[^,]*[0-9],[0-9][^,]*$/.test(text) ? ": write a point, not a comma" : ": write one such as -0.5, 1e-3 or 1/3";
    return { value: NaN, reason: text.trim() ? `this is not a number${comma}` : "a number is missing" };
  }
  return { value: above / below, reason: "" };
}
