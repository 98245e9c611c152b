// Draws: one message, one row, the setup. Whatever came from outside becomes text and nothing else.

/** An element with attributes and children; a string is a text, never markup. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

/** Somebody else's text, its direction kept to itself. */
const foreign = (text, attributes = {}) => element("bdi", attributes, text ?? "");

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function moment(iso, short) {
  const date = new Date(iso);
  const today = date.toDateString() === new Date().toDateString();
  return element("time", { datetime: iso }, (short && today ? clock : calendar).format(date));
}

const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

function whom(entry) {
  return entry.to ?? `${entry.operation}, no recipient`;
}

/** Behind a word for the outcome, whom it went to; of a request without a recipient, what it was. */
export function addressed(entry) {
  if (entry.to) return `, to ${entry.to}`;
  return entry.operation === "unknown" ? ", no recipient" : `, ${entry.operation} without a recipient`;
}

/** A mark and a word for what became of it; of what was passed on, the vendor's. */
export function verdict(entry) {
  const outcome = entry.upstream?.outcome;
  if (entry.accepted) return ["✓", outcome === "ANSWERED" ? "Answered" : "Accepted"];
  return { UNKNOWN: ["?", "Unknown"], NOT_SENT: ["✕", "Not sent"] }[outcome] ?? ["✕", "Refused"];
}

/** One line of the list. */
export function row(entry) {
  const [mark, outcome] = verdict(entry);
  const parts = entry.parts > 1 ? ` · ${plural(entry.parts, "part")}` : "";
  const received = moment(entry.received, true);
  const what = entry.text ?? (entry.reason || "");
  // What stands apart for the eye is apart for the ear as well.
  const said = [outcome.toLowerCase() + addressed(entry), entry.vendor + parts, received.textContent, entry.accepted ? "" : entry.refusal, what];
  return element("li", {},
    element("a", { class: "row", href: `#/${entry.number}`, tabindex: "-1", "aria-label": said.filter(Boolean).join(", ") },
      element("span", { class: `mark ${entry.accepted ? "good" : "bad"}`, "aria-hidden": "true" }, mark),
      element("span", { class: "who" }, foreign(whom(entry)),
        element("small", {}, entry.vendor + parts)),
      received,
      element("span", { class: "what" }, entry.accepted ? null : element("em", {}, foreign(entry.refusal)),
        foreign(what))));
}

/** All there is to say about one message; `detail` is what /page/messages/N answers. */
export function message(detail, copy) {
  const entry = detail.message;
  return [
    element("a", { class: "button back", href: "#/" }, "← All messages"),
    element("div", { class: "title" },
      element("h2", { id: "pane-title", tabindex: "-1" }, foreign(whom(entry))),
      element("span", { class: `outcome ${entry.accepted ? "good" : "bad"}` }, verdict(entry).join(" "))),
    element("p", { class: "under" }, `#${entry.number} · ${entry.vendor} · ${entry.operation} · `, moment(entry.received, false)),
    entry.accepted ? null : refusal(entry, detail.explanations),
    detail.content ? phone(entry, detail.content) : null,
    facts(entry, detail.content),
    ...signature(entry, detail),
    raw("request", entry.raw, detail.cut, copy),
    entry.answer ? raw("answer", entry.answer, detail.answer_cut, copy) : null,
  ].filter(Boolean);
}

function refusal(entry, explanations) {
  return element("div", { class: "why" },
    element("p", {}, element("b", {}, foreign(entry.refusal))),
    entry.reason ? element("p", {}, foreign(entry.reason)) : null,
    explanations.map((one, index) => mistake(one, index, explanations.length)),
    entry.diagnosis && !explanations.length && !entry.reason?.includes(entry.diagnosis) ? element("p", {}, foreign(entry.diagnosis)) : null);
}

function phone(entry, content) {
  const count = content.parts.length;
  const pieces = content.parts.flatMap((part, index) => [
    count > 1 ? element("span", { class: "cut" }, `part ${index + 1} of ${count}, ${part.units} units`) : null,
    foreign(part.text, { class: "part" }),
  ]);
  return element("div", { class: entry.accepted ? "phone" : "phone refused", role: "group", "aria-label": "As a phone shows it" },
    element("p", { class: "sender" }, entry.sender ? foreign(entry.sender) : "no sender"),
    element("div", { class: "bubble", dir: "auto" }, pieces.filter(Boolean)),
    element("p", { class: "foot" }, entry.accepted ? "as a phone shows it"
      : entry.upstream?.outcome === "UNKNOWN" ? "nobody knows whether a phone got it" : "no phone got it"));
}

