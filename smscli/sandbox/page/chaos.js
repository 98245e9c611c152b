// The switches for failures on demand: a rule is put together or typed, and the sandbox has the last word on it.

import { element } from "/page/message.js";

/** What can go wrong: its name in a rule, in words, and values to choose from; the first one is the usual one. */
const EFFECTS = [
  ["error", "the vendor's own error", []],
  ["status", "an HTTP status", ["503", "500", "429", "404", "302"]],
  ["delay", "a late answer, in seconds", ["5", "30", "120"]],
  ["reset", "a broken connection", ["after", "before"]],
  ["cut", "an answer cut off, after bytes", ["10", "0", "40"]],
  ["drip", "an answer that drips, bytes a second", ["5", "1", "50"]],
  ["body", "an answer of somebody else", ["html", "empty", "json"]],
  ["partial", "only the first recipients accepted", ["1", "2"]],
  ["clock", "a clock that is off, in seconds", ["60", "-60", "7200"]],
  ["address", "an address that is not allowed", ["refused"]],
];

const TIMES = [["count=1", "once"], ["count=3", "three times"], ["", "every time"], ["every=2", "every second time"],
  ["probability=0.5", "half of the time"]];

const quoted = (word) => (/^[\w.:+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\"'\"'")}'`);

/** A control below its label. */
function labelled(id, words, name, attributes, ...children) {
  return element("div", { class: id }, element("label", { for: id }, words), element(name, { id, ...attributes }, ...children));
}

const choice = (id, words, options) =>
  labelled(id, words, "select", {}, options.map(([value, text]) => element("option", { value }, text)));

/** How often a rule has hit, of the requests that it was meant for. */
const fate = ({ hits, matches }) => (matches ? `hit ${hits} of ${matches} ${matches === 1 ? "request" : "requests"}` : "no request yet");

/** The panel, below the vendors; `say` tells those who do not see it, `tell` has the counts looked at again. */
export function switches(vendors, rules, { say, tell }) {
  const vendor = choice("chaos-vendor", "Vendor", [...vendors.map((one) => [one.vendor, one.vendor]), ["", "any"]]);
  const operation = choice("chaos-operation", "Request", [["send", "a send"], ["", "any"], ["balance", "balance"], ["status", "status"]]);
  const effect = choice("chaos-effect", "Meets", EFFECTS.map(([name, words]) => [name, words]));
  const values = element("datalist", { id: "chaos-values" });
  const value = labelled("chaos-value", "Value", "input", { list: "chaos-values", autocomplete: "off" });
  const times = choice("chaos-times", "How often", TIMES);
  const rule = labelled("chaos-rule", "The rule", "input", { autocomplete: "off", spellcheck: "false" });
  const trouble = element("p", { class: "bad", role: "alert" });
  const list = element("ul", { class: "rules", "aria-label": "Rules" });
  const add = element("button", { type: "button" }, "Break it");
  const field = (block) => block.lastElementChild;

  const suggest = () => {
    const chosen = vendors.find((one) => one.vendor === field(vendor).value);
    const errors = chosen?.failures ?? [];
    // These are errors of a vendor's own.
    const lacks = { error: !chosen, address: !chosen?.refuses_addresses };
    for (const option of field(effect).options) option.hidden = option.disabled = lacks[option.value] ?? false;
    if (field(effect).selectedOptions[0]?.disabled ?? true) field(effect).value = [...field(effect).options].find((option) => !option.disabled).value;
    const known = field(effect).value === "error"
      ? errors.map((one) => [one.code, one.words]) : EFFECTS.find(([name]) => name === field(effect).value)[2].map((one) => [one, ""]);
    values.replaceChildren(...known.map(([code, words]) => element("option", { value: code }, words)));
    field(value).value = known[0]?.[0] ?? "";
    write();
  };
  const write = () => {
    const words = [field(vendor).value, field(operation).value, `${field(effect).value}=${quoted(field(value).value)}`, field(times).value];
    field(rule).value = words.filter(Boolean).join(" ");
  };
  for (const block of [vendor, effect]) field(block).addEventListener("change", suggest);
  for (const block of [operation, times]) field(block).addEventListener("change", write);
  field(value).addEventListener("input", write);

  const ask = async (method, path, body) => {
    const answer = await fetch(path, { method, ...(body ? { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } } : {}) });
    const refusal = answer.ok ? "" : (await answer.json()).error;
    trouble.textContent = refusal;
    if (!refusal) tell();
    return !refusal;
  };
  const put = async () => { if (await ask("POST", "/api/chaos", { rule: field(rule).value })) say("The rule holds"); };
  add.addEventListener("click", put);
  field(rule).addEventListener("keydown", (event) => { if (event.key === "Enter") put(); });

  /** Draw the rules anew; who has the focus on a button keeps it there. */
  const draw = (now) => {
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.number : null;
    list.replaceChildren(...now.map((one) => {
      const remove = element("button", { type: "button", class: "copy", "data-number": one.number, "aria-label": `Remove ${one.rule}` }, "Remove");
      remove.addEventListener("click", () => ask("DELETE", `/api/chaos/${one.number}`));
      return element("li", {}, element("code", {}, one.rule), element("span", { class: "under" }, fate(one)), remove);
    }));
    if (focused) (list.querySelector(`[data-number="${focused}"]`) ?? add).focus();
  };

  draw(rules);
  suggest();
  const panel = element("div", { class: "vendor", role: "group", "aria-label": "Failures on demand" },
    element("h3", {}, "Break something on purpose"),
    element("div", { class: "switches" }, vendor, operation, effect, value, times), values,
    element("div", { class: "switches" }, rule, add), trouble, list);
  return { panel, draw };
}
