"use strict";
(() => {
  // Everything here is extra: without script the page holds the same numbers.
  const anchor = () => {
    const name = location.hash.slice(1);
    try {
      return decodeURIComponent(name);
    } catch {
      // A percent sign that encodes nothing.
      return name;
    }
  };
  const open = () => {
    const target = document.getElementById(anchor());
    for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    if (target && target.id === "all") for (const part of target.querySelectorAll("details")) part.open = true;
  };
  addEventListener("hashchange", open);
  open();

  const contents = document.querySelector("nav details");
  const wide = matchMedia("(min-width:70rem)");
  const fold = () => { if (contents) contents.open = wide.matches; };
  wide.addEventListener("change", fold);
  fold();

  const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  const value = (row, column) => {
    const text = row.cells[column] ? row.cells[column].textContent.trim() : "";
    const number = parseFloat(text.replace("−", "-").replace(/^[<+[]\s*/, "").replace(/^[+]/, ""));
    if (Number.isNaN(number)) return text;
    const [, sign, digits] = /×10(⁻?)([⁰¹²³⁴⁵⁶⁷⁸⁹]+)/.exec(text) || [];
    if (digits === undefined) return number;
    const power = Number(Array.from(digits, (digit) => SUPERSCRIPTS.indexOf(digit)).join(""));
    return number * 10 ** (sign ? -power : power);
  };
  // Head cells with the column that each stands over. In a head of two rows those of the lower one fill the columns
  // that no cell of the upper one covers down to the body.
  const columns = (head) => {
    const found = [];
    const open = [];
    let column = 0;
    for (const cell of head.rows[0].cells) {
      if (head.rows.length === 1 || cell.rowSpan > 1) found.push([cell, column]);
      else for (let i = 0; i < cell.colSpan; i += 1) open.push(column + i);
      column += cell.colSpan;
    }
    if (head.rows.length > 1) Array.from(head.rows[1].cells).forEach((cell, index) => found.push([cell, open[index]]));
    return found;
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    if (!body) continue;
    const heads = columns(table.tHead);
    for (const [cell, column] of heads) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...cell.childNodes);
      cell.append(button);
      button.addEventListener("click", () => {
        const up = cell.getAttribute("aria-sort") !== "ascending";
        for (const [other] of heads) other.removeAttribute("aria-sort");
        cell.setAttribute("aria-sort", up ? "ascending" : "descending");
        const sign = up ? 1 : -1;
        Array.from(body.rows)
          .map((row) => [value(row, column), row])
          .sort(([a], [b]) => {
            if (typeof a === "number" && typeof b === "number") return sign * (a - b);
            if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
            return sign * a.localeCompare(b);
          })
          .forEach(([, row]) => body.append(row));
      });
    }
  }

  for (const figure of document.querySelectorAll("figure")) {
    const groups = Array.from(figure.querySelectorAll("g[data-b]"));
    const levels = [...new Set(groups.map((group) => group.dataset.b))].sort((a, b) => a - b);
    if (levels.length < 2) continue;
    const label = document.createElement("label");
    const select = document.createElement("select");
    select.append(new Option("all levels", ""));
    for (const level of levels) select.append(new Option("b = " + level, level));
    label.append("Show ", select);
    const tools = document.createElement("p");
    tools.className = "tools";
    tools.append(label);
    figure.prepend(tools);
    const show = (level) => {
      for (const group of groups) {
        group.classList.toggle("dim", level !== "" && group.dataset.b !== level && group.dataset.b !== "0.00");
      }
    };
    select.addEventListener("change", () => show(select.value));
    for (const group of groups) {
      group.addEventListener("pointerenter", () => show(group.dataset.b));
      group.addEventListener("pointerleave", () => show(select.value));
    }
  }
})();
