// SPDX-License-Identifier: Apache-2.0
// Shapes on a canvas: shape says domain, fill says severity. Pure but for the context drawn on.

const HEXAGON = Array.from({ length: 6 }, (_, i) => [Math.sin((i * Math.PI) / 3), -Math.cos((i * Math.PI) / 3)]);
const TRIANGLE = [[0, -1.05], [1.05, 0.85], [-1.05, 0.85]];
const DIAMOND = [[0, -1.2], [1.1, 0], [0, 1.2], [-1.1, 0]];
const POLYGONS = { hexagon: HEXAGON, triangle: TRIANGLE, diamond: DIAMOND };

/** Put the outline of `shape` with half-size r around (x, y) on the path. */
export function outline(ctx, shape, x, y, r) {
  ctx.beginPath();
  const points = POLYGONS[shape];
  if (points) {
    points.forEach(([dx, dy], i) => (i ? ctx.lineTo(x + dx * r, y + dy * r) : ctx.moveTo(x + dx * r, y + dy * r)));
    ctx.closePath();
  } else if (shape === "square") {
    const s = r * 0.92;
    ctx.roundRect(x - s, y - s, 2 * s, 2 * s, r * 0.42);
  } else {
    ctx.arc(x, y, r, 0, 2 * Math.PI);
  }
}

/** One asset as a mark. `look`: {shape, level, severity, standing, estimated, off}; `ink`: the theme's colours. */
export function drawMark(ctx, look, x, y, r, ink) {
  if (look.shape === "dot") return drawDot(ctx, look, x, y, r, ink);
  const severe = look.severity ? ink.severity[look.severity] : null;
  outline(ctx, look.shape, x, y, severe ? r * 1.18 : r);
  ctx.fillStyle = severe ?? ink.fill;
  ctx.fill();
  if (!severe && look.level > 0) fillFromBelow(ctx, look.level, x, y, r, ink.level);
  const silent = look.standing === "stale" || look.standing === "silent";
  ctx.setLineDash(silent ? [2.5, 2.2] : []);
  ctx.lineWidth = severe ? 1.4 : look.estimated ? 1.05 : 1.7;
  ctx.strokeStyle = severe ? ink.land : silent ? ink.stale : ink.mark;
  ctx.stroke();
  ctx.setLineDash([]);
}

function fillFromBelow(ctx, level, x, y, r, colour) {
  ctx.save();
  ctx.clip();
  ctx.fillStyle = colour;
  const h = 2.2 * r * Math.min(1, level);
  ctx.fillRect(x - 1.2 * r, y + 1.1 * r - h, 2.4 * r, h);
  ctx.restore();
}

function drawDot(ctx, look, x, y, r, ink) {
  if (look.severity) {
    outline(ctx, "dot", x, y, r * 0.95);
    ctx.fillStyle = ink.severity[look.severity];
    ctx.fill();
    ctx.lineWidth = 1.4;
    ctx.strokeStyle = ink.land;
    ctx.stroke();
    return;
  }
  const silent = look.standing === "stale" || look.standing === "silent";
  const level = look.level ?? 0;
  outline(ctx, "dot", x, y, r * (silent ? 0.4 : 0.26 + 0.2 * level));
  if (silent) {
    ctx.setLineDash([1.6, 1.4]);
    ctx.lineWidth = 1;
    ctx.strokeStyle = ink.stale;
    ctx.stroke();
    ctx.setLineDash([]);
    return;
  }
  ctx.fillStyle = ink.glow[Math.round(Math.min(1, Math.max(0, level)) * (ink.glow.length - 1))];
  ctx.fill();
}

/** Text with a halo in the land's colour. */
export function drawLabel(ctx, text, x, y, ink) {
  ctx.font = `600 11.5px ${ink.font}`;
  ctx.textBaseline = "middle";
  ctx.lineJoin = "round";
  ctx.lineWidth = 4;
  ctx.strokeStyle = ink.land;
  ctx.strokeText(text, x, y);
  ctx.fillStyle = ink.text;
  ctx.fillText(text, x, y);
}

/** Mix two #rrggbb colours, t = 0..1. */
export function mix(a, b, t) {
  const channel = (text, i) => Number.parseInt(text.slice(1 + 2 * i, 3 + 2 * i), 16);
  const mixed = [0, 1, 2].map((i) => Math.round(channel(a, i) + (channel(b, i) - channel(a, i)) * t));
  return `#${mixed.map((n) => n.toString(16).padStart(2, "0")).join("")}`;
}
