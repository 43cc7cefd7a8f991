"""The style sheet of a page: light and dark by the reader's choice, and for paper."""

from __future__ import annotations

__all__ = ["STYLE"]


STYLE = """
:root { color-scheme: light dark; --ink: #1c1f24; --dim: #5d6673; --paper: #ffffff; --line: #d9dee5; --band: #f5f7f9;
  --up: 47 123 214; --down: 217 115 26; --bar: #aab3bf; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --dim: #99a3b1; --paper: #15181d; --line: #333a44;
  --band: #1d2128; --bar: #5b6675; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem; } h2 { font-size: 1.3rem; margin: 2.5rem 0 .5rem;
  border-top: 1px solid var(--line); padding-top: 1.5rem; } h3 { font-size: 1rem; margin: 1.5rem 0 .4rem; }
figure, p, ul { margin: .4rem 0; } ul { padding-left: 1.25rem; }
.lead { font-size: 1.05rem; } .dim, caption, .document, .category { color: var(--dim); }
blockquote { margin: .6rem 0; padding: .1rem .9rem; border-left: 3px solid var(--line); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .88rem; margin: .4rem 0; }
caption { text-align: left; } th, td { padding: .2rem .6rem; text-align: left; border-bottom: 1px solid var(--line);
  overflow-wrap: normal; } th { font-weight: 600; } .right { text-align: right; font-variant-numeric: tabular-nums; }
pre { background: var(--band); padding: .7rem .9rem; overflow-x: auto; font-size: .82rem; border-radius: 4px; }
pre, code { font-family: ui-monospace, monospace; } summary { cursor: pointer; color: var(--dim); margin: .6rem 0; }
nav a { margin-right: .8rem; } a { color: inherit; }
.contexts { list-style: none; padding: 0; font-size: .92rem; } .contexts li { display: grid; gap: 0 .8rem;
  grid-template-columns: 4.5rem 1fr; padding: .15rem 0; border-bottom: 1px solid var(--line); }
.contexts .value { text-align: right; font-variant-numeric: tabular-nums; } .contexts .note { grid-column: 2;
  font-size: .8rem; } .text { white-space: pre-wrap; }
.here { font-weight: 700; text-decoration: underline; text-underline-offset: 3px; }
svg { display: block; width: 100%; max-width: 44rem; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); } .axis { stroke: var(--ink); stroke-width: 1; } .grid { stroke: var(--line); }
.bar { fill: var(--bar); } .bar.chosen { fill: rgb(var(--up)); } .other { fill: none; stroke: rgb(var(--down));
  stroke-width: 1.6; } .whisker { stroke: var(--ink); stroke-width: 1.4; }
svg .label, svg .number, svg .side { text-anchor: end; } svg .tick { text-anchor: middle; fill: var(--dim); }
svg .tick.side { text-anchor: end; }
.u1 { background: rgb(var(--up) / .14); }
.u2 { background: rgb(var(--up) / .26); }
.u3 { background: rgb(var(--up) / .38); }
.u4 { background: rgb(var(--up) / .5); }
.u5 { background: rgb(var(--up) / .62); }
.u6 { background: rgb(var(--up) / .75); }
.d1 { background: rgb(var(--down) / .14); }
.d2 { background: rgb(var(--down) / .26); }
.d3 { background: rgb(var(--down) / .38); }
.d4 { background: rgb(var(--down) / .5); }
.d5 { background: rgb(var(--down) / .62); }
.d6 { background: rgb(var(--down) / .75); }
@media print { :root { --ink: #000; --dim: #444; --paper: #fff; --line: #bbb; --band: #f3f3f3; --bar: #aab3bf; }
  body { max-width: none; padding: 0; font-size: 10.5pt; } h2 { break-before: auto; } h2, h3 { break-after: avoid; }
  svg, .contexts li, tr { break-inside: avoid; } pre { white-space: pre-wrap; }
  .scroll { overflow: visible; } table { font-size: 8pt; } nav { display: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
