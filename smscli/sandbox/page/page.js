// The inbox: the list, what arrives, what is asked for, and the keyboard. message.js draws.

import { switches } from "/page/chaos.js";
import { addressed, element, message, row, setup, verdict } from "/page/message.js";

const PAGE = 200; // messages that one look brings
const BREATH = 250; // milliseconds between two looks for what meets a search
const SPOKEN = 2000; // milliseconds between two announcements
const PATIENCE = 120_000; // milliseconds for which a hidden page goes on listening

const at = (id) => document.getElementById(id);
const list = at("rows"), pane = at("pane"), search = at("search"), vendor = at("vendor"), ask = at("ask");
const narrow = matchMedia("(max-width: 760px)");

let entries = new Map(); // number -> { entry, item }; newest first in the list itself
let most = PAGE; // messages that stay in the list
let isMore = false; // whether there are older ones
let chosen = null; // number of the message in the pane
let outcome = "";
let generation = 0; // of looks: an answer to an older one is dropped
let since = []; // what has arrived since the latest look began

// --- asking the sandbox ----------------------------------------------------------------------------------------------

function criteria(more = {}) {
  const asked = { q: search.value.trim(), vendor: vendor.value, accepted: outcome, ...more };
  return new URLSearchParams(Object.entries(asked).filter(([, value]) => value !== "" && value !== undefined));
}

const isFiltered = () => criteria().size > 0;

