// SPDX-License-Identifier: Apache-2.0
// <timing-sheet>: a junction's timing sheet, its findings beside it, its versions below; the editor checks every change.

import { get, post } from "#city/api";
import { askWhy, failure, field, loadInto } from "#city/dialog";
import { fill, h, refill, toast } from "#city/dom";
import { cityNow, fromLocalInput, iso } from "#city/time";
import { History, confirmPart } from "./sheet-edits.js";
import * as tables from "./sheet-tables.js";
import { date, versions } from "./sheet-versions.js";

const CHECK_MS = 250;
const YEAR_MS = 365.25 * 86_400_000;
const WORDS = { error: "Error", estimated: "Estimated", warning: "Warning" };

class TimingSheet extends HTMLElement {
  connectedCallback() {
    this.uid = this.dataset.uid;
    this.path = `traffic/sheets/${encodeURIComponent(this.uid)}`;
    this.load();
  }

  load(version) {
    this.isEditing = false;
    return loadInto(this, async () => {
      this.found = await get(this.path, { version });
      this.history = new History(this.found.sheet);
      this.judged = this.found;
      this.parts = { head: h("header.page-head"), body: h("div.sheet"), findings: h("aside.findings", { "aria-labelledby": "findings-title" }), versions: h("section.versions") };
      this.draw();
      fill(this.parts.versions, versions(this.uid, this.found, (number) => this.load(number)));
      return [this.parts.head, h("div.sheet-columns", {}, this.parts.body, this.parts.findings), this.parts.versions];
    }, "Loading the timing sheet…");
  }

  get line() { return this.found.versions.find((row) => row.version === this.found.version); }

  get isChanged() { return this.history.past.length > 0; }

  draw() {
    const sheet = this.history.now;
    refill(this.parts.head, this.title(), h("div.buttons-row", {}, this.buttons()));
    this.drawFindings();
    if (!sheet) return fill(this.parts.body, h("p.empty", {}, this.found.why_none));
    const edit = this.isEditing && ((next, always) => this.edit(next, always));
    refill(this.parts.body, section("Stages", tables.stages(sheet, edit)), section("Signal groups", tables.groups(sheet, edit)), section("Intergreens", tables.matrix(sheet, edit)), section("Plans", tables.plans(sheet, this.judged.changes_s, edit)), section("Calendar", tables.calendar(sheet, edit)), others(sheet));
  }

  title() {
    const row = this.line;
    const signed = !row ? "a draft from the cabinet's announcement, not saved" : row.signed_by ? `signed by ${row.signed_by}, valid ${date(row.valid_from)} to ${date(row.valid_until)}${row.is_current ? "" : ", replaced since"}` : "a draft: nobody has signed it";
    return h("div", {}, h("h1", {}, `Timing sheet ${this.uid}`), h("p.lead.sheet-state", {}, `${this.found.name} · ${row ? `version ${row.version}, ` : ""}${signed}${row?.basis ? ` · ${row.basis}` : ""}${this.isChanged ? " · changed, not saved" : ""}`));
  }

  buttons() {
    const button = (label, act, more = {}, kind = "button.button") => h(kind, { type: "button", onclick: act, ...more }, label);
    const print_ = button("Print", () => print());
    if (!this.found.may_configure) return [print_];
    if (this.isEditing) {
      return [button("Undo", () => this.step("undo"), { disabled: !this.history.past.length }), button("Redo", () => this.step("redo"), { disabled: !this.history.future.length }),
        button("Discard", () => this.load(this.found.version ?? undefined)), button("Save draft…", () => this.save(), { disabled: !this.isChanged && this.found.version !== null, "aria-haspopup": "dialog" }, "button.button.primary")];
    }
    const [row, isNewest] = [this.line, this.found.version === this.found.newest && this.found.version !== null];
    return [
      print_, button("From the cabinet", () => this.fromCabinet()), this.found.sheet && button("Edit", () => { this.isEditing = true; this.draw(); }),
      row?.signed_by && row.is_current && button("Withdraw…", () => this.withdraw(), { "aria-haspopup": "dialog" }),
      isNewest && !row.signed_by && this.found.sheet && button("Sign…", () => this.sign(), { "aria-haspopup": "dialog", disabled: !this.judged.may_be_signed, title: this.judged.may_be_signed ? null : "First what is wrong or estimated is put right" }, "button.button.primary"),
    ];
  }

