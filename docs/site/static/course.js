// The same section in the other language: headings correspond one to one, so the link carries the number of the one in view.
addEventListener("DOMContentLoaded", () => {
  const headings = [...document.querySelectorAll("article h1, article h2, article h3")], link = document.getElementById("other-language");
  link?.addEventListener("click", () => {
    const above = headings.filter((heading) => heading.getBoundingClientRect().top < 120);
    if (above.length > 1) link.hash = `section-${above.length - 1}`;
  });
  const wanted = location.hash.match(/^#section-(\d+)$/);
  if (wanted) headings[wanted[1]]?.scrollIntoView({ behavior: "instant" });
});
// A query in Chinese, cut by longest match into words that the index holds; characters that stand in none are left out.
globalThis.splitQuery = (query) => (query.match(/\p{Script=Han}+|(?:(?!\p{Script=Han})[\p{L}\p{N}_])+/gu) ?? []).flatMap((run) => {
  if (!/\p{Script=Han}/u.test(run)) return [run];
  const words = [];
  for (let start = 0; start < run.length; ) {
    let end = run.length;
    while (end > start && !Object.hasOwn(Search._index.terms, run.slice(start, end))) end--;
    if (end > start) words.push(run.slice(start, end));
    start = Math.max(end, start + 1);
  }
  return words.length ? words : [run];
});