async function get(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function reload() {
  const mine = ++generation;
  since = [];
  const came = await get(`/api/messages?${criteria({ limit: most + 1 })}`);
  if (mine !== generation) return;
  isMore = came.length > most;
  entries = new Map();
  list.replaceChildren();
  add(came.slice(-most), false);
  tell();
  // What arrived meanwhile may have been drawn on the list that has just gone.
  waiting = since.filter((entry) => !entries.has(entry.number));
  await flush();
}

async function older() {
  const mine = generation;
  const oldest = Math.min(...entries.keys());
  const came = await get(`/api/messages?${criteria({ before: oldest, limit: PAGE + 1 })}`);
  if (mine !== generation) return;
  isMore = came.length > PAGE;
  most += PAGE;
  for (const entry of came.slice(-PAGE).reverse()) put(entry, "append");
  draw();
}

// --- the list --------------------------------------------------------------------------------------------------------

/** Put entries, oldest first, on top. */
function add(came, isNews) {
  for (const entry of came) if (!entries.has(entry.number)) put(entry, "prepend", isNews);
  while (entries.size > most) {
    const last = list.lastElementChild;
    entries.delete(Number(last.dataset.number));
    last.remove();
    isMore = true;
  }
  draw();
}

function put(entry, where, isNews = false) {
  const item = row(entry);
  item.dataset.number = entry.number;
  if (isNews) item.firstElementChild.classList.add("fresh");
  list[where](item);
  entries.set(entry.number, { entry, item });
}

function draw() {
  at("older").hidden = !isMore;
  const nothing = at("nothing");
  nothing.hidden = entries.size > 0;
  nothing.textContent = isFiltered() ? "No message meets the search." : "No messages yet. What your program sends appears here at once; Setup says where to send it.";
  mark();
}

/** Show which row is chosen, and let Tab reach exactly one. */
function mark() {
  for (const one of list.querySelectorAll('[aria-current], [tabindex="0"]')) {
    one.removeAttribute("aria-current");
    one.tabIndex = -1;
  }
  const link = entries.get(chosen)?.item.firstElementChild;
  link?.setAttribute("aria-current", "true");
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const reached = focused ?? link ?? list.querySelector("a");
  if (reached) reached.tabIndex = 0;
}

// --- what arrives ----------------------------------------------------------------------------------------------------

let waiting = [];
let isPlanned = false;
let unread = 0;

function arrive(entry) {
  waiting.push(entry);
  since.push(entry);
  unread += document.hidden ? 1 : 0;
  if (isPlanned) return;
  isPlanned = true;
  // A hidden page draws no frames, and a search is asked again: then a pause gathers what comes.
  setTimeout(flush, isFiltered() ? BREATH : 16);
}

async function flush() {
  isPlanned = false;
  const came = waiting;
  waiting = [];
  const mine = generation;
  document.title = unread ? `(${unread}) smscli sandbox` : "smscli sandbox";
  tell();
  if (!came.length) return;
  announce(came);
  if (!isFiltered()) return add(came, true);
  const met = await get(`/api/messages?${criteria({ after: came[0].number - 1, limit: most })}`).catch(() => []);
  if (mine === generation) add(met, true);
}

function update(entry) {
  const known = entries.get(entry.number);
  if (known) {
    const item = row(entry);
    item.dataset.number = entry.number;
    const hadFocus = known.item.contains(document.activeElement);
    known.item.replaceWith(item);
    entries.set(entry.number, { entry, item });
    mark();
    if (hadFocus) item.firstElementChild.focus();
  }
  if (entry.number === chosen) show();
}

let unspoken = [];
let isSpeaking = false;

function announce(came) {
  unspoken.push(...came);
  if (isSpeaking) return;
  isSpeaking = true;
  const speak = () => {
    isSpeaking = false;
    const [one] = unspoken;
    const news = unspoken.length === 1
      ? `New message${one.accepted ? "" : `, ${verdict(one)[1].toLowerCase()}`}${addressed(one)}: ${(one.text ?? "").slice(0, 200)}`
      : `${unspoken.length} new messages`;
    unspoken = [];
    at("news").replaceChildren(element("bdi", {}, news));
  };
  setTimeout(speak, at("news").textContent ? SPOKEN : 100);
}

function say(words) {
  at("news").replaceChildren(words);
}

let isTelling = false;

/** Tell how many there are, at most twice a second. */
function tell() {
  if (isTelling) return;
  isTelling = true;
  setTimeout(async () => {
    isTelling = false;
    const state = await get("/api/state").catch(() => null);
    const asked = state && !state.upstream ? [get("/api/balance"), chaosRules()] : [{}, []];
    const [balances, rules] = await Promise.all(asked).catch(() => []);
    if (!state || !rules) return;
    at("sends").hidden = !state.upstream;
    at("sends").textContent = state.upstream ? `Every request is really sent: it goes on to ${state.upstream}` : "";
    drawRules(rules);
    at("broken").hidden = !rules.length;
    at("broken").textContent = rules.length === 1 ? "1 rule breaks requests" : `${rules.length} rules break requests`;
    for (const one of pane.querySelectorAll("[data-balance]")) one.textContent = balances[one.dataset.balance];
    const dropped = state.dropped ? `, the oldest ${state.dropped} have left the list` : "";
    at("counts").textContent = !state.total ? "empty" : `${state.messages} kept: ${state.accepted} accepted, ${state.refused} refused${dropped}`;
  }, at("counts").textContent ? 400 : 0);
}

let events = null;

/** Hear of everything; whenever the line is up (again), look at everything anew. */
function listen() {
  events?.close();
  const own = events = new EventSource("/api/events");
  own.addEventListener("open", () => { line("live", "live"); start(); });
  own.addEventListener("error", () => {
    line("broken", "not connected, trying again");
    if (own.readyState === EventSource.CLOSED) setTimeout(() => { if (own === events) listen(); }, 2000);
  });
  own.addEventListener("new", (event) => arrive(JSON.parse(event.data)));
  own.addEventListener("update", (event) => update(JSON.parse(event.data)));
  for (const name of ["clear", "reset", "reload"]) own.addEventListener(name, start);
}

function line(state, words) {
  at("line").dataset.state = state;
  if (at("line").textContent !== words) at("line").textContent = words;
}

// A browser has six connections for all pages of a site: one that nobody looks at gives its own back after a while.
let leaving;
document.addEventListener("visibilitychange", () => {
  clearTimeout(leaving);
  if (document.hidden) {
    leaving = setTimeout(() => { events.close(); events = null; }, PATIENCE);
    return;
  }
  unread = 0;
  document.title = "smscli sandbox";
  if (!events) listen();
});

/** Look at everything anew: after a break, and after others have cleared the list. */
function start() {
  reload().then(show, () => {});
}

// --- the pane --------------------------------------------------------------------------------------------------------

function copy(content, what) {
  const button = element("button", { type: "button", class: "copy", "aria-label": `Copy ${what}` }, "Copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(content).then(() => { button.textContent = "Copied"; say("Copied"); }, () => { button.textContent = "Not allowed"; });
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  return button;
}

let isKeyed = false; // whether Enter opened what is shown next: then it is read next
let shown = 0; // of drawings of the pane: an answer to an older one is dropped

async function show({ isMoved = false } = {}) {
  const mine = ++shown;
  const hash = location.hash;
  const number = /^#\/([0-9]+)$/.exec(hash);
  chosen = number ? Number(number[1]) : null;
  document.body.dataset.view = number || hash === "#/setup" ? "pane" : "list";
  mark();
  const content = await (number ? one(chosen) : other());
  if (mine !== shown) return;
  const isRawOpen = at("raw")?.open;
  const hadFocus = pane.contains(document.activeElement) && document.activeElement !== pane;
  pane.replaceChildren(...content);
  if (at("raw") && isRawOpen) at("raw").open = true;
  if (isMoved) pane.scrollTop = 0;
  if (isMoved && narrow.matches) scrollTo(0, 0);
  const isAskedFor = isMoved && (isKeyed || narrow.matches || hash === "#/setup") && document.body.dataset.view === "pane";
  if (hadFocus || isAskedFor) at("pane-title")?.focus();
  isKeyed = false;
}

async function one(number) {
  const detail = await get(`/page/messages/${number}`).catch(() => null);
  if (detail) return message(detail, copy);
  return [element("a", { class: "button back", href: "#/" }, "← All messages"),
    element("p", { class: "nothing" }, `Message ${number} is not here any more.`)];
}

let drawRules = () => {};

const chaosRules = async () => (await get("/api/chaos")).rules;

async function other() {
  const about = await get("/page/setup").catch(() => ({ vendors: [] }));
  const asked = about.upstream ? [{}, []] : [get("/api/balance"), chaosRules()];
  const [balances, rules] = await Promise.all(asked).catch(() => [{}, []]);
  const names = [...about.vendors.map((one) => [one.vendor, one.vendor]), ["unknown", "no vendor"]];
  if (vendor.options.length === 1) vendor.append(...names.map(([value, words]) => element("option", { value }, words)));
  const { panel, draw } = about.upstream ? { panel: null, draw: () => {} } : switches(about.vendors, rules, { say, tell });
  drawRules = draw;
  return setup(about, balances, panel, copy);
}

// --- what people do --------------------------------------------------------------------------------------------------

let typing;
search.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(renew, 150); });
vendor.addEventListener("change", renew);
at("outcome").addEventListener("click", (event) => {
  if (!(event.target instanceof HTMLButtonElement)) return;
  outcome = event.target.value;
  for (const button of at("outcome").children) button.setAttribute("aria-pressed", String(button === event.target));
  renew();
});
at("older").addEventListener("click", () => older().catch(() => {}));

