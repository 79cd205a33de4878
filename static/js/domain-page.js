// SPDX-License-Identifier: Apache-2.0
// <domain-page>: one domain: figures against baseline, loops and modes, its assets as a table, its commands.

import { instant, list } from "#city/api";
import { city, nameOf } from "#city/city";
import { failure, loadInto, waiting } from "#city/dialog";
import { fill, h, refill, say } from "#city/dom";
import { layerOf } from "#city/layers";
import { live } from "#city/live";
import { stateText, ageText } from "#city/map-table";
import { describe, modeSwitch } from "#city/mode-switch";
import { commandLine } from "#city/command-line";
import { lookOf } from "#city/scene";
import { severityMark } from "#city/severity";
import { worstByAsset } from "#city/store";
import { sortable } from "#city/table";
import { cityNow, day, when } from "#city/time";
import { difference, evidenceOf, newest } from "#city/worth";
import { duration, number, unitText } from "#city/words";
import { againstNormal } from "#city/kpi-strip";

const REDRAW_MS = 2000;
const DAYS = 8;

class DomainPage extends HTMLElement {
  connectedCallback() {
    this.domain = this.dataset.domain;
    this.place = (name) => this.querySelector(`[data-part=${name}]`);
    this.kind = null;
    this.#figures();
    this.#modes();
    this.#commands();
    this.#assets();
    live.addEventListener("change", (event) => this.#changed(event.detail));
  }

  #changed(change) {
    if (change.kpis || change.everything) this.#headline();
    if (change.modes) this.#later("modes", () => this.#modes(true));
    if (change.commands.some((c) => c.domain === this.domain)) this.#later("commands", () => this.#commands(true));
    if (!this.table || !(change.series.size || change.alarms)) return;
    this.#later("table", () => (change.alarms ? this.#rows() : this.table.refresh()));
  }

