// Texts that want to be more than text. Each would set `window.hit` if it were ever
// run; whatever shows a stranger's words has to show these as they are, or with what
// is invisible in them made visible.

const run = 'window.hit=1'
const E = '\u001b'
const BEL = '\u0007'

const elements = [
  `<script>${run}</script>`,
  `<SCRIPT>${run}</SCRIPT>`,
  `<scr<script>ipt>${run}</scr</script>ipt>`,
  `</script><script>${run}</script>`,
  `<script src="data:text/javascript,${run}"></script>`,
  `<script type="module">${run}</script>`,
  `<img src=x onerror="${run}">`,
  `<img src=x onerror=${run}//`,
  `<IMG SRC=x OnErRoR="${run}">`,
  `<img/src=x/onerror=${run}>`,
  `<image href=x onerror="${run}">`,
  `<svg onload="${run}">`,
  `<svg><script>${run}</script></svg>`,
  `<svg><animate onbegin="${run}" attributeName=x dur=1s>`,
  `<svg><a xlink:href="javascript:${run}"><text>x</text></a></svg>`,
  `<svg><use href="data:image/svg+xml,<svg onload='${run}'/>"></svg>`,
  `<math><mtext></form><form><mglyph><style></math><img src onerror=${run}>`,
  `<body onload="${run}">`,
  `<iframe src="javascript:${run}"></iframe>`,
  `<iframe srcdoc="<script>parent.${run}</script>"></iframe>`,
  `<object data="javascript:${run}"></object>`,
  `<embed src="javascript:${run}">`,
  `<video><source onerror="${run}"></video>`,
  `<audio src=x onerror="${run}"></audio>`,
  `<details open ontoggle="${run}">`,
  `<input autofocus onfocus="${run}">`,
  `<select autofocus onfocus="${run}"></select>`,
  `<textarea autofocus onfocus="${run}"></textarea>`,
  `<button popovertarget=p onclick="${run}">x</button><p id=p popover onbeforetoggle="${run}">`,
  `<marquee onstart="${run}">x</marquee>`,
  `<div style="animation:spin 1s" onanimationstart="${run}">x</div>`,
  `<div style="background:url(javascript:${run})">x</div>`,
  `<style>@import 'javascript:${run}';</style>`,
  `<style>*{display:none}</style>`,
  `<link rel="stylesheet" href="data:text/css,*{display:none}">`,
  `<meta http-equiv="refresh" content="0;url=javascript:${run}">`,
  `<base href="javascript:/a/-${run}//">`,
  `<form action="javascript:${run}"><button>x</button></form>`,
  `<isindex type=image src=1 onerror="${run}">`,
  `<template><script>${run}</script></template>`,
  `<noscript><p title="</noscript><img src=x onerror=${run}>">`,
  `<xmp><p title="</xmp><img src=x onerror=${run}>">`,
  `<!--><img src=x onerror="${run}">-->`,
  `<![CDATA[><img src=x onerror="${run}">]]>`,
  `<a href="javascript:${run}">x</a>`,
  `<custom-element onclick="${run}" tabindex=1 autofocus onfocus="${run}">`,
  `"><script>${run}</script>`,
  `'><img src=x onerror=${run}>`,
  `" onmouseover="${run}" x="`,
  `' autofocus onfocus='${run}' x='`,
  `\`-${run}-\``,
  `{{constructor.constructor('${run}')()}}`,
  `\${${run}}`,
  `<%= ${run} %>`,
  `&lt;script&gt;${run}&lt;/script&gt;`,
  `&#60;img src=x onerror=${run}&#62;`,
  `\u003cscript\u003e${run}\u003c/script\u003e`,
  `\ufeff<script>${run}</script>`,
  `<\u0000script>${run}</script>`,
  `<img src=x on\u0000error=${run}>`,
  `＜script＞${run}＜/script＞`,
]

