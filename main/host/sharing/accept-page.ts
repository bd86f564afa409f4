/** The page that a browser link opens: what it leads to, and a button that accepts it. No script, nothing from elsewhere. */

/** Its form may be sent to where it came from, and that is all. */
export const ACCEPT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

type Offer = { name: string; role: 'observer' | 'operator'; createdBy: string; session: string; machine: string; expiresAt: number | null };

export function acceptPage({ name, role, createdBy, session, machine, expiresAt }: Offer): string {
  const what = role === 'operator' ? 'You may look on and type' : 'You may look on';
  const until = expiresAt === null ? 'until they end it' : `until ${new Date(expiresAt).toUTCString()}`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(session)} · cmdop</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 34rem; margin: 18vh auto; padding: 0 1.5rem; }
  h1 { font-size: 1.3rem; }
  button { font: inherit; padding: 0.5rem 1.2rem; }
</style>
<h1>${escaped(createdBy)} invites you to ${escaped(session)} on ${escaped(machine)}</h1>
<p>${what}, as <strong>${escaped(name)}</strong>, ${until}. Everything in the session is visible to you, and what you do there has your name on it.</p>
<p>This link is for one browser: this one, if you come in.</p>
<form method="post"><button autofocus>Come in</button></form>
</html>
`;
}

const SIGNS: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string) => text.replaceAll(/[&<>"']/g, (sign) => SIGNS[sign] ?? '');
