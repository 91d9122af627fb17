/**
 * The report's only script: buttons that hide a series, and the value of the mark nearest to the pointer. Without it
 * every chart and table still shows everything; the values stand in the tables too.
 */
export const SCRIPT = `
"use strict";
for (const button of document.querySelectorAll("[data-toggle]")) {
  button.addEventListener("click", () => {
    const shown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(shown));
    const marks = button.closest("figure").querySelectorAll("[data-series]");
    for (const mark of marks) if (mark.dataset.series === button.dataset.toggle) mark.classList.toggle("off", !shown);
  });
}
for (const svg of document.querySelectorAll("figure svg")) {
  const figure = svg.closest("figure");
  const texts = new Map();
  for (const title of svg.querySelectorAll("title")) {
    texts.set(title.parentElement, title.textContent);
    title.remove();
  }
  if (texts.size === 0) continue;
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  figure.append(tip);
  svg.addEventListener("pointerleave", () => { tip.hidden = true; });
  svg.addEventListener("pointermove", (event) => {
    let nearest = null, least = 40;
    for (const [mark, text] of texts) {
      const box = mark.getBoundingClientRect();
      if (box.width === 0 && box.height === 0) continue;
      const outside = (at, from, to) => Math.max(from - at, 0, at - to);
      const distance = Math.hypot(outside(event.clientX, box.left, box.right), outside(event.clientY, box.top, box.bottom));
      const size = box.width > 30 ? 6 : 0;
      if (distance + size < least) { least = distance + size; nearest = { box, text }; }
    }
    tip.hidden = nearest === null;
    if (nearest === null) return;
    tip.textContent = nearest.text;
    const frame = figure.getBoundingClientRect();
    const left = Math.min(event.clientX - frame.left + 12, frame.width - tip.offsetWidth - 4);
    tip.style.left = Math.max(4, left) + "px";
    tip.style.top = event.clientY - frame.top + 14 + "px";
  });
}
`;