const addresses = [
  `javascript:${run}`,
  `JaVaScRiPt:${run}`,
  ` javascript:${run}`,
  `\u0001javascript:${run}`,
  `java\nscript:${run}`,
  `java\tscript:${run}`,
  `java\u0000script:${run}`,
  `javascript&colon;${run}`,
  `javascript://example.com/%0a${run}`,
  `vbscript:${run}`,
  `data:text/html,<script>${run}</script>`,
  'data:text/html;base64,PHNjcmlwdD53aW5kb3cuaGl0PTE8L3NjcmlwdD4=',
  `blob:https://example.com/${run}`,
  'file:///etc/passwd',
  `view-source:javascript:${run}`,
  `//example.com@javascript:${run}`,
  'https://user:pass@example.com/%00',
]

const markdown = [
  `[x](javascript:${run})`,
  `[x](<java\nscript:${run}>)`,
  `[x](&#106;avascript:${run})`,
  `![x](x "onerror=${run}")`,
  `![x](javascript:${run})`,
  `<javascript:${run}>`,
  `[x]: javascript:${run}\n\n[x]`,
  `[x](data:text/html,<script>${run}</script>)`,
  `<details open ontoggle=${run}>\n\n**x**\n\n</details>`,
  `\`\`\`\n</code></pre><script>${run}</script>\n\`\`\``,
]

const terminal = [
  `${E}[31m<script>${run}</script>${E}[0m`,
  `${E}]8;;javascript:${run}${E}\\click${E}]8;;${E}\\`,
  `${E}]8;;data:text/html,<script>${run}</script>${BEL}click${E}]8;;${BEL}`,
  `${E}]8;id="onclick=${run};https://example.com${BEL}click${E}]8;;${BEL}`,
  `${E}]0;<script>${run}</script>${BEL}title`,
  `${E}]52;c;cm0gLXJmIC8K${BEL}clipboard`,
  `${E}]1337;File=inline=1:PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+${BEL}picture`,
  `${E}]not ended <img src=x onerror=${run}>`,
  `${E}[8mhidden${E}[0m seen`,
  `${E}[38;2;"onclick=${run};0;0mx`,
  `${E}[38;5;999m${E}[48;2;1;2mx`,
  `${E}[31m${E}[31m${E}[31m${E}[1;2;3;4;5;7;9mx`,
  `before${E}[2J${E}[1;1Hafter`,
  `before\rafter`,
  `before\b\b\b\b\b\bafter`,
  `${E}P1$r0m${E}\\x${E}c`,
  `\u009b31mx\u009b0m \u009d0;title\u009cx`,
  `${E}${E}[${E}[${E}]${E}`,
]

const invisible = [
  'user\u202egpj.exe',
  '\u202a\u202b\u202c\u202d\u202ex\u202c',
  '\u2066\u2067\u2068x\u2069',
  'a\u200eb\u200fc\u061cd',
  'pass\u200bword pa\u200css pa\u200dss',
  'x\u2060y\ufeffz\u00ad-',
  'NUL \u0000 BEL \u0007 DEL \u007f',
  'C1 \u0080 \u0085 \u009f',
  'line\u2028paragraph\u2029end',
  'tags \u{e0041}\u{e0042}\u{e007f}',
  'fillers \u3164 \uffa0 \u115f \u1160 \u180e',
  '\ud800 alone, \udc00 alone',
  `Z${'\u0300\u0301\u0302\u0303'.repeat(200)}`,
  '👩‍💻 and 🏳️‍🌈 stay whole',
  'می‌خواهم',
  'שלום → مرحبا',
]

const large = [
  'x'.repeat(1 << 20),
  '<b>'.repeat(50_000),
  `${E}[31m`.repeat(20_000),
  '\n'.repeat(5000),
  '\u202e'.repeat(10_000),
  '(('.repeat(5000),
]

/** @type {readonly string[]} More than a hundred. */
export const payloads = [
  ...elements,
  ...addresses,
  ...markdown,
  ...terminal,
  ...invisible,
  ...large,
]

/** @type {readonly string[]} Addresses that nothing may lead to. */
export const badAddresses = addresses.slice(0, 15)

/** A value as deep as a stack, which no parser refuses. @param {number} depth */
export function nested(depth) {
  return JSON.parse(`${'[{"a":'.repeat(depth)}1${'}]'.repeat(depth)}`)
}
