// What every page is looked at for, in whatever view: nothing wider than the window,
// letters that can be read. Functions for `page.evaluate`.

// How many pixels the page is wider than its window.
export const wider = () => document.scrollingElement.scrollWidth - window.innerWidth;

// What cannot be read: too little contrast (4.5 to 1; what is large, 3 to 1), cells so
// narrow that words are broken letter by letter, letters of plots too small or cut off.
export const unreadable = () => {
  const found = [];
  const numbers = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const opaque = (colour) => {
    const [, , , alpha] = numbers(colour);
    return colour !== "transparent" && (alpha ?? 1) > 0.99;
  };
  const luminance = (colour) => {
    const [r, g, b] = numbers(colour).map((of) => {
      const c = of / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (opaque(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const told = (element) => element.textContent.trim().slice(0, 40);
  const shown = (element) => element.checkVisibility() && element.getClientRects().length > 0;

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest("svg, script, style") || !shown(element)) continue;
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const has = contrast(style.color, ground(element));
    if (has < (large ? 3 : 4.5)) found.push(`"${told(element)}" has a contrast of ${has.toFixed(2)}`);
  }
  for (const cell of document.querySelectorAll("td, th")) {
    if (!shown(cell)) continue;
    const range = document.createRange();
    range.selectNodeContents(cell);
    const lines = new Set([...range.getClientRects()].map((of) => Math.round(of.top))).size;
    const letters = cell.textContent.trim().length / lines;
    if (lines > 2 && letters < 5) {
      found.push(`the cell "${told(cell)}" has ${letters.toFixed(1)} letters a line`);
    }
  }
  for (const figure of document.querySelectorAll("figure")) {
    const plots = [...figure.querySelectorAll("svg.plot")];
    const seen = plots.filter(shown);
    if (plots.length > 0 && seen.length !== 1) {
      found.push(`${seen.length} of ${plots.length} pictures of ${figure.id} are shown`);
    }
  }
  for (const svg of [...document.querySelectorAll("svg.plot")].filter(shown)) {
    const frame = svg.getBoundingClientRect();
    if (frame.right > window.innerWidth) found.push("a plot is cut off");
    for (const text of svg.querySelectorAll("text")) {
      const box = text.getBoundingClientRect();
      const style = getComputedStyle(text);
      if (box.left < frame.left - 1 || box.right > frame.right + 1) {
        found.push(`"${told(text)}" stands outside its plot`);
      }
      const scale = frame.width / svg.viewBox.baseVal.width;
      const size = parseFloat(style.fontSize) * scale;
      if (size < 9) found.push(`"${told(text)}" is ${size.toFixed(1)} px high`);
      // Whatever a letter stands on, its rim is between.
      const has = contrast(style.fill, style.stroke);
      if (!style.paintOrder.startsWith("stroke") || has < 4.5) {
        found.push(`"${told(text)}" in a plot has a contrast of ${has.toFixed(2)}`);
      }
    }
  }
  return [...new Set(found)];
};
