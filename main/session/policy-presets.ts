/** Policies to begin with, as text of the policy file. Pure. */

const HEAD = `// What agents may do in cmdop's sessions. The first rule that fits decides; \`cmdop policy check\` tells whether this file is right.
// A rule: {"do": "allow" | "ask" | "deny", "actor": "agent:NAME", "kind": ["command", "keys", "action"],
//          "session": "NAME", "folder": "/path", "command": "git log *"}; what is left out fits everything.
`;

export const DEFAULT_POLICY_TEXT = `${HEAD}{
  "default": { "agents": "ask", "people": "allow" },
  "rules": []
}
`;

export type Preset = { readonly name: string; readonly description: string; readonly text: string };

export const PRESETS: readonly Preset[] = [
  {
    name: 'observe only',
    description: 'agents may look at every session, and do nothing',
    text: `${HEAD}{
  "default": { "agents": "deny", "people": "allow" },
  "rules": [{ "do": "allow", "kind": ["action"], "command": "join" }]
}
`,
  },
  { name: 'ask each time', description: 'whatever an agent does waits for your approval', text: DEFAULT_POLICY_TEXT },
];

/** Agents work freely within `folder`, as far as a line can be understood; everything else is asked. */
export function trustedFolder(folder: string, actor: string): Preset {
  const name = JSON.stringify(actor);
  const where = JSON.stringify(folder);
  return {
    name: 'trusted in this folder',
    description: `${actor} works freely in ${folder}; what leaves it, cannot be understood or goes to a program is asked`,
    text: `${HEAD}{
  "default": { "agents": "ask", "people": "allow" },
  "rules": [
    { "do": "allow", "actor": ${name}, "kind": ["action"], "folder": ${where}, "command": "join" },
    { "do": "allow", "actor": ${name}, "kind": ["action"], "folder": ${where}, "command": "create" },
    { "do": "allow", "actor": ${name}, "kind": ["command"], "folder": ${where} }
  ]
}
`,
  };
}
