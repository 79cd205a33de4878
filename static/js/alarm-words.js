// SPDX-License-Identifier: Apache-2.0
// What one alarm says to a person. Pure.

import { instant } from "#city/api";
import { titleOf } from "#city/config";
import { isAcknowledged } from "#city/store";
import { when } from "#city/time";
import { duration, humanise, severityWord } from "#city/words";

/** "High · Energy · raised 16:41 · third time within the hour". */
export function subtitle(alarm, now) {
  const times = ["", "", "second time", "third time"][alarm.occurrences] ?? `${alarm.occurrences} times`;
  const parts = [humanise(severityWord(alarm.severity)), titleOf(alarm.domain), `raised ${when(instant(alarm.raised_at), now)}`];
  if (alarm.occurrences > 1) parts.push(`${times} within the hour`);
  if (alarm.cleared_at) parts.push(`over since ${when(instant(alarm.cleared_at), now)}`);
  return parts.join(" · ");
}

/** [[label, text], …] in the order a person needs them. */
export function facts(alarm, now) {
  const age = ((alarm.cleared_at ? instant(alarm.cleared_at) : now) - instant(alarm.raised_at)) / 1000;
  const left = alarm.respond_within_s - age;
  const respond = !alarm.respond_within_s ? null : isAcknowledged(alarm) || alarm.cleared_at ? duration(alarm.respond_within_s) : left > 0 ? `${duration(left)} left` : `overdue by ${duration(-left)}`;
  const found = [
    ["Where", alarm.asset ? `${alarm.asset}${alarm.asset_name && alarm.asset_name !== alarm.asset ? ` ${alarm.asset_name}` : ""}, ${alarm.zone_name}` : alarm.zone_name],
    ["Stood for", duration(age)],
    ["Cause", alarm.cause], ["Consequence", alarm.consequence], ["Do", alarm.response], ["Respond within", respond],
    ["Devices", alarm.members?.length ? listed(alarm.members) : null],
    ["Taken", isAcknowledged(alarm) ? `by ${alarm.acknowledged_by}, ${when(instant(alarm.acknowledged_at), now)}${alarm.note ? `: ${alarm.note}` : ""}` : null],
    ["Shelved", alarm.shelved_until ? `until ${when(instant(alarm.shelved_until), now)} by ${alarm.shelved_by}: ${alarm.shelved_why}` : null],
  ];
  return found.filter(([, text]) => text);
}

function listed(members) {
  const shown = members.slice(0, 12).join(", ");
  return members.length > 12 ? `${shown} and ${members.length - 12} more` : shown;
}
