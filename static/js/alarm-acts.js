// SPDX-License-Identifier: Apache-2.0
// What a person does about an alarm from any page: name it, take it, call whom it names.

import { post } from "#city/api";
import { h, toast } from "#city/dom";
import { callLabel, telephone } from "#city/words";

/** What the alarm is about: its asset, or the zone of a grouped one. */
export const subject = (alarm) => alarm.asset || alarm.zone_name || alarm.zone || "Alarm";

/** Acknowledge with the person's note; the row leaves when the city says so, not before. */
export async function acknowledge(alarm, note = "") {
  try {
    await post(`alarms/${alarm.id}/acknowledge`, { note });
    toast(`${subject(alarm)} acknowledged.`);
    return true;
  } catch (problem) {
    toast(`${subject(alarm)} was not acknowledged. ${problem.words ?? problem.message}`, "problem");
    return false;
  }
}

export function callButton(alarm, className = "button") {
  const label = callLabel(alarm.call);
  if (!label) return null;
  const phone = telephone(alarm.call);
  return phone ? h(`a.${className}`, { href: `tel:${phone}`, "aria-label": `${label} about ${subject(alarm)}` }, label)
    : h("span.call-note", { title: "No number is stored for this desk" }, label);
}
