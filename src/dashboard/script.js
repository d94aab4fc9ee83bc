// Keeps the page current. Without it the page works too, and is renewed by hand.
"use strict";

const EVERY_MS = 2000;
const board = document.getElementById("board");
const form = document.getElementById("view");
const live = document.getElementById("live");
// A link that was refused has no board.
document.getElementById("live-label").hidden = !board;

// Whoever names a moment wants no span besides, and the other way round.
const [last, from, to] = ["last", "from", "to"].map((name) => form.elements[name]);
last.addEventListener("change", () => { if (last.value) from.value = to.value = ""; });
for (const moment of [from, to]) {
  moment.addEventListener("change", () => { if (moment.value) last.value = ""; });
}
// Fields that say nothing do not belong in a link.
form.addEventListener("formdata", (event) => {
  for (const [name, value] of [...event.formData]) {
    if (value === "") event.formData.delete(name);
  }
});

async function renew() {
  if (!board || !live.checked || document.hidden) return;
  const link = new URL("board", location.href);
  link.search = location.search;
  link.searchParams.set("changes", board.dataset.changes);
  const state = document.getElementById("state");
  try {
    const answer = await fetch(link, { cache: "no-store" });
    if (answer.status === 204) return;
    if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
    const text = await answer.text();
    if (!live.checked) return;
    // What a person opened, scrolled or stands on stays so.
    const open = [...board.querySelectorAll("figure:has(details[open])")].map((of) => of.id);
    const focused = document.activeElement?.closest("#board figure")?.id;
    const kind = document.activeElement?.tagName.toLowerCase();
    const scrolled = [...board.querySelectorAll(".scroll")].map((of) => of.scrollLeft);
    board.innerHTML = text;
    board.dataset.changes = answer.headers.get("x-changes");
    for (const id of open) document.querySelector(`#${id} details`)?.setAttribute("open", "");
    board.querySelectorAll(".scroll").forEach((of, n) => { of.scrollLeft = scrolled[n] ?? 0; });
    if (focused) {
      const again = document.getElementById(focused);
      const target = kind === "summary" ? again?.querySelector("summary") : again?.querySelector(".scroll");
      target?.focus({ preventScroll: true });
    }
  } catch (error) {
    state.textContent = `Not up to date: the dashboard does not answer (${error.message}).`;
  }
}
setInterval(renew, EVERY_MS);