function facts(entry, content) {
  const rows = [
    ["To", entry.to], ["From", entry.sender],
    ["Alphabet", content && alphabet(content)],
    ["Parts", content && `${plural(content.parts.length, "part")}, ${plural(content.units, "unit")}; the last part takes ${content.left} more`],
    ["Cost", entry.cost],
    ["Unseen", content?.unseen.length ? content.unseen.join(", ") : null],
    ["Send at", entry.send_at], ["Message id", entry.message_id], ["Note", entry.note], ["Broken by", entry.chaos],
  ];
  const told = rows.filter(([, value]) => value);
  return told.length && element("dl", { class: "facts" }, told.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, foreign(value))]));
}

function alphabet(content) {
  if (content.alphabet !== "UCS-2") return `${content.alphabet}, every character is in it`;
  return `UCS-2, because of ${content.expensive.join(", ")}`;
}

// --- the signature ---------------------------------------------------------------------------------------------------

function signature(entry, detail) {
  const signing = detail.signing;
  if (!signing) {
    return [element("h3", {}, "Signature"), element("p", {}, entry.signature ? "It was not checked." : "None was asked for, or none came.")];
  }
  const verdict = signing.right ? "✓ The signature is right" : "✕ The signature is wrong";
  return [
    element("h3", {}, "Signature check"),
    element("p", { class: `verdict ${signing.right ? "good" : "bad"}` }, verdict),
    stages(signing),
  ];
}

function mistake(explanation, index, count) {
  const wrong = explanation.overlay.filter(([yours, right]) => yours !== right);
  return element("div", { class: "mistake" },
    count > 1 ? element("p", {}, element("b", {}, `Explanation ${index + 1} of ${count}`)) : null,
    explanation.findings.flatMap((finding) => [
      element("p", {}, foreign(finding.sentence)),
      finding.fix ? element("p", {}, element("b", {}, "Fix: "), foreign(finding.fix)) : null,
    ]),
    wrong.length ? element("p", { class: "under" }, "What your program hashed, over what belongs to this request (· is a space):") : null,
    explanation.too_long ? element("p", {}, "The two texts are too long, or repeat themselves too often, to be laid over each other letter by letter.") : null,
    wrong.length ? overlay(explanation.overlay) : null,
    wrong.length ? element("ul", { class: "differences" }, differences(wrong)) : null,
    explanation.overlay.length && !wrong.length
      ? element("p", {}, "Both hashed the same text: what differs is how it was hashed.") : null);
}

/** Each kind of difference in words, with how often it is there; the most frequent six. */
function differences(wrong) {
  const kinds = new Map();
  for (const piece of wrong) {
    const key = JSON.stringify(piece);
    kinds.set(key, { piece, times: (kinds.get(key)?.times ?? 0) + 1 });
  }
  const often = [...kinds.values()].sort((one, other) => other.times - one.times);
  const items = often.slice(0, 6).map(({ piece, times }) => element("li", {}, difference(piece), times > 1 ? `, ${times} times` : ""));
  return often.length > 6 ? [...items, element("li", {}, `and ${often.length - 6} more`)] : items;
}

function difference([yours, right]) {
  const quoted = (text) => element("code", {}, foreign(dots(text)));
  if (!yours) return ["yours lacks ", quoted(right)];
  if (!right) return ["yours has ", quoted(yours), " too much"];
  return ["yours has ", quoted(yours), ", right is ", quoted(right)];
}

const dots = (text) => text.replaceAll(" ", "·");

/** Both texts over each other, cut into lines that fit; below each the place where they differ. */
function overlay(pieces) {
  const shown = element("pre", { class: "overlay", tabindex: "0", role: "group", "aria-label": "The text that was hashed, over the right one" });
  let columns = 0;
  const draw = () => {
    const room = Math.max(16, Math.floor((shown.clientWidth - 24) / width(shown)) - 7);
    if (room === columns) return;
    columns = room;
    shown.replaceChildren(...lines(pieces, room));
  };
  new ResizeObserver(draw).observe(shown);
  return shown;
}

function width(block) {
  const probe = element("span", {}, "0".repeat(50));
  block.append(probe);
  const one = probe.getBoundingClientRect().width / 50;
  probe.remove();
  return one || 8;
}

function lines(pieces, room) {
  const cells = pieces.flatMap(([yours, right]) => {
    const one = [...yours], other = [...right];
    return Array.from({ length: Math.max(one.length, other.length) }, (_, at) =>
      ({ yours: one[at] ?? " ", right: other[at] ?? " ", differs: yours !== right, none: [one[at] === undefined, other[at] === undefined] }));
  });
  const drawn = [];
  for (let start = 0; start < cells.length; start += room) {
    const line = cells.slice(start, start + room);
    const differs = line.some((cell) => cell.differs);
    drawn.push(element("i", {}, "yours  "), text(line, "yours", 0), "\n");
    drawn.push(element("i", {}, "right  "), text(line, "right", 1), "\n");
    // Below what is the same, an empty line keeps the pairs apart.
    if (differs) drawn.push(element("b", { "aria-hidden": "true" }, "       " + line.map((cell) => (cell.differs ? "^" : " ")).join("").trimEnd()), "\n");
    else if (start + room < cells.length) drawn.push("\n");
  }
  return drawn;
}

