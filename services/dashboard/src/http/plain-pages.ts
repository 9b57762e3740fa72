/**
 * The pages that are there without a script and without a session: text of our own alone, nothing of a request stands in them.
 * A browser sends no origin with a form where the policy is `no-referrer`; the form goes to ourselves, who may know where it was sent.
 */
const frame = (title: string, referrer: string, body: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="${referrer}">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/login.css">
</head>
<body>
<main>
<h1>Countersign</h1>
${body}
</main>
</body>
</html>
`;

/** What can be said above the form. */
export const loginWords = {
  none: '',
  wrong: 'That token does not open the page. scripts/up prints the link that does.',
  often: 'Too many wrong tokens came in the last minute. Wait a moment; the right one opens the page at any time.',
} as const;

export function loginPage(words: keyof typeof loginWords): string {
  const alert = words === 'none' ? '' : `<p role="alert">${loginWords[words]}</p>\n`;
  return frame(
    'Sign in · Countersign',
    'same-origin',
    `${alert}<p>Open the link that <code>scripts/up</code> printed, or paste its token here.</p>
<form method="post" action="/login">
<label for="token">Login token</label>
<input id="token" name="token" type="password" autocomplete="current-password" autocapitalize="none" spellcheck="false" required>
<button type="submit">Sign in</button>
</form>`,
  );
}

/** In place of the page where it has not been built. */
export const unbuiltPage = frame(
  'Countersign',
  'no-referrer',
  `<p>You are signed in, but the page itself has not been built. <code>npm run build -w @countersign/dashboard</code> makes it.</p>
<p>The shell says and does the same: <code>scripts/countersign status</code>.</p>`,
);

export const loginStyle = `:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#f6f4ef, #171918); color: light-dark(#1d2320, #e8e6e0); }
main { box-sizing: border-box; width: min(26rem, 100%); padding: 2rem 1.25rem; }
h1 { margin: 0 0 1.5rem; font-size: 1.5rem; letter-spacing: -0.01em; }
p { margin: 0 0 1.25rem; }
p[role='alert'] { padding: 0.75rem 1rem; border-left: 0.25rem solid light-dark(#b3261e, #ffb4ab); background: light-dark(#fdeceb, #3a1f1d); }
code { font-family: ui-monospace, monospace; font-size: 0.9em; }
label { display: block; margin-bottom: 0.375rem; font-weight: 600; }
input, button { box-sizing: border-box; width: 100%; min-height: 2.75rem; padding: 0.5rem 0.75rem; border-radius: 0.5rem; font: inherit; }
input { border: 1px solid light-dark(#767b76, #8f958f); background: light-dark(#fff, #222524); color: inherit; }
button { margin-top: 1rem; border: 0; background: light-dark(#1f5f46, #8fd6b6); color: light-dark(#fff, #06251a); font-weight: 600; cursor: pointer; }
:focus-visible { outline: 3px solid light-dark(#1f5f46, #8fd6b6); outline-offset: 2px; }
`;
