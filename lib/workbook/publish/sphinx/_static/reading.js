// One switch for all code, and what a reader takes away of an exhibit. Without scripts code is folded cell by cell.
document.documentElement.classList.add("fusion-js");
const coded = (on) => {
  document.documentElement.classList.toggle("fusion-coded", on);
  document.querySelectorAll("details.hide").forEach((part) => (part.open = on));
};
const copied = (button) => {
  const before = button.textContent;
  button.textContent = button.dataset.done;
  setTimeout(() => (button.textContent = before), 1500);
};
// Selecting and copying keeps rules and bold type, so that a table can be put into a document as it is.
const take = (place) => {
  const range = document.createRange();
  range.selectNode(place);
  const chosen = window.getSelection();
  chosen.removeAllRanges();
  chosen.addRange(range);
  document.execCommand("copy");
  chosen.removeAllRanges();
};
// Long tables can be sorted by a column and sifted by a word. One of pairs of lines, or of its first rows alone, is left as it is.
const LONG = { sort: 6, sift: 15 };
const amount = (text) => {
  const number = parseFloat(text.replace(/[−–]/g, "-").replace(/[,\s<(\[+]/g, ""));
  return Number.isNaN(number) ? Infinity : number; // what is missing comes last
};
const sorted = (table, place, up) => {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  const numbers = heads[place].classList.contains("num");
  const key = (row) => row.cells[place].textContent.trim();
  const compare = numbers
    ? (a, b) => (amount(key(a)) === amount(key(b)) ? 0 : amount(key(a)) === Infinity ? 1 : amount(key(b)) === Infinity ? -1
      : (up ? 1 : -1) * (amount(key(a)) - amount(key(b))))
    : (a, b) => (up ? 1 : -1) * key(a).localeCompare(key(b), document.documentElement.lang);
  body.append(...[...body.rows].sort(compare));
  heads.forEach((head, i) => (i === place ? head.setAttribute("aria-sort", up ? "ascending" : "descending") : head.removeAttribute("aria-sort")));
};
const arranged = (table) => {
  const rows = table.tBodies[0] ? [...table.tBodies[0].rows] : [], exhibit = table.closest(".fusion-exhibit");
  const whole = rows.every((row) => row.cells.length === table.tHead.rows[0].cells.length && row.cells[0].textContent.trim());
  if (!exhibit || !whole || rows.length < LONG.sort || exhibit.querySelector(".fusion-cut")) return;
  [...table.tHead.rows[0].cells].forEach((head, place) => {
    if (!head.textContent.trim()) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "fusion-sort";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sorted(table, place, head.getAttribute("aria-sort") !== "ascending"));
    head.append(button);
  });
  const place = exhibit.querySelector(".fusion-sift");
  if (!place || rows.length < LONG.sift) return;
  const field = document.createElement("input");
  field.type = "search";
  field.placeholder = place.dataset.sift;
  field.setAttribute("aria-label", place.dataset.sift);
  place.append(field);
  place.hidden = false;
  field.addEventListener("input", () => {
    const word = field.value.trim().toLowerCase();
    rows.forEach((row) => (row.hidden = !row.textContent.toLowerCase().includes(word)));
  });
};
window.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("table.fusion-table:not(.fusion-journal)").forEach((table) => table.tHead && arranged(table));
  const first = document.querySelector("details.hide"), heading = document.querySelector("article h1");
  if (first && heading) {
    const words = [".collapsed", ".expanded"].map((name) => first.querySelector(name).textContent.trim());
    const button = document.createElement("button");
    button.type = "button";
    button.className = "fusion-code-switch";
    const say = (on) => { button.textContent = words[on ? 1 : 0]; button.setAttribute("aria-pressed", String(on)); };
    button.addEventListener("click", () => {
      const on = !document.documentElement.classList.contains("fusion-coded");
      coded(on);
      say(on);
    });
    say(false);
    heading.after(button);
  }
  document.querySelectorAll(".fusion-bar button").forEach((button) => {
    button.hidden = false;
    const exhibit = button.closest(".fusion-exhibit");
    button.addEventListener("click", () => {
      if (button.classList.contains("fusion-take")) { take(exhibit.querySelector("table")); copied(button); return; }
      const entry = button.classList.contains("fusion-bib");
      const text = document.createElement(entry ? "pre" : "p");
      // Of a site that is opened from a folder the place within the site: the rest is the reader's machine.
      const here = location.protocol === "file:" ? location.pathname.split("/").slice(-3).join("/") : location.href.split("#")[0];
      const place = `${here}#${exhibit.id}`;
      // What stands in braces of a title is escaped: only the entry's own field is empty.
      text.textContent = entry ? button.dataset.cite.replace("  url = {},", () => `  url = {${place}},`) : `${button.dataset.cite} ${place}`;
      document.body.append(text);
      take(text);
      text.remove();
      copied(button);
    });
  });
});
