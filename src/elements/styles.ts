/**
 * The styles of the dropzone. Colours follow the `color-scheme` of the page, by `light-dark()`, so that the dropzone is
 * never dark on a light page. Directions are logical (`inline-start`): a page in Arabic needs no rule of its own.
 */
export const styles = `
:host {
  --accent: var(--waybill-accent, light-dark(#2554d8, #93b4ff));
  --on-accent: var(--waybill-on-accent, light-dark(#fff, #0d1735));
  --surface: var(--waybill-surface, light-dark(#fff, #1b1e25));
  --text: var(--waybill-text, light-dark(#181b22, #eceef3));
  --muted: var(--waybill-muted, light-dark(#596172, #a8afbe));
  --line: var(--waybill-line, light-dark(#dfe3ea, #343a46));
  --danger: var(--waybill-danger, light-dark(#b3261e, #ff9f95));
  --success: var(--waybill-success, light-dark(#17733c, #74d99b));
  --radius: var(--waybill-radius, 12px);
  --soft: color-mix(in srgb, var(--accent) 9%, var(--surface));
  container-type: inline-size;
  display: block;
  color: var(--text);
  font: 14px/1.45 var(--waybill-font, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif);
  text-align: start;
}
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
button { font: inherit; color: inherit; cursor: pointer; -webkit-tap-highlight-color: transparent; }
svg { inline-size: 20px; block-size: 20px; flex: none; fill: none; stroke: currentColor; stroke-width: 1.6;
  stroke-linecap: round; stroke-linejoin: round; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.hidden-text, .live { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }

.zone { display: grid; justify-items: center; gap: 14px; padding: 30px 20px; background: var(--surface);
  border: 1.5px dashed color-mix(in srgb, var(--muted) 55%, transparent); border-radius: var(--radius);
  text-align: center; transition: border-color .15s, background .15s; cursor: pointer; }
.zone:hover { border-color: var(--accent); }
.zone.over { border-style: solid; border-color: var(--accent); background: var(--soft); }
.badge { display: grid; place-items: center; inline-size: 44px; block-size: 44px; border-radius: 50%;
  background: var(--soft); color: var(--accent); }
.badge svg { inline-size: 22px; block-size: 22px; }
.title { font-weight: 600; font-size: 15px; }
.limits { color: var(--muted); font-size: 13px; text-wrap: balance; }
.limits.problem { color: var(--danger); }
.words { display: grid; gap: 3px; min-inline-size: 0; }
.buttons { display: flex; flex-wrap: wrap; justify-content: center; gap: 8px; }
.button { min-block-size: 38px; padding: 0 16px; border: 1px solid var(--line); border-radius: calc(var(--radius) * .75);
  background: var(--surface); font-weight: 550; transition: background .15s, border-color .15s; }
.button:hover { border-color: var(--accent); background: var(--soft); }
.button.primary { border-color: transparent; background: var(--accent); color: var(--on-accent); }
.button.primary:hover { background: color-mix(in srgb, var(--accent) 88%, var(--text)); }
@container (max-width: 559px) {
  .buttons { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 200px), 1fr)); inline-size: 100%; }
}
:host(:disabled) .zone { opacity: .55; cursor: not-allowed; }
:host(:disabled) button { cursor: not-allowed; }
@media (pointer: coarse) { .button { min-block-size: 44px; } }
@media (prefers-reduced-motion: reduce) { * { transition: none !important; animation: none !important; } }
`;
