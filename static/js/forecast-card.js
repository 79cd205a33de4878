// SPDX-License-Identifier: Apache-2.0
// <forecast-card>: the model card of one metric and kind, its approvals, and the way out of it: paper and a public register.

import { mase, percent, plural } from "#city/accuracy-words";
import { get, post } from "#city/api";
import { titleOf } from "#city/config";
import { askWhy, field, loadInto } from "#city/dialog";
import { h, toast } from "#city/dom";
import { cityNow, when } from "#city/time";
import { quantity } from "#city/words";

class ForecastCard extends HTMLElement {
  connectedCallback() {
    const { metric, kind } = this.dataset;
    this.path = `forecasts/cards/${encodeURIComponent(metric)}/${encodeURIComponent(kind)}`;
    this.load();
  }

  load() {
    return loadInto(this, async () => card(await get(this.path), this.path, () => this.load()), "Loading the card…");
  }
}

function card(one, path, again) {
  const rows = [
    ["Intended purpose", one.purpose],
    ["Reaches", `${one.horizon_h} h ahead in steps of ${one.step_s / 60} min, with quantiles ${one.levels.map((level) => percentOf(level)).join(", ")}`],
    ["Data", list(one.data)],
    ["Methods", `A mix of ${one.methods.join(", ")}, shared out by a daily backtest of each series (decision 16); seasonal naive always runs as the guard.`],
    ["Version of the methods", `${one.code}, a digest of the code that makes the forecast`],
    ["Measured error", [h("p", {}, one.measured), one.figures ? figures(one.figures, one.unit) : null]],
    ["Limits and known failures", list(one.limits)],
    ["Owner", one.approval ? [one.approval.owner, one.approval.contact ? `, ${one.approval.contact}` : ""] : "Nobody yet"],
    ["Approved", approved(one)],
  ];
  return [
    h("header.page-head", {}, h("h1", {}, `${one.title} of ${plural(one.kind)}: model card`), h("div.buttons-row", {},
      one.may_approve ? h("button.button.primary", { type: "button", "aria-haspopup": "dialog", onclick: () => approve(one, path, again) }, "Approve…") : null,
      h("button.button", { type: "button", onclick: () => print() }, "Print"), h("a.button", { href: `/api/v1/${path}?as=register`, download: true }, "Entry for a public register"))),
    h("p.lead", {}, `${titleOf(one.domain)}. Every hour the coming hours are foreseen anew; each forecast is kept as it was issued, and scored when its time is over.`),
    h("dl.model-card", {}, rows.map(([name, what]) => h("div", {}, h("dt", {}, name), h("dd", {}, what)))),
    one.approvals.length > 1 ? h("section", {}, h("h2", {}, "Earlier approvals"), h("ul.coming", {}, one.approvals.slice(1).map((row) => h("li", {}, said(row))))) : null,
  ];
}

const percentOf = (level) => `${Number((level * 100).toFixed(1))}\u00a0%`;
const list = (sentences) => h("ul.plain", {}, sentences.map((text) => h("li", {}, text)));

function figures(found, unit) {
  const rows = [["Off by", quantity(Number(found.mae.toPrecision(3)), { unit })], ["MASE", mase(found.mase)], ["Inside the 80\u00a0% band", percent(found.coverage80)], ["Inside the 95\u00a0% band", percent(found.coverage95)]];
  return h("dl.accuracy-figures", {}, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, h("strong", {}, value)))));
}

function approved(one) {
  if (!one.approval) return h("span.worse", {}, "Not approved by anybody.");
  return [h("p", {}, said(one.approval)), one.is_current ? null : h("p.worse", {}, `The methods have changed since (${one.approval.code} then, ${one.code} now): it is to be approved anew.`)];
}

const said = (row) => `${row.approved_by}, ${when(row.approved_at, cityNow())}: ${row.reason}${row.basis ? ` (${row.basis})` : ""}`;

function approve(one, path, again) {
  const text = (value, type = "text", most = 150) => h("input", { type, maxlength: most, autocomplete: "off", value: value ?? "" });
  const [owner, contact, basis] = [text(one.approval?.owner), text(one.approval?.contact, "email"), text(one.approval?.basis, "text", 300)];
  askWhy(`Approve: ${one.title} of ${plural(one.kind)}`, `You say that these forecasts may be used for what the card says, as they are made now (${one.code}).`, "Approve", async (reason) => {
    await post(`${path}/approve`, { owner: owner.value.trim(), contact: contact.value.trim(), basis: basis.value.trim(), reason });
    toast("The card carries your name.");
    again();
  }, { fields: [field("Owner", owner, "The desk or person that answers for it."), field("Contact e-mail", contact, "For the public register; may stay empty."), field("Decision", basis, "What allows its use; may stay empty.")] });
}

customElements.define("forecast-card", ForecastCard);
