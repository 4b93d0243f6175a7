"use strict";

const charts = JSON.parse(document.getElementById("charts").textContent);
const dark = window.matchMedia("(prefers-color-scheme: dark)");

async function draw() {
  const scheme = dark.matches ? "dark" : "light";
  for (const [name, chart] of Object.entries(charts)) {
    const place = document.getElementById(name);
    await vegaEmbed(place, chart.spec, {
      config: chart[scheme],
      renderer: "svg",
      actions: { export: true, source: false, compiled: false, editor: false },
      downloadFileName: name,
    });
    place.classList.remove("wait");
  }
}

function sortRows(header) {
  const body = header.closest("table").tBodies[0];
  const column = header.cellIndex;
  const ascending = header.getAttribute("aria-sort") !== "ascending";
  const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
  const isNumber = (text) => text !== "" && !Number.isNaN(Number(text));
  const rows = [...body.rows].sort((one, other) => {
    const [a, b] = [key(one), key(other)];
    if (a === "" || b === "") return a === b ? 0 : a === "" ? 1 : -1; // missing values stay last
    const order = isNumber(a) && isNumber(b) ? a - b : a.localeCompare(b, "en", { numeric: true });
    return ascending ? order : -order;
  });
  for (const other of header.parentElement.cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  body.append(...rows);
}

for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => sortRows(button.closest("th")));
}
dark.addEventListener("change", draw);
draw();
