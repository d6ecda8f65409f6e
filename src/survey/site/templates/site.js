// Sorting and searching of tables, the lines of a chart one by one, and the citation of one figure.
// Every page is whole without it.
(function () {
  "use strict";

  /** Number at the start of a cell, as "91.2–93.1", "+1.8" or "1,179"; null where there is none. */
  function readNumber(/** @type {Element} */ cell) {
    const number = parseFloat(cell.textContent.trim().replace(/,/g, "").replace("\u2212", "-"));
    return isNaN(number) ? null : number;
  }

  // A row without a number stays at the end, whichever way the others go.
  function compare(/** @type {Element} */ a, /** @type {Element} */ b, /** @type {number} */ sign) {
    if (a.tagName === "TH") return sign * a.textContent.localeCompare(b.textContent, document.documentElement.lang);
    const left = readNumber(a), right = readNumber(b);
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    return sign * (left - right);
  }

  function sortRows(/** @type {HTMLTableElement} */ table, /** @type {number} */ column, /** @type {string} */ order) {
    const body = table.tBodies[0], sign = order === "ascending" ? 1 : -1;
    Array.from(body.rows)
      .sort(function (a, b) { return compare(a.cells[column], b.cells[column], sign); })
      .forEach(function (row) { body.appendChild(row); });
  }

  function startSorting(/** @type {HTMLTableElement} */ table) {
    const heads = Array.from(table.tHead.rows[0].cells);
    heads.forEach(function (head, column) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.textContent = "";
      head.appendChild(button);
      button.addEventListener("click", function () {
        const first = column === 0 ? "ascending" : "descending";
        const other = first === "ascending" ? "descending" : "ascending";
        const order = head.getAttribute("aria-sort") === first ? other : first;
        heads.forEach(function (each) { each.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", order);
        sortRows(table, column, order);
      });
    });
  }

  function startSearch(/** @type {HTMLElement} */ list) {
    const entries = Array.from(list.querySelectorAll("tbody tr, li"));
    const label = document.createElement("label"), field = document.createElement("input");
    const found = document.createElement("p");
    field.type = "search";
    found.setAttribute("role", "status");
    label.append(list.dataset.find + " ", field);
    const box = document.createElement("div");
    box.className = "search";
    box.append(label, found);
    const place = list.closest(".wide") || list;
    place.parentNode.insertBefore(box, place);
    field.addEventListener("input", function () {
      const wanted = field.value.trim().toLowerCase();
      let shown = 0;
      entries.forEach(function (entry) {
        const name = entry.tagName === "TR" ? entry.querySelector("th") : entry;
        const isHit = name.textContent.toLowerCase().includes(wanted);
        /** @type {HTMLElement} */ (entry).hidden = !isHit;
        shown += Number(isHit);
      });
      found.textContent = wanted
        ? list.dataset.found.replace("{shown}", String(shown)).replace("{all}", String(entries.length))
        : "";
    });
  }

  // The lines of a chart: under the pointer, or by the arrow keys once the chart has the focus.
  function startChart(/** @type {HTMLElement} */ figure) {
    const chart = figure.querySelector("svg"), lines = Array.from(chart.querySelectorAll(".l"));
    const note = document.createElement("p");
    const texts = lines.map(function (line) {
      const title = line.querySelector("title"), text = title.textContent;
      title.remove(); // else the browser shows it a second time
      return text;
    });
    let at = -1;
    note.className = "tip";
    note.setAttribute("role", "status");
    figure.appendChild(note);
    chart.setAttribute("tabindex", "0");
    chart.setAttribute("aria-label", chart.getAttribute("aria-label") + " " + figure.dataset.hint);

    function show(/** @type {number} */ number) {
      at = number;
      lines.forEach(function (line, index) { line.classList.toggle("on", index === at); });
      note.textContent = at < 0 ? "" : texts[at];
      if (at < 0) return;
      const box = lines[at].getBoundingClientRect(), frame = figure.getBoundingClientRect();
      note.style.top = box.bottom - frame.top + "px";
    }
    lines.forEach(function (line, index) {
      line.addEventListener("pointerenter", function () { show(index); });
    });
    chart.addEventListener("pointerleave", function () { show(-1); });
    chart.addEventListener("blur", function () { show(-1); });
    chart.addEventListener("keydown", function (event) {
      const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      if (event.key === "Escape") show(-1);
      if (!step) return;
      event.preventDefault();
      show((at + step + lines.length + (at < 0 && step < 0 ? 1 : 0)) % lines.length);
    });
  }

  // The citation of the figure whose address was opened, with its name, value and address.
  function citeTarget() {
    const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const place = document.querySelector("[data-figure]");
    if (!row || row.tagName !== "TR" || !place) return;
    const cells = Array.from(/** @type {HTMLTableRowElement} */ (row).cells).slice(0, 3);
    const said = cells.map(function (cell) { return cell.textContent.trim(); });
    place.textContent = said[0] + ": " + said[1] + " (" + said[2] + "). " + location.href;
  }

  document.querySelectorAll("table[data-find]").forEach(function (table) {
    startSorting(/** @type {HTMLTableElement} */ (table));
  });
  document.querySelectorAll("[data-find]").forEach(function (list) {
    startSearch(/** @type {HTMLElement} */ (list));
  });
  document.querySelectorAll("figure[data-hint]").forEach(function (figure) {
    startChart(/** @type {HTMLElement} */ (figure));
  });
  window.addEventListener("hashchange", citeTarget);
  citeTarget();
})();