function renew() {
  most = PAGE;
  reload().catch(() => {});
}

function question(title, words, verb, act) {
  at("ask-title").textContent = title;
  at("ask-text").textContent = words;
  at("ask-yes").textContent = verb;
  at("ask-yes").onclick = async () => { ask.close(); await act(); };
  ask.showModal();
}
at("ask-no").addEventListener("click", () => ask.close());

at("clear").addEventListener("click", () => {
  const words = isFiltered() ? "The messages that meet the search leave the list." : "All messages leave the list.";
  question("Clear the list?", `${words} Balances stay, numbers go on.`, "Clear", () => fetch(`/api/messages?${criteria()}`, { method: "DELETE" }));
});
at("reset").addEventListener("click", () => {
  question("Reset the sandbox?", "All messages leave the list, balances are as at the start, numbers begin at 1.", "Reset",
    () => fetch("/api/reset", { method: "POST" }));
});

/** Go to another row: on a wide page its message is shown at once. */
function move(step) {
  const links = [...list.querySelectorAll("a")];
  if (!links.length) return;
  const here = links.findIndex((link) => link === document.activeElement || (!list.contains(document.activeElement) && link.getAttribute("aria-current")));
  const link = links[here < 0 ? 0 : Math.min(links.length - 1, Math.max(0, here + step))];
  link.focus();
  mark();
  if (!narrow.matches && link.hash !== location.hash) {
    history.replaceState(null, "", link.hash);
    show({ isMoved: true });
  }
}

list.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  isKeyed = Boolean(link) && event.detail === 0;
  if (isKeyed && link.hash === location.hash) show({ isMoved: true });
});

function escape() {
  if (document.activeElement === search && search.value) {
    search.value = "";
    renew();
  } else if (document.body.dataset.view === "pane") {
    const last = chosen;
    history.replaceState(null, "", "#/");
    show().then(() => (entries.get(last)?.item.firstElementChild ?? at("inbox")).focus());
  } else {
    document.activeElement?.blur();
  }
}

const KEYS = {
  j: () => move(1), ArrowDown: () => move(1),
  k: () => move(-1), ArrowUp: () => move(-1),
  "/": () => { if (document.body.dataset.view === "pane" && narrow.matches) escape(); search.focus(); search.select(); },
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || ask.open) return;
  const target = event.target instanceof Element ? event.target : document.body;
  const isTyping = Boolean(target.closest("input, textarea, select, [contenteditable]"));
  if (event.key === "Escape" && (!isTyping || target === search)) {
    event.preventDefault();
    return escape();
  }
  // Arrows scroll what is read, and walk through the list from anywhere else; from the search they lead into it.
  const isRead = pane.contains(target) && event.key.startsWith("Arrow");
  const leads = target === search && event.key === "ArrowDown";
  if ((isTyping && !leads) || isRead || !(event.key in KEYS)) return;
  event.preventDefault();
  KEYS[event.key]();
});

addEventListener("hashchange", () => show({ isMoved: true }));
listen();
show();
