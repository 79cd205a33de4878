// SPDX-License-Identifier: Apache-2.0
// What the panel of a junction says, out of what its controller announced, its latest values and the event log. Pure.

const MINUTE = 60_000;
const SOURCES = ["Local plan", "Centre", "Manual", "Fallback"];
const STATUS = ["", "dark", "flashing", "conflict trip", "door open", "mains failed"];
const COMPASS = ["north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"];

const known = (values, metric) => {
  const found = values.reading(`traffic.${metric}`);
  return found?.usable ? found : undefined;
};
const whole = (reading) => (reading === undefined ? undefined : Math.round(reading.value));

/** "north" for a driver who heads south: where the arm lies. */
export const sideOf = (heading) => COMPASS[Math.round((((heading + 180) % 360) + 360) % 360 / 45) % 8];

/** Who chooses the stages, and why nobody does: {word, plan, trouble, strong}. Trouble first, as it is said first. */
export function control(values) {
  const [source, plan, status] = ["control_source", "plan", "status"].map((name) => whole(known(values, name)));
  const trouble = [STATUS[status ?? 0], whole(known(values, "door")) === 1 ? "door open" : "", whole(known(values, "mains")) === 1 ? "mains failed" : ""].filter(Boolean);
  return {
    word: source === undefined ? "Not reported" : SOURCES[source] ?? `Code ${source}`,
    plan: plan === undefined ? "" : plan === 0 ? "stages by request" : `fixed plan ${plan}`,
    trouble: [...new Set(trouble)].join(", "),
    strong: source === 2 || source === 3 || trouble.length > 0,
  };
}

/**
 * {stage, name, changing, next, least_s, most_s, due_s, age_s, stale}: seconds from `now` until the stage may end at the earliest, must end at the latest and is due to.
 * `most_s` is where the maximum red of who waits ends it; undefined where nobody waits or nothing says it. null before the first report.
 */
export function running(values, announced, now) {
  const stage = known(values, "stage");
  if (!stage) return null;
  const number = Math.round(stage.value);
  const green = known(values, "green_s");
  const next = whole(known(values, "next_stage")) || 0;
  const ends = known(values, "ends_in_s");
  const red = known(values, "longest_red_s");
  const since = green && number ? green.at - green.value * 1000 : undefined;
  const left = (at) => (at === undefined ? undefined : Math.max(0, Math.round((at - now) / 1000)));
  const dueAt = ends && next ? ends.at + ends.value * 1000 : undefined;
  const leastAt = since !== undefined && announced?.min_green_s ? since + announced.min_green_s * 1000 : undefined;
  const mostAt = red?.value > 0 && announced?.max_red_s ? red.at + (announced.max_red_s - red.value) * 1000 : undefined;
  return {
    stage: number, changing: number === 0, name: stageOf(announced, number || next)?.name ?? "", next,
    green_s: since === undefined ? undefined : Math.max(0, Math.round((now - since) / 1000)),
    least_s: left(leastAt), most_s: left(mostAt), due_s: left(dueAt), age_s: stage.age_s, stale: stage.stale,
  };
}

export const stageOf = (announced, number) => (announced?.stages ?? []).find((one) => one.number === number);

/** One arm per approach: its side of the compass in degrees, whether it has green ("full", "part", "none"), queue and room in vehicles. */
export function arms(children, announced, number) {
  const serves = stageOf(announced, number)?.serves ?? {};
  return children.map(({ asset, values }) => {
    const share = serves[asset.uid] ?? 0;
    const queue = values.get("traffic.queue");
    const storage = announced?.approaches?.[asset.uid]?.storage;
    return {
      uid: asset.uid, name: asset.name, bearing: (((asset.heading ?? 0) + 180) % 360 + 360) % 360, lanes: asset.lanes ?? 1,
      green: share >= 0.99 ? "full" : share > 0 ? "part" : "none", queue, storage,
      full: queue === undefined || !storage ? 0 : Math.min(1, queue / storage),
    };
  });
}

/** [{stage, cost, chosen, held}] from the reason of a request, the cheapest first; [] where it names no costs. */
export function costsOf(text) {
  const found = [...String(text ?? "").matchAll(/(holding|changing to|keeping|stage)?\s*stage (\d+) costs? ([\d.,]+)\s*(?:veh·s|person·s|s\b)/g)]
    .map(([, verb, stage, cost]) => ({ stage: Number(stage), cost: Number(cost.replaceAll(",", "")), held: verb === "holding" || verb === "keeping" }));
  const once = found.filter((one, i) => found.findIndex((other) => other.stage === one.stage) === i);
  return once.map((one, i) => ({ ...one, chosen: i === 0 })).sort((a, b) => a.cost - b.cost);
}

/** The reason without its list of costs: what was seen. */
export const seenIn = (text) => String(text ?? "").replace(/\s*\(\d+ [a-z]+[^()]*since the last\)$/, "").split(/;\s*(?=(?:holding|changing to|keeping|stage) )/)[0];

/** "stage 2, stage 3 after 25 s" from "2@1700000015 3@1700000040"; a plain number is a held stage. */
export function planWords(value) {
  if (typeof value === "number") return `hold stage ${Math.round(value)}`;
  const segments = [...String(value ?? "").matchAll(/(\d+)@(\d+)/g)].map(([, stage, at]) => [Number(stage), Number(at)]);
  if (!segments.length) return String(value ?? "–");
  return segments.slice(0, 3).map(([stage, at], i) => (i === 0 ? `stage ${stage}` : `stage ${stage} ${at - segments[i - 1][1]} s later`)).join(", ");
}

/** The log's lines about stages, newest first, without grants. */
export const requestsOf = (events) => events.filter((one) => one.point === "stage_plan" || one.point === "stage");

export const OUTCOMES = { asked: "sent", confirmed: "confirmed", refused: "refused", unanswered: "no answer", limit: "stopped by a limit", advised: "advised only" };

/** What an old log means: a junction on advise or local has no requests of this minute. */
export const isRecent = (event, now, within = 10 * MINUTE) => event !== undefined && now - event.at <= within;
