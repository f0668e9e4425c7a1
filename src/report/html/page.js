"use strict";
(() => {
  const WORDS = ["failed", "errored", "flaky", "passed", "skipped"];
  const ROW = 30;
  const SPARE = 10;
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const groups = data.groups || [];
  const tests = (data.tests || []).map((row, at) => {
    const [group, name, outcome, us, shard, worker, entry, message] = row;
    const id = groups[group][0] + ":" + name;
    return { at, group, id, low: id.toLowerCase(), outcome, us, shard, worker, entry, message };
  });
  const marks = new Map(Object.entries(data.marks || {}).map(([word, at]) => [word, new Set(at)]));
  const list = $("list");
  const search = $("search");
  const pressed = new Set();
  let found = tests;
  let selected = 0;
  let words = [];

  const time = (us) => {
    if (us < 1000) return us + " µs";
    if (us < 999500) return Math.round(us / 1000) + " ms";
    if (us < 59950000) return (us / 1e6).toFixed(1) + " s";
    const seconds = Math.round(us / 1e6);
    return Math.floor(seconds / 60) + " min " + (seconds % 60) + " s";
  };
  const many = (n, one) => n.toLocaleString("en") + " " + one + (n === 1 ? "" : "s");
  const element = (tag, name, text) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const quote = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : "'" + text.replaceAll("'", "'\\''") + "'");

  const holds = (test, word) => {
    const [key, value] = word.split(/:(.*)/);
    if (key === "shard" && /^\d+$/.test(value)) return test.shard === Number(value);
    if (key === "worker" && /^\d+$/.test(value)) return test.worker === Number(value);
    if (key === "group" && value) {
      const group = groups[test.group];
      return (group[0] + ":" + group[1]).toLowerCase().includes(value);
    }
    if (key === "is" && value) return Boolean(marks.get(value)?.has(test.at));
    return test.low.includes(word);
  };
  const began = (test) => groups[test.group][2];
  const ORDERS = {
    id: (a, b) => a.at - b.at,
    slow: (a, b) => b.us - a.us || a.at - b.at,
    outcome: (a, b) => a.outcome - b.outcome || a.at - b.at,
    run: (a, b) => a.shard - b.shard || a.worker - b.worker || began(a) - began(b) || a.at - b.at,
  };

  const mark = (to, text) => {
    const low = text.toLowerCase();
    const plain = words.filter((word) => low.includes(word));
    const word = plain.sort((a, b) => b.length - a.length)[0];
    if (!word || low.length !== text.length) {
      to.textContent = text;
      return;
    }
    const at = low.indexOf(word);
    to.append(text.slice(0, at), element("mark", "", text.slice(at, at + word.length)), text.slice(at + word.length));
  };

  const row = (at) => {
    const test = found[at];
    const made = element("div", "row");
    made.id = "row-" + at;
    made.setAttribute("role", "option");
    made.setAttribute("aria-selected", String(at === selected));
    made.setAttribute("aria-setsize", String(found.length));
    made.setAttribute("aria-posinset", String(at + 1));
    made.style.top = at * ROW + "px";
    made.append(element("span", "badge " + WORDS[test.outcome], WORDS[test.outcome]));
    const name = element("span", "name");
    name.title = test.id;
    mark(name, test.id);
    made.append(name, element("span", "where", test.shard + "·" + test.worker), element("span", "took", time(test.us)));
    made.addEventListener("click", () => {
      select(at);
      open(at);
    });
    return made;
  };

  const sizer = element("div");
  const rows = element("div");
  list.append(sizer, rows);
  let drawn = "";
  const draw = () => {
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - SPARE);
    const last = Math.min(found.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + SPARE);
    const key = first + " " + last + " " + selected;
    if (key === drawn) return;
    drawn = key;
    const made = [];
    for (let at = first; at < last; at += 1) made.push(row(at));
    rows.replaceChildren(...made);
    if (found.length) list.setAttribute("aria-activedescendant", "row-" + selected);
    else list.removeAttribute("aria-activedescendant");
  };

  const select = (at) => {
    if (!found.length) return;
    selected = Math.max(0, Math.min(found.length - 1, at));
    const top = selected * ROW;
    if (top < list.scrollTop) list.scrollTop = top;
    if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
    draw();
  };

  const apply = () => {
    words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = (test) => (!pressed.size || pressed.has(test.outcome)) && words.every((word) => holds(test, word));
    found = words.length || pressed.size ? tests.filter(wanted) : tests.slice();
    const order = $("order").value;
    if (order !== "id") found.sort(ORDERS[order]);
    selected = 0;
    list.scrollTop = 0;
    sizer.style.height = found.length * ROW + "px";
    drawn = "";
    const left = data.omitted ? "; " + many(data.omitted, "passed test") + " left out of this page" : "";
    $("found").textContent = many(found.length, "test") + " of " + tests.length.toLocaleString("en") + left;
    draw();
  };

  const open = (at) => {
    const test = found[at];
    if (!test) return;
    const entry = test.entry >= 0 && $("t" + test.entry);
    if (entry) {
      entry.open = true;
      entry.scrollIntoView();
      entry.querySelector("summary").focus();
      return;
    }
    const group = groups[test.group];
    $("detail-title").textContent = test.id;
    const body = $("detail-body");
    const special = [...marks].filter(([, at]) => at.has(test.at)).map(([word]) => " · " + word);
    const facts = WORDS[test.outcome] + special.join("") + " · " + time(test.us) + " · shard " + test.shard + ", worker " + test.worker;
    body.replaceChildren(element("p", "facts", facts));
    const of = element("p", "facts", "group ");
    of.append(element("code", "", group[0] + ":" + group[1]));
    body.append(of);
    if (test.message) body.append(element("p", "message", test.message));
    const again = element("p", "rerun", "Again, alone: ");
    again.append(element("code", "", "evenly run --only " + quote(test.id)));
    body.append(again);
    $("detail").showModal();
  };

  const openTarget = () => {
    const target = location.hash.length > 1 && $(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") target.open = true;
  };

  for (const chip of document.querySelectorAll(".counts li[data-outcome]")) {
    const outcome = WORDS.indexOf(chip.dataset.outcome);
    if (!tests.some((test) => test.outcome === outcome)) continue;
    const button = element("button", chip.className, WORDS[outcome]);
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      if (!pressed.delete(outcome)) pressed.add(outcome);
      button.setAttribute("aria-pressed", String(pressed.has(outcome)));
      apply();
    });
    $("filters").append(button);
  }
  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, tests.length > 20000 ? 120 : 0);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      list.focus();
    }
    if (event.key === "Escape") {
      search.value = "";
      apply();
    }
  });
  $("order").addEventListener("change", apply);
  list.addEventListener("scroll", draw, { passive: true });
  addEventListener("resize", draw);
  const page = () => Math.max(1, Math.floor(list.clientHeight / ROW) - 1);
  const KEYS = {
    ArrowDown: () => select(selected + 1),
    ArrowUp: () => select(selected - 1),
    j: () => select(selected + 1),
    k: () => select(selected - 1),
    PageDown: () => select(selected + page()),
    PageUp: () => select(selected - page()),
    Home: () => select(0),
    End: () => select(found.length - 1),
    Enter: () => open(selected),
  };
  list.addEventListener("keydown", (event) => {
    const act = !event.ctrlKey && !event.metaKey && !event.altKey && KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  });
  addEventListener("beforeprint", () => {
    for (const entry of document.querySelectorAll("details.test")) entry.open = true;
  });
  addEventListener("hashchange", openTarget);
  document.querySelector(".tools").hidden = false;
  list.hidden = false;
  $("keys").hidden = false;
  apply();
  openTarget();
})();
