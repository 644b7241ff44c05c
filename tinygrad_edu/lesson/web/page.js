// One slider over the moments of a training run. Without this script, all moments are shown.
"use strict";

/** @type {NodeListOf<HTMLElement>} */
const allFrames = document.querySelectorAll(".frames");

for (const frames of allFrames) {
  const moments = /** @type {HTMLElement[]} */ ([...frames.querySelectorAll(".frame")]);
  const hand = document.createElement("div");
  const play = document.createElement("button");
  const range = document.createElement("input");
  const said = document.createElement("output");
  let timer = 0;

  /** @param {number} i */
  const label = (i) => moments[i].querySelector("p")?.textContent ?? "";

  /** @param {number} i */
  const show = (i) => {
    moments.forEach((moment, k) => { moment.hidden = k !== i; });
    range.value = String(i);
    range.setAttribute("aria-valuetext", label(i));
    said.textContent = label(i);
  };

  const stop = () => {
    clearInterval(timer);
    timer = 0;
    play.textContent = "Play";
  };

  const step = () => {
    const next = Number(range.value) + 1;
    if (next < moments.length) { show(next); }
    if (next >= moments.length - 1) { stop(); }
  };

  play.addEventListener("click", () => {
    if (timer) {
      stop();
      return;
    }
    if (Number(range.value) === moments.length - 1) { show(0); }
    timer = setInterval(step, 700);
    play.textContent = "Stop";
  });
  range.addEventListener("input", () => {
    stop();
    show(Number(range.value));
  });

  hand.className = "hand";
  play.type = "button";
  range.type = "range";
  range.min = "0";
  range.max = String(moments.length - 1);
  range.setAttribute("aria-label", frames.dataset.over ?? "");
  hand.append(play, range, said);
  frames.prepend(hand);
  frames.classList.add("moving");
  stop();
  show(0);
}
