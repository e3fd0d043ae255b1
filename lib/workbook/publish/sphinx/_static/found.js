// What the search says of a page: its study, and the sentence that fits best, with a link to its place.
window.addEventListener("DOMContentLoaded", () => {
  const asked = (new URLSearchParams(location.search).get("q") || "").toLowerCase();
  const words = asked.match(/[\u3400-\u9fff]{1,2}|[a-z0-9.]+/g) || [];
  const fits = (text) => words.filter((word) => text.toLowerCase().includes(word)).length;
  const tell = (item) => {
    item.dataset.told = "1";
    const link = item.querySelector("a"), page = link.getAttribute("href").split(/[?#]/)[0];
    const [study, sentences] = fusionSentences[page.replace(/\.html$/, "")] || ["", []];
    if (study) {
      const name = document.createElement("span");
      name.className = "fusion-of";
      name.textContent = `${study} › `;
      link.before(name);
    }
    const best = sentences.reduce((a, b) => (!a || fits(b[1]) > fits(a[1]) ? b : a), null);
    if (best) {
      const said = document.createElement("p"), there = document.createElement("a");
      there.textContent = best[1];
      there.href = best[0] ? `${page}#${best[0]}` : page;
      said.className = "fusion-note";
      said.append(there);
      item.append(said);
    }
  };
  const look = () => document.querySelectorAll("#search-results li:not([data-told])").forEach((item) => item.querySelector("a") && tell(item));
  new MutationObserver(look).observe(document.getElementById("search-results"), { childList: true, subtree: true });
  look();
});