function text(line, side, place) {
  const whole = element("span");
  for (let at = 0; at < line.length; ) {
    const from = at;
    while (at < line.length && line[at].differs === line[from].differs) at++;
    const letters = line.slice(from, at).map((cell) => (cell.none[place] ? " " : dots(cell[side]))).join("");
    whole.append(line[from].differs ? element("mark", { class: side }, letters) : letters);
  }
  return whole;
}

function stages(signing) {
  const withheld = "not told: it would help to make the right signature";
  return element("div", {},
    element("ol", { class: "stages" }, signing.stages.map((stage) => element("li", {},
      element("span", {}, stage.label),
      stage.text === null ? element("p", {}, signing.right ? "on the way to the next" : withheld)
        : element("code", { class: "block" }, spaced(stage.text))))),
    element("dl", { class: "facts" },
      element("dt", {}, `${signing.name} that came`), element("dd", {}, element("code", {}, foreign(signing.sent || "(empty)"))),
      signing.left_out.length ? [element("dt", {}, "Not signed"),
        element("dd", {}, foreign(signing.left_out.map((left) => `${left.name} (${left.why})`).join(", ")))] : null));
}

/** A text whose spaces can be seen, and are copied as spaces. */
function spaced(content) {
  const whole = element("bdi");
  for (const piece of content.split(/( )/)) if (piece) whole.append(piece === " " ? element("span", { class: "space" }, " ") : piece);
  return whole;
}

function raw(what, content, isCut, copy) {
  return element("details", { id: what === "request" ? "raw" : what },
    element("summary", {}, `Raw ${what}`),
    copy(content, `the ${what}`),
    element("pre", { tabindex: "0", role: "group", "aria-label": `Raw ${what}` }, foreign(content)),
    isCut ? element("p", { class: "under" }, "Only its beginning is kept.") : null);
}

// --- setup -----------------------------------------------------------------------------------------------------------

/** Where each vendor is, how its account opens, and the numbers that fail on purpose. */
export function setup({ vendors, upstream }, balances, panel, copy) {
  return [
    element("a", { class: "button back", href: "#/" }, "← All messages"),
    element("div", { class: "title" }, element("h2", { id: "pane-title", tabindex: "-1" }, "Point your program here")),
    element("p", { class: "under" }, upstream
      ? `What is sent here goes on to ${upstream}, as it is: it reaches phones and costs money.`
      : "Each vendor's API, with an account of nobody. What is sent here reaches no phone and costs nothing."),
    element("div", { class: "vendors" }, vendors.map((vendor) => vendorCard(vendor, balances[vendor.vendor], copy))),
    panel,
    element("h3", {}, "Keys"),
    element("p", {}, ...keys([["j", "k"], " or arrows: next, previous. "], [["Enter"], ": open. "], [["Esc"], ": back. "], [["/"], ": search."])),
    element("p", { class: "under" }, "Programs ask ", element("a", { href: "/api/messages" }, "/api"), ", which ",
      element("a", { href: "/api/openapi.json" }, "openapi.json"), " describes."),
  ];
}

function keys(...rows) {
  return rows.flatMap(([names, words]) => [...names.flatMap((name) => [element("kbd", {}, name), " "]), words]);
}

function vendorCard(vendor, balance, copy) {
  const account = Object.entries(vendor.fields);
  const rows = [
    ...(account.length ? account.map(([name, value]) => [name, element("code", {}, value)]) : [["Account", "that of your profile"]]),
    ...(vendor.numbers.length ? [["Try", element("code", {}, vendor.numbers.join(", "))],
      ["Balance", element("span", { "data-balance": vendor.vendor }, balance ?? "unknown")]] : []),
  ];
  return element("div", { class: "vendor" },
    element("h3", {}, vendor.vendor),
    element("p", { class: "url" }, element("code", {}, vendor.base_url), copy(vendor.base_url, `the base URL of ${vendor.vendor}`)),
    element("dl", { class: "facts" }, rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])),
    vendor.failures.length ? element("details", {},
      element("summary", {}, "Numbers that fail"),
      element("p", { class: "under" }, "Any number with these last six digits fails on purpose."),
      element("table", {},
        element("thead", {}, element("tr", {}, ["For instance", "Answer"].map((head) => element("th", { scope: "col" }, head)))),
        element("tbody", {}, vendor.failures.map((one) => element("tr", {}, element("td", {}, element("code", {}, vendor.numbers[0].slice(0, -6) + one.ending)),
          element("td", {}, one.words.includes(one.code) ? one.words : `${one.code}: ${one.words}`)))))) : null);
}
