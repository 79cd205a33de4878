// SPDX-License-Identifier: Apache-2.0
// A choice of alarms in words. Pure.

import { humanise, severityWord } from "#city/words";

/** "Critical and high, in Energy and Waste". */
export function choiceWords({ worst_only, domains }, titles) {
  const words = [1, 2, 3, 4].slice(0, worst_only).map(severityWord);
  const which = worst_only === 4 ? "Every alarm" : humanise(words.length > 1 ? `${words.slice(0, -1).join(", ")} and ${words.at(-1)}` : words[0]);
  return `${which}, in ${domains.length ? domains.map((label) => titles.get(label) ?? label).join(" and ") : "every domain"}`;
}