  /** At most once in a while, however fast frames come. */
  #later(name, act) {
    this.due ??= {};
    this.due[name] ??= setTimeout(() => { delete this.due[name]; act(); }, REDRAW_MS);
  }

  async #figures() {
    const place = this.place("kpis");
    this.now = h("article.card.now-card", { hidden: true }, h("h3"), h("p.value"), h("p.against"), h("p.small"));
    try {
      const entries = newest(await list("ledger/", { domain: this.domain, from: Math.round(cityNow() - DAYS * 86400_000) }), instant);
      fill(place, this.now, entries.map(card), !entries.length && h("p.empty.card", {}, "No entry in the ledger yet. The first is written when a city hour is over."));
    } catch (problem) {
      fill(place, this.now, failure(problem, () => this.#figures()));
    }
    this.#headline();
  }

  #headline() {
    const kpi = live.store.kpis[this.domain];
    if (!this.now || !kpi) return;
    const [title, value, against, normal] = this.now.children;
    this.now.hidden = false;
    say(title, `Now: ${kpi.title ?? "figure"}`);
    fill(value, h("strong", {}, kpi.digits === undefined || typeof kpi.value !== "number" ? number(kpi.value) : kpi.value.toFixed(kpi.digits).replace("-", "−")), h("span.unit", {}, ` ${unitText(kpi.unit)}`));
    say(against, kpi.note ?? "");
    say(normal, againstNormal(kpi));
  }

  #modes(quietly = false) {
    const place = this.place("modes").querySelector(".body");
    const load = async () => {
      const modes = (await list("modes/")).filter((m) => m.domain === this.domain && m.counts?.assets !== 0);
      return modes.length ? this.#loops(modes) : h("p.empty", {}, "No loop commands anything here yet: this domain shows, it does not act.");
    };
    return quietly ? quiet(place, load) : loadInto(place, load, "Loading the loops…");
  }

  #loops(modes) {
    const byLoop = new Map();
    for (const mode of modes) byLoop.set(mode.loop, [...(byLoop.get(mode.loop) ?? []), mode]);
    return [...byLoop.values()].map((zones) => {
      const [{ title, every_s: every, local_means: local, words }] = zones;
      const pace = [every ? `decides every ${duration(every)}` : "", local && !local.toLowerCase().includes((words?.local ?? "").toLowerCase()) ? `${words?.local ?? "local"} means ${local}` : ""].filter(Boolean).join(" · ");
      return h("ul.loops", { "aria-label": title }, h("li.loop.loop-head", {}, h("h3", {}, title), h("span.small", {}, pace)), zones.map((mode) => this.#loop(mode)));
    });
  }

  #loop(mode) {
    const failed = mode.last_error ? h("span.small.bad", {}, ` last run failed: ${mode.last_error}`) : null;
    const many = mode.counts?.assets;
    return h("li.loop", {}, h("div", {}, h("strong", {}, mode.group_name ?? mode.group), many ? h("span.unit", {}, ` ${number(many)} ${many === 1 ? "asset" : "assets"}`) : null, h("p.small", {}, describe(mode), failed)), modeSwitch(mode, () => this.#modes(true)));
  }

  #commands(quietly = false) {
    const place = this.place("commands").querySelector(".body");
    const load = async () => {
      const commands = await list("commands/", { domain: this.domain, limit: 10 });
      if (!commands.length) return h("p.empty", {}, "No command yet. A loop sends its first when it has a mode that lets it.");
      return [h("ol.commands-list", {}, commands.map((c) => commandLine(c, { whole: true, may: true, done: () => this.#commands(true) }))), h("p", {}, h("a", { href: `/commands/?domain=${this.domain}` }, "All commands and the event log"))];
    };
    return quietly ? quiet(place, load) : loadInto(place, load, "Loading the commands…");
  }

  async #assets() {
    const place = this.place("assets").querySelector(".body");
    fill(place, waiting("Loading the assets…"));
    await city.load();
    const failed = city.failed.get(this.domain);
    if (failed) return fill(place, failure(failed, async () => { await city.retry(this.domain); this.#assets(); }));
    const kinds = this.#kinds();
    if (!kinds.length) return fill(place, h("p.empty", {}, "No assets yet. ", h("code", {}, "manage.py importcity"), " reads them from a map, ", h("code", {}, "manage.py importassets"), " from your own list."));
    this.tabs = h("div.tabs", { role: "tablist", "aria-label": "Kinds of assets" }, kinds.map(([kind, info, count]) => h("button", { type: "button", role: "tab", id: `tab-${kind}`, "aria-controls": "asset-rows", onclick: () => this.#show(kind) }, `${capital(info.plural)} `, h("span.unit", {}, number(count)))));
    this.tabs.addEventListener("keydown", (event) => this.#turn(event));
    this.filter = h("input", { type: "search", placeholder: "Filter by name or number", "aria-label": "Filter the assets", autocomplete: "off" });
    this.filter.addEventListener("input", () => this.#rows());
    this.rows = h("div", { id: "asset-rows", role: "tabpanel" });
    fill(place, h("div.tab-line", {}, this.tabs, this.filter), this.rows);
    this.#show(kinds[0][0]);
  }

  /** [kind, info, count], the ones drawn last (the most important) first. */
  #kinds() {
    const counts = new Map();
    for (const asset of city.byDomain.get(this.domain) ?? []) if (asset.kindInfo.table) counts.set(asset.kind, [asset.kindInfo, (counts.get(asset.kind)?.[1] ?? 0) + 1]);
    return [...counts].map(([kind, [info, count]]) => [kind, info, count]).sort((a, b) => b[1].order - a[1].order);
  }

  #turn(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const all = [...this.tabs.children];
    const next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
    next.click();
    next.focus();
  }

  #show(kind) {
    this.kind = kind;
    for (const tab of this.tabs.children) { tab.setAttribute("aria-selected", tab.id === `tab-${kind}`); tab.tabIndex = tab.id === `tab-${kind}` ? 0 : -1; }
    this.rows.setAttribute("aria-labelledby", `tab-${kind}`);
    const own = layerOf(this.domain).columns(kind).map((column) => ({ ...column, value: ({ asset }) => column.value(asset, asset.values), text: column.text ? ({ asset }) => column.text(asset, asset.values) : undefined }));
    this.table = sortable({
      caption: `${kind.replaceAll("_", " ")} table`, empty: "Nothing matches.", key: ({ asset }) => asset.uid, sort: 0,
      columns: [
        { title: "Asset", name: true, value: ({ asset }) => asset.uid, cell: ({ asset }) => h("a", { href: `/?asset=${encodeURIComponent(asset.uid)}` }, nameOf(asset)) },
        { title: "Condition", value: ({ look }) => look.severity || 9, cell: ({ asset, look }) => [look.severity ? severityMark(look.severity) : null, ` ${stateText(look, asset)}`] },
        ...own,
        { title: "Last reading", value: ({ asset }) => asset.values.lastAt, text: ({ asset }) => ageText(asset), sort: "high" },
      ],
    });
    fill(this.rows, this.table.element);
    this.#rows();
  }

  #rows() {
    if (!this.table) return;
    const worst = worstByAsset(live.store.alarms.values(), cityNow());
    const words = this.filter.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const assets = (city.byDomain.get(this.domain) ?? []).filter((asset) => asset.kind === this.kind && words.every((word) => nameOf(asset).toLowerCase().includes(word)));
    this.table.set(assets.map((asset) => ({ asset, look: lookOf(asset, worst.get(asset.uid), 0) })));
  }
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Refresh what is there; what cannot be asked now stays, the banner says why. */
async function quiet(place, load) {
  if (place.querySelector("details[open]")) return;
  try { refill(place, await load()); } catch (problem) { console.warn(problem.message); }
}

function card(entry) {
  const found = evidenceOf(entry);
  if (!found) return null;
  const apart = difference(found, entry.lower_is_better);
  return h("article.card", {}, h("h3", {}, entry.title), h("p.value", {}, h("strong", {}, number(found.value)), h("span.unit", {}, ` ${unitText(entry.unit)}`), apart && h(`span.apart.${apart.verdict}`, { title: apart.verdict === "same" ? "as the baseline" : `${apart.verdict} than the baseline` }, apart.words)),
    h("p.against", {}, apart ? `${entry.baseline_name}: ${number(found.baseline)} ${unitText(entry.unit)}` : entry.note || "no stored baseline to compare with"),
    h("p.small", {}, `${found.evidence === "simulated" ? "SIMULATION" : "measured"} · ${day(instant(entry.from_at))} until ${when(instant(entry.to_at))}`));
}

customElements.define("domain-page", DomainPage);
