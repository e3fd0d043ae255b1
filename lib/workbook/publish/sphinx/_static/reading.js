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
window.addEventListener("DOMContentLoaded", () => {
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
      const text = document.createElement("p");
      // Of a site that is opened from a folder the place within the site: the rest is the reader's machine.
      const here = location.protocol === "file:" ? location.pathname.split("/").slice(-3).join("/") : location.href.split("#")[0];
      text.textContent = `${button.dataset.cite} ${here}#${exhibit.id}`;
      document.body.append(text);
      take(text);
      text.remove();
      copied(button);
    });
  });
});