  edit(next, always) {
    const before = this.history.now;
    if (this.history.push(next) !== before || always) this.changed();
  }

  step(which) {
    this.history[which]();
    this.changed();
  }

  /** After the focus has moved on: a field that is left must not take it along. */
  changed() {
    setTimeout(() => this.draw(), 0);
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.check(), CHECK_MS);
  }

  async check() {
    const sheet = this.history.now;
    try {
      const judged = await post(`${this.path}/check`, { sheet });
      if (sheet !== this.history.now) return;
      this.judged = judged;
      this.draw();
    } catch (problem) {
      this.parts.findings.append(failure(problem, () => this.check()));
    }
  }

  drawFindings() {
    const { findings, may_be_signed: fine } = this.judged;
    const count = (kind) => findings.filter((one) => one.severity === kind).length;
    const summary = fine ? "Nothing keeps it from being signed." : `${many(count("error"), "error")}, ${many(count("estimated"), "part")} estimated: it cannot be signed.`;
    refill(this.parts.findings, h("h2", { id: "findings-title" }, "Findings"), h("p.small", { role: "status" }, this.history.now ? summary : ""),
      h("ul.plain", {}, findings.map((one) => h(`li.finding.${one.severity}`, {}, h("strong", {}, `${WORDS[one.severity]}: `), one.sentence,
        this.isEditing && one.severity === "estimated" && h("button.button.small-button", { type: "button", onclick: () => this.edit(confirmPart(this.history.now, one.subject)) }, `Confirm ${one.subject}`)))));
  }

  async fromCabinet() {
    try {
      const drawn = await get(`${this.path}/announced`);
      this.isEditing = true;
      this.edit(drawn.sheet, true);
    } catch (problem) {
      toast(problem.words ?? problem.message, "problem");
    }
  }

  save() {
    askWhy("Save as a draft", "It becomes the newest version and waits for a signature; what is signed stays in force until then.", "Save", async (reason) => {
      const { version } = await post(this.path, { sheet: this.history.now, basis: reason.slice(0, 200), after: this.found.newest });
      toast(`Saved as version ${version}.`);
      this.load();
    }, { hint: "The document, survey or reason the figures come from; it stands beside the version." });
  }

  sign() {
    const until = h("input", { type: "date", required: true, value: date(cityNow() + YEAR_MS) });
    askWhy(`Sign version ${this.found.version} of ${this.uid}`, "You answer for these figures by name: from now on adaptive control may rest on them.", "Sign", async (reason) => {
      await post("engineering/sign", { assets: [this.uid], version: this.found.version, valid_until: iso(fromLocalInput(`${until.value}T23:59`)), reason });
      toast(`Version ${this.found.version} carries your name.`);
      this.load();
    }, { fields: [field("Valid until", until, "The end of this day.")] });
  }

  withdraw() {
    askWhy(`Withdraw the signature of ${this.uid}`, "From now on control may only advise here; the cabinet keeps its own plan.", "Withdraw", async (reason) => {
      await post("engineering/withdraw", { assets: [this.uid], reason });
      toast("The signature is withdrawn.");
      this.load();
    });
  }
}

const many = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
const section = (title, ...content) => h("section", {}, h("h2", {}, title), content);

/** What is read and not edited here. */
function others(sheet) {
  const lines = [
    sheet.detectors.length && `Detectors: ${sheet.detectors.map((d) => `${d.id} (${d.what}${d.distance_m ? ` at ${d.distance_m} m` : ""})`).join(", ")}.`,
    sheet.corridor && `Corridor ${sheet.corridor.name} at ${sheet.corridor.design_speed_kmh} km/h: ${sheet.corridor.junctions.map((j, n) => `${j} ${sheet.corridor.offsets_s[n] ?? "–"} s`).join(", ")}.`,
    sheet.ring_barrier && `Ring-barrier view: ${sheet.ring_barrier.rings.map((ring, n) => `ring ${n + 1}: ${ring.map((side) => side.join(" ")).join(" | ")}`).join("; ")}.`,
  ].filter(Boolean);
  return lines.length > 0 && h("section.others", {}, lines.map((line) => h("p.small", {}, line)), h("p.signature", {}, "Signed: ______________________   Date: ____________"));
}

customElements.define("timing-sheet", TimingSheet);
