/** The report's only style sheet. Colours have a contrast of at least 4.5 : 1 on their ground, in light and in dark. */
export const STYLE = `
:root{color-scheme:light dark;--ground:#fff;--raised:#f6f8fa;--text:#1f2328;--muted:#59636e;--line:#d1d9e0;--link:#0550ae;
--base:#6e5494;--head:#0969da;--other0:#9a6700;--other1:#1a7f37;--other2:#bf3989;--other3:#57606a;
--good:#116329;--bad:#cf222e;--warn:#7d4e00;--shade:rgba(100,116,139,.16);
--term-processes:#8c959f;--term-weights:#0969da;--term-warmup:#bf8700;--term-request:#1a7f37}
@media (prefers-color-scheme:dark){:root{--ground:#0d1117;--raised:#161b22;--text:#e6edf3;--muted:#9198a1;--line:#3d444d;--link:#79b8ff;
--base:#c297ff;--head:#58a6ff;--other0:#d29922;--other1:#56d364;--other2:#ff80c8;--other3:#9198a1;
--good:#56d364;--bad:#ff7b72;--warn:#e3b341;--shade:rgba(145,152,161,.18);
--term-processes:#9198a1;--term-weights:#58a6ff;--term-warmup:#d29922;--term-request:#56d364}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
header,main,footer{max-width:1200px;margin:0 auto;padding:0 16px}
header{padding-top:24px}
h1{font-size:26px;line-height:1.25;margin:0 0 8px}
h2{font-size:20px;margin:40px 0 8px;padding-bottom:4px;border-bottom:1px solid var(--line)}
h3{font-size:16px;margin:0 0 4px}
p{margin:8px 0;max-width:75ch}
a{color:var(--link)}
a:focus-visible,button:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--link);outline-offset:2px}
nav ul{display:flex;flex-wrap:wrap;gap:4px 16px;list-style:none;padding:0;margin:12px 0}
code,pre{font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
code{overflow-wrap:anywhere}
pre{background:var(--raised);border:1px solid var(--line);border-radius:6px;padding:10px;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}
.verdict{border-left:6px solid var(--muted);padding:2px 0 2px 14px}
.regressed,.failed{border-color:var(--bad)}.invalid,.inconclusive{border-color:var(--warn)}.pass,.improved{border-color:var(--good)}
.headline{font-size:17px}
.word-regressed{color:var(--bad);font-weight:600}.word-improved{color:var(--good)}.word-invalid,.word-inconclusive{color:var(--warn)}
.scroll{overflow-x:auto;margin:8px 0;border:1px solid var(--line);border-radius:6px}
table{border-collapse:collapse;width:100%;font-size:13.5px}
th,td{text-align:left;padding:5px 10px;border-bottom:1px solid var(--line);vertical-align:top;white-space:nowrap}
tr:last-child>*{border-bottom:0}
thead th{background:var(--raised);font-weight:600}
tbody th{font-weight:400}tbody th code{overflow-wrap:normal}tbody th wbr{display:none}
td.num,th.num{text-align:right;font-variant-numeric:tabular-nums}
.wrap,.samples{display:inline-block;white-space:normal;min-width:22ch;max-width:60ch}
.samples{font-variant-numeric:tabular-nums}
.none,.muted,figcaption{color:var(--muted)}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,460px),1fr));gap:20px;align-items:start}
figure{margin:0;padding:14px;border:1px solid var(--line);border-radius:8px;position:relative;min-width:0}
figcaption{font-size:13.5px;margin-top:6px}
svg{display:block;width:100%;height:auto;overflow:visible}
svg text{white-space:pre}
.legend{display:flex;flex-wrap:wrap;gap:6px;margin:4px 0}
.legend button{font:inherit;font-size:13px;color:inherit;background:none;border:1px solid var(--line);border-radius:999px;padding:2px 10px;cursor:pointer}
.legend button[aria-pressed=false]{color:var(--muted);text-decoration:line-through}
.key{display:inline-block;width:18px;height:0;border-top:3px solid;vertical-align:middle;margin-right:6px}
.key.base{border-color:var(--base);border-top-style:dashed}.key.head{border-color:var(--head)}
.key.other0{border-color:var(--other0);border-top-style:dotted}.key.other1{border-color:var(--other1);border-top-style:dashed}
.key.other2{border-color:var(--other2);border-top-style:dashed}.key.other3{border-color:var(--other3)}
.off{display:none}
.tip{position:absolute;z-index:1;pointer-events:none;background:var(--text);color:var(--ground);border-radius:4px;padding:3px 8px;font-size:12.5px;max-width:260px}
details{margin:8px 0}summary{cursor:pointer}
footer{padding-bottom:40px;color:var(--muted);font-size:13.5px;margin-top:40px}
@media (max-width:600px){th,td{padding:5px 6px}tbody th{white-space:normal;min-width:14ch}tbody th wbr{display:inline}}
@media print{.legend,nav{display:none}figure{break-inside:avoid}}
`;
