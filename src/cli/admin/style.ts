/** The style sheet of the operator's page, for light and dark mode and for small and large screens. */
export const style = `
:root {
  color-scheme: light dark;
  --desk: #d9e2dd; --paper: #fcfefc; --wash: #e9f2ed; --ink: #0b5941; --line: #a9c7ba; --line-strong: #5f9680;
  --text: #22332c; --text-soft: #4c6158; --received: #2c3c9e; --refused: #b3280f; --held: #8a5200; --focus: #2c3c9e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --desk: #0a0e1a; --paper: #121829; --wash: #1b2440; --ink: #9db4ff; --line: #303c63; --line-strong: #5a6aa3;
    --text: #d3daee; --text-soft: #9ca8c9; --received: #7ee0b5; --refused: #ff8f78; --held: #f2bd62; --focus: #7ee0b5;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { background: var(--desk); -webkit-text-size-adjust: 100%; }
body { margin: 0; padding: clamp(.75rem, 3vw, 2.5rem); color: var(--text); font: 400 1rem/1.45 system-ui, sans-serif; }
main, header { max-width: 72rem; margin: 0 auto; }
h1, h2, p, dl, dd, table { margin: 0; }
h1 { font: 800 clamp(1.6rem, 5vw, 2.4rem)/1 system-ui, sans-serif; letter-spacing: -.02em; text-transform: uppercase; color: var(--ink); }
h2 { font: 700 1rem/1.2 system-ui, sans-serif; color: var(--ink); padding: .8rem 1rem .6rem; }
header { padding-bottom: 1rem; }
nav { display: flex; flex-wrap: wrap; gap: .25rem; margin: .9rem 0 0 -.7rem; }
nav a { padding: .35rem .7rem; border-radius: 3px; color: var(--ink); text-decoration: none; font-weight: 560; }
nav a:hover { background: var(--wash); }
nav a[aria-current] { background: var(--ink); color: var(--paper); }
section { background: var(--paper); border: 2px solid var(--ink); border-radius: 3px; margin-bottom: 1.25rem; overflow: hidden; }
.said { padding: .7rem 1rem; border: 2px solid var(--received); color: var(--received); background: var(--paper); border-radius: 3px; margin-bottom: 1.25rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); border-top: 1px solid var(--line); }
.tiles > * { padding: .6rem 1rem .7rem; border-right: 1px solid var(--line); border-bottom: 1px solid var(--line); margin: 0 -1px -1px 0; color: inherit; text-decoration: none; }
.tiles > a:hover { background: var(--wash); }
.tiles dt, .tiles .what { font-size: .8125rem; color: var(--text-soft); }
.tiles .many { font: 600 1.5rem/1.2 ui-monospace, monospace; font-variant-numeric: tabular-nums; }
.trouble .many { color: var(--refused); }
.scroll { overflow-x: auto; border-top: 1px solid var(--line); }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
th { text-align: left; font-weight: 560; color: var(--text-soft); font-size: .8125rem; white-space: nowrap; }
th, td { padding: .5rem 1rem; border-bottom: 1px solid var(--line); vertical-align: top; }
tbody tr:last-child td { border-bottom: 0; }
td a { color: var(--ink); }
.of { padding-left: 1.25rem; }
td { overflow-wrap: anywhere; }
.number, .when { white-space: nowrap; font-variant-numeric: tabular-nums; }
.number { text-align: right; }
.id { font: .8125rem/1.4 ui-monospace, monospace; color: var(--text-soft); }
.why { color: var(--refused); font: .8125rem/1.4 ui-monospace, monospace; }
.why summary { cursor: pointer; }
.why pre { margin: .3rem 0; white-space: pre-wrap; font: inherit; }
.state { font-weight: 600; white-space: nowrap; }
.completed, .delivered { color: var(--received); }
.rejected, .parked { color: var(--refused); }
.granted, .completing, .pending { color: var(--held); }
.none { padding: 1rem; color: var(--text-soft); border-top: 1px solid var(--line); }
form { margin: 0; }
.filter { display: flex; flex-wrap: wrap; gap: .6rem 1rem; align-items: end; padding: 0 1rem 1rem; }
.filter label { display: grid; gap: .15rem; font-size: .8125rem; color: var(--text-soft); }
input, select { font: inherit; color: var(--text); background: var(--desk); border: 1px solid var(--line-strong); border-radius: 3px; padding: .4rem .5rem; min-height: 2.5rem; }
button { appearance: none; font: 560 .875rem/1.2 system-ui, sans-serif; color: var(--ink); background: transparent; border: 1px solid var(--line-strong); border-radius: 3px; padding: .55rem .8rem; min-height: 2.5rem; cursor: pointer; white-space: nowrap; }
button:hover { background: var(--wash); border-color: var(--ink); }
.more { display: block; padding: .8rem 1rem; border-top: 1px solid var(--line); color: var(--ink); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
@media (max-width: 40rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr, td { display: block; }
  tr { padding: .6rem 0; border-bottom: 1px solid var(--line); }
  tr:last-child { border-bottom: 0; }
  td { border: 0; padding: .15rem 1rem; text-align: left; }
  td.number { text-align: left; }
  nav { gap: 0; }
  nav a { padding: .35rem .5rem; }
  td[data-label]::before { content: attr(data-label) " "; color: var(--text-soft); font: 400 .8125rem/1.4 system-ui, sans-serif; }
}
`;
