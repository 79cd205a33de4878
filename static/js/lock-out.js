// SPDX-License-Identifier: Apache-2.0
// Lock-out: a tag with owner and reason under which every command to the asset is refused until it is lifted.

import { post } from "#city/api";
import { askWhy } from "#city/dialog";
import { toast } from "#city/dom";

export function lockOut(detail, done) {
  askWhy(`Lock out ${detail.uid}`, "Every command is refused with your name, those of loops and of colleagues too, until you lift the tag. The device goes on by itself.", `Lock out ${detail.uid}`, async (reason) => {
    await post("lockouts/", { asset: detail.uid, reason });
    toast(`${detail.uid} is locked out.`);
    done();
  });
}

export function liftTag(detail, done) {
  askWhy(`Lift the tag from ${detail.uid}`, `Placed by ${detail.lockout.owner}: ${detail.lockout.reason}. Commands will be accepted again.`, `Lift from ${detail.uid}`, async (reason) => {
    await post(`lockouts/${detail.lockout.id}/lift`, { reason });
    toast(`${detail.uid} accepts commands again.`);
    done();
  });
}
