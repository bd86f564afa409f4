/** What a session's agent does, told from its commands, and from what a program in the terminal says. */
import { describe, expect, test } from 'vitest';
import { type AgentEvent, AgentTracker } from '#session/agent-state.ts';

function told(...events: AgentEvent[]): string | null {
  const tracker = new AgentTracker();
  for (const [at, event] of events.entries()) tracker.take(event, at);
  const { state } = tracker;
  return state && `${state.name}: ${state.is}${state.message === null ? '' : ` (${state.message})`}`;
}

const person = { is: 'input', agent: null } as const;
const runs = (text: string): AgentEvent => ({ is: 'command-started', text, agent: null });
const ends = (exitCode: number): AgentEvent => ({ is: 'command-ended', exitCode, agent: null });
const osc = (code: number, payload: string): AgentEvent => ({ is: 'osc', code, payload });

describe('an agent that works through the protocol', () => {
  const types = { is: 'input', agent: 'fixer' } as const;
  const ended = (exitCode: number): AgentEvent => ({ is: 'command-ended', exitCode, agent: 'fixer' });
  const asks: AgentEvent = { is: 'asks', agent: 'fixer', kind: 'approval', message: 'rm -r build' };

  test('works from its first key', () => expect(told(types)).toBe('fixer: working'));
  test('is done when its command succeeded', () => expect(told(types, ended(0))).toBe('fixer: done'));
  test('has failed when its command did', () => expect(told(types, ended(2))).toBe('fixer: failed'));
  test('waits while a person is asked', () => expect(told(types, asks)).toBe('fixer: waiting-approval (rm -r build)'));
  test('goes on when a person has answered', () => expect(told(types, asks, { is: 'answered', agent: 'fixer' })).toBe('fixer: working'));
  test('leaves nothing behind when it goes in the middle', () => expect(told(types, { is: 'agent-left', agent: 'fixer' })).toBe(null));
  test('leaves how it ended', () => expect(told(types, ended(1), { is: 'agent-left', agent: 'fixer' })).toBe('fixer: failed'));
  test('is not done because a command of somebody else is', () => expect(told(types, ends(0))).toBe('fixer: working'));
  test('how it ended is seen by who types next', () => expect(told(types, ended(1), person)).toBe(null));
});

describe('an agent that runs in the terminal', () => {
  test('works from its start', () => expect(told(runs('claude --continue'))).toBe('claude: working'));
  test('is known by its file, behind assignments', () => expect(told(runs('A=1 /opt/bin/codex exec "fix it"'))).toBe('codex: working'));
  test('waits when it notifies with OSC 9', () =>
    expect(told(runs('claude'), osc(9, 'Claude needs your permission'))).toBe('claude: waiting-input (Claude needs your permission)'));
  test('waits when it notifies with OSC 777', () =>
    expect(told(runs('codex'), osc(777, 'notify;Codex;Approve?'))).toBe('codex: waiting-input (Codex: Approve?)'));
  test('waits when it rings', () => expect(told(runs('aider'), { is: 'bell' })).toBe('aider: waiting-input'));
  test('works on when a person answers', () => expect(told(runs('claude'), { is: 'bell' }, person)).toBe('claude: working'));
  test('tells by progress', () => {
    expect(told(runs('claude'), osc(9, '4;3'))).toBe('claude: working');
    expect(told(runs('claude'), osc(9, '4;3'), osc(9, '4;0;0'))).toBe('claude: waiting-input');
  });
  test('ends with its exit code', () => {
    expect(told(runs('claude'), ends(0))).toBe('claude: done');
    expect(told(runs('claude'), ends(1))).toBe('claude: failed');
  });
  test('a notification cannot carry control characters', () =>
    expect(told(runs('claude'), osc(9, 'a\x1b[31mb\u202ec'))).toBe('claude: waiting-input (a [31mb c)'));
});

describe('other programs', () => {
  test('are no agents', () => expect(told(runs('make test'), ends(2))).toBe(null));
  test('may ring', () => expect(told(runs('vim'), { is: 'bell' })).toBe(null));
  test('may show progress', () => expect(told(runs('apt upgrade'), osc(9, '4;1;30'))).toBe(null));
  test('that notify want a person', () =>
    expect(told(runs('./deploy'), osc(9, 'Type the code'))).toBe('deploy: waiting-input (Type the code)'));
  test('at the prompt there is nobody to wait for', () => expect(told(osc(9, 'hello'))).toBe(null));
});

test('the same state again is no news', () => {
  const tracker = new AgentTracker();
  expect(tracker.take({ is: 'input', agent: 'fixer' }, 1)).toBe(true);
  expect(tracker.take({ is: 'input', agent: 'fixer' }, 2)).toBe(false);
  expect(tracker.state?.since).toBe(1);
});
