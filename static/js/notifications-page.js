// SPDX-License-Identifier: Apache-2.0
// <push-settings>: whether this browser and my mailbox (not `without-mail`) are told, and of which alarms.

import { get, list, post, remove } from "#city/api";
import { choiceWords } from "#city/choice-words";
import { config } from "#city/config";
import { loadInto } from "#city/dialog";
import { fill, h, toast } from "#city/dom";
import { current, hindrance, subscribe, unsubscribe } from "#city/push";
import { when } from "#city/time";
import { humanise, severityWord } from "#city/words";

const DEFAULT = { worst_only: 2, domains: [] };

const titles = new Map(config.domains.map((d) => [d.label, d.title]));

/** The form of one choice; `read()` gives what is chosen. No domain ticked means every domain. */
function choice(name, chosen) {
  const severities = [1, 2, 3, 4].map((s) => h("label", {}, h("input", { type: "radio", name: `${name}-severity`, value: String(s), checked: s === chosen.worst_only }), s === 1 ? "Critical only" : `${humanise(severityWord(s))} and worse`));
  const domains = config.domains.map((d) => h("label", {}, h("input", { type: "checkbox", name: `${name}-domain`, value: d.label, checked: !chosen.domains.length || chosen.domains.includes(d.label) }), d.title));
  const element = h("div", {}, h("fieldset.choices", {}, h("legend", {}, "Which alarms"), severities), h("fieldset.choices", {}, h("legend", {}, "Of which domains"), domains));
  const read = () => {
    const ticked = [...element.querySelectorAll("[type=checkbox]:checked")].map((box) => box.value);
    if (!ticked.length) throw new Error("Choose at least one domain, or remove this browser.");
    return { worst_only: Number(element.querySelector("[type=radio]:checked").value), domains: ticked.length === config.domains.length ? [] : ticked };
  };
  return { element, read };
}

/** A button that says what went wrong, and does nothing twice. */
function button(label, action, kind = "button.button") {
  const element = h(kind, { type: "button" }, label);
  element.addEventListener("click", async () => {
    element.disabled = true;
    try {
      await action();
    } catch (problem) {
      toast(problem.words ?? problem.message, "problem");
    }
    element.disabled = false;
  });
  return element;
}

class PushSettings extends HTMLElement {
  connectedCallback() {
    this.draw();
  }

  draw() {
    return loadInto(this, async () => {
      const withMail = !this.hasAttribute("without-mail");
      const [browsers, mail, subscription] = await Promise.all([list("push/subscriptions/"), withMail && get("push/mail"), current().catch(() => null)]);
      const mine = subscription && browsers.find((b) => subscription.endpoint.endsWith(b.endpoint_tail));
      return [this.#browser(mine), this.#others(browsers.filter((b) => b !== mine)), mail && this.#mail(mail)];
    }, "Asking the browser…");
  }

  #browser(mine) {
    const why = hindrance();
    if (why) return h("section", {}, h("h2", {}, "This browser"), h("p.notice", { role: "status" }, why));
    const form = choice("push", mine ?? DEFAULT);
    const save = button(mine ? "Save" : "Tell this browser", async () => { await subscribe(form.read()); toast("This browser will be told."); await this.draw(); }, "button.button.primary");
    const test = mine && button("Send a test", async () => { await post("push/test"); toast("A test message is on its way."); });
    const end = mine && button("Stop telling this browser", async () => { await unsubscribe(mine.id); toast("This browser is no longer told."); await this.draw(); });
    return h("section", {}, h("h2", {}, "This browser"), h("p.small", {}, mine ? choiceWords(mine, titles) : "Not told of anything yet."), form.element, h("div.buttons-row", {}, save, test, end));
  }

  #others(browsers) {
    if (!browsers.length) return null;
    return h("section", {}, h("h2", {}, "My other browsers"), browsers.map((b) => h("p.notice", {}, h("span", {}, `${choiceWords(b, titles)} · since ${when(b.created_at)}${b.failed ? ` · ${b.failed} failed` : ""}`),
      button(`Remove …${b.endpoint_tail.slice(-4)}`, async () => { await remove(`push/subscriptions/${b.id}`); await this.draw(); }))));
  }

  #mail(mail) {
    if (!mail.address) return h("section", {}, h("h2", {}, "E-mail"), h("p.small", {}, "Your account has no e-mail address. An administrator can add one."));
    const form = choice("mail", mail.wanted ? mail : { worst_only: 1, domains: [] });
    const save = button(mail.wanted ? "Save" : `Write to ${mail.address}`, async () => { await post("push/mail", form.read()); toast("Saved."); await this.draw(); });
    const end = mail.wanted && button("No e-mail", async () => { await remove("push/mail"); await this.draw(); });
    return h("section", {}, h("h2", {}, "E-mail"), h("p.small", {}, mail.wanted ? `${choiceWords(mail, titles)}, to ${mail.address}` : "Nothing is written yet."), form.element, h("div.buttons-row", {}, save, end));
  }
}

if (globalThis.customElements) customElements.define("push-settings", PushSettings);
