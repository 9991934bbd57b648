"use strict";
// The page says everything without this. With it, tables sort and filter, and links open what they lead to.
const all = (what, from = document) => Array.from(from.querySelectorAll(what));
const say = text => { document.getElementById("said").textContent = text; };
document.documentElement.classList.add("js");

for (const head of all("th[data-sort]")) {
  const table = head.closest("table"), column = Array.from(head.parentNode.children).indexOf(head);
  const name = head.textContent, kind = head.dataset.sort, button = document.createElement("button");
  button.type = "button";
  button.textContent = name;
  head.replaceChildren(button);
  button.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of all("th[aria-sort]", table)) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = row => {
      const cell = row.children[column];
      if (kind === "text") return cell.lastElementChild ? cell.lastElementChild.textContent : cell.textContent;
      return cell.dataset.n === undefined || cell.dataset.n === "" ? NaN : Number(cell.dataset.n);
    };
    const compare = (a, b) => {
      const x = key(a), y = key(b);
      if (kind === "text") return (down ? -1 : 1) * x.localeCompare(y, undefined, {numeric: true});
      if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y); // what was not measured comes last
      return (down ? -1 : 1) * (x - y);
    };
    table.tBodies[0].append(...Array.from(table.tBodies[0].rows).sort(compare));
    say("Sorted by " + name + (down ? ", descending" : ", ascending"));
  });
}

for (const form of all("form.filter")) {
  const table = document.getElementById(form.dataset.for), rows = Array.from(table.tBodies[0].rows);
  const text = form.querySelector("[data-text]"), choice = form.querySelector("[data-key]");
  const words = rows.map(row => row.textContent.toLowerCase());
  const apply = () => {
    let shown = 0;
    const want = text.value.trim().toLowerCase();
    rows.forEach((row, i) => {
      row.hidden = !words[i].includes(want) || choice.value !== "" && row.dataset[choice.dataset.key] !== choice.value;
      if (!row.hidden) shown++;
    });
    say(shown + " of " + rows.length + " " + table.dataset.noun + (rows.length === 1 ? "" : "s") + " shown");
  };
  form.hidden = rows.length < 6; // a few are seen at a glance
  form.addEventListener("input", apply);
  form.addEventListener("submit", event => event.preventDefault());
}

const reveal = () => {
  const to = location.hash && document.getElementById(location.hash.slice(1));
  if (to && to.tagName === "DETAILS") to.open = true;
};
addEventListener("hashchange", reveal);
reveal();

let opened = [];
addEventListener("beforeprint", () => {
  opened = all("details:not([open])");
  for (const fold of opened) fold.open = true;
});
addEventListener("afterprint", () => {
  for (const fold of opened) fold.open = false;
});
