/** The styles of the list. They load with it, and use the colours of ../styles.ts. */
export const listStyles = `
.filled .zone { padding: 16px; gap: 12px; }
@container (min-width: 560px) {
  .filled .zone { grid-template-columns: auto 1fr auto; justify-items: start; align-items: center; text-align: start; }
}
.panel { margin-block-start: 12px; background: var(--surface); border: 1px solid var(--line);
  border-radius: var(--radius); overflow: clip; }
.summary { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 8px; padding-block: 8px;
  padding-inline: 16px 8px; border-block-end: 1px solid var(--line); }
.count { flex: 1 1 9em; font-weight: 550; }
.commands { display: flex; flex-wrap: wrap; justify-content: end; gap: 4px; }
.text-button { min-block-size: 32px; padding: 0 10px; border: 0; border-radius: calc(var(--radius) * .6);
  background: none; color: var(--accent); font-size: 13px; font-weight: 550; }
.text-button:hover { background: var(--soft); }
.text-button.strong { background: var(--accent); color: var(--on-accent); }
.list { margin: 0; padding: 0; list-style: none; }
.row { position: relative; display: grid; grid-template-columns: auto auto 1fr auto; align-items: center; column-gap: 12px;
  padding-block: 10px; padding-inline: 16px 8px; background: var(--surface); }
.row > * { grid-row: 1; }
.row + .row { border-block-start: 1px solid var(--line); }
.row.moving { z-index: 1; box-shadow: 0 4px 18px rgb(0 0 0 / .22); }
.grip { grid-column: 1; margin-inline: -10px -6px; cursor: grab; touch-action: none; color: var(--muted); }
.grip path { stroke-width: 2.4; }
.thumbnail { grid-column: 2; display: grid; place-items: center; inline-size: 44px; block-size: 44px; padding: 0;
  overflow: clip; border: 0; border-radius: calc(var(--radius) * .65); background: var(--soft); color: var(--accent); }
.thumbnail > * { grid-area: 1 / 1; }
.thumbnail canvas, .thumbnail img { inline-size: 100%; block-size: 100%; object-fit: cover; }
.thumbnail .play { inline-size: 20px; block-size: 20px; padding: 3px; border-radius: 50%; background: rgb(0 0 0 / .62);
  color: #fff; fill: currentColor; }
.extension { font-size: 11px; font-weight: 700; letter-spacing: .02em; text-transform: uppercase; }
.facts { grid-column: 3; min-inline-size: 0; }
.name { font-weight: 550; }
.name bdi { display: inline-flex; max-inline-size: 100%; vertical-align: top; }
.stem { overflow: hidden; text-overflow: ellipsis; white-space: pre; }
.meta { display: flex; flex-wrap: wrap; align-items: center; gap: 0 5px; color: var(--muted); font-size: 13px;
  font-variant-numeric: tabular-nums; }
.meta svg { display: none; inline-size: 16px; block-size: 16px; margin-inline-end: -1px; stroke-width: 2; }
.size { flex: none; }
.size::after { content: '·'; margin-inline-start: 5px; }
[data-state=uploading] .size, [data-state=failed] .size { display: none; }
[data-state=done] .meta svg, [data-state=failed] .meta svg { display: block; }
[data-state=done] :is(.meta svg, .status) { color: var(--success); }
[data-state=failed] .meta { flex-wrap: nowrap; align-items: start; }
[data-state=failed] :is(.meta svg, .status) { color: var(--danger); }
[data-state=failed] .meta svg { margin-block-start: 1px; }
.progress { block-size: 4px; margin-block-start: 7px; border-radius: 2px; overflow: clip; background: var(--line); }
.fill { block-size: 100%; border-radius: inherit; background: var(--accent); transition: inline-size .2s linear; }
[data-state=paused] .fill { background: var(--muted); }
.actions { grid-column: 4; display: flex; }
.icon-button { display: grid; place-items: center; inline-size: 36px; block-size: 36px; padding: 0; border: 0;
  border-radius: calc(var(--radius) * .7); background: none; color: var(--muted); }
.icon-button:hover { background: var(--soft); color: var(--text); }
.notice { margin-block: 8px 0; color: var(--muted); font-size: 13px; }
/* A message needs the whole width of a phone. */
@container (max-width: 559px) {
  .filled .badge { display: none; }
  .row { column-gap: 10px; padding-inline-start: 12px; }
  [data-state=done] .meta svg { display: none; }
  [data-state=failed] .facts { display: contents; }
  [data-state=failed] .name { grid-area: 1 / 3; min-inline-size: 0; }
  [data-state=failed] .meta { grid-area: 2 / 1 / auto / -1; margin-block: 8px 2px; }
}
@media (pointer: coarse) {
  .icon-button { inline-size: 44px; block-size: 44px; }
  .commands { display: flex; flex-wrap: wrap; justify-content: end; gap: 4px; }
.text-button { min-block-size: 44px; }
  .summary { padding-block: 2px; }
}
@media (forced-colors: active) {
  .fill { background: Highlight; }
  .progress, .thumbnail, .icon-button, .text-button { border: 1px solid; }
}
`;
