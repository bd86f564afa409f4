/** Clock jumps, sleep and summer time change nothing but what people are shown: waits and durations are monotonic. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { CmdopClient } from '#client/cmdop-client.ts';
import { Connection } from '#client/connection.ts';
import type { Clock } from '#protocol/clock.ts';
import { CmdopError } from '#protocol/errors.ts';
import { encodeMessage, FrameDecoder, MAGIC } from '#protocol/frames.ts';
import type { ActorId, ClientId, Epoch, Offset } from '#protocol/ids.ts';
import type { Transport, TransportListener } from '#protocol/transport.ts';
import { CommandTracker } from '#session/command-tracker.ts';
import { type Contender, ControlLease } from '#session/control-lease.ts';
import { encodeMark, type ShellMark } from '#session/shell-marks.ts';

const HOUR = 3_600_000;
/** Of a kind that no client knows yet. */
const ANY_FRAME = Uint8Array.of(1, 0, 0, 0, 99);
const NONCE = '0123456789abcdef';

/** A machine whose wall clock can be set, and which can sleep: then timers are late by as much. */
class Machine implements Clock {
  ms = 0;
  wallOffset = 1_700_000_000_000;
  #timers: { at: number; callback: () => void }[] = [];

  now = () => this.ms;
  wallNow = () => this.wallOffset + this.ms;
  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.ms + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  run(ms: number): void {
    for (const end = this.ms + ms; ; ) {
      const [due] = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!due) {
        this.ms = end;
        return;
      }
      this.ms = Math.max(this.ms, due.at);
      this.#timers = this.#timers.filter((timer) => timer !== due);
      due.callback();
    }
  }

  /** Nothing runs meanwhile; the monotonic clock goes on or stands still, as systems differ. */
  sleep(ms: number, isCounted = true): void {
    if (isCounted) this.ms += ms;
    else this.wallOffset += ms;
    this.run(0);
  }

  setWall(byMs: number): void {
    this.wallOffset += byMs;
  }
}

let machine: Machine;
beforeEach(() => {
  machine = new Machine();
});

describe('a connection', () => {
  function silentHost() {
    const asked: number[] = [];
    const frames = new FrameDecoder();
    let listener: TransportListener | null = null;
    let skip = MAGIC.length;
    let lastId = 0;
    const transport: Transport = {
      kind: 'test',
      queuedBytes: 0,
      send: (...parts) => {
        for (const part of parts) {
          if (skip > 0) skip -= part.length;
          else {
            for (const frame of frames.push(part)) {
              asked.push(machine.ms);
              if (frame.kind === 'message') ({ id: lastId } = JSON.parse(frame.json) as { id: number });
            }
          }
        }
      },
      listen: (given) => {
        listener = given;
      },
      close: () => {},
    };
    const state = {
      closedAt: null as number | null,
      asked,
      greets: () => listener?.received(MAGIC),
      speaks: () => listener?.received(ANY_FRAME),
      answers: async () => {
        listener?.received(encodeMessage({ id: lastId, result: {} }));
        await Promise.resolve(); // until whoever asked has it
      },
      connection: null as Connection | null,
    };
    state.connection = new Connection({
      transport,
      clock: machine,
      listener: {
        event: () => {},
        output: () => {},
        responsive: () => {},
        closed: () => {
          state.closedAt = machine.ms;
        },
      },
    });
    return state;
  }

  test('asks a silent host after 5 s and gives it up after 20 s, also where the wall clock is set back', () => {
    const host = silentHost();
    machine.run(4_000);
    machine.setWall(-HOUR);
    machine.run(3_000);
    expect(host.asked).toEqual([5_000]);
    machine.run(30_000);
    expect(host.closedAt).toBe(20_000);
  });

  describe.each([
    ['counts', true],
    ['does not count', false],
  ])('whose machine slept, on a system that %s the time in between,', (_system, isCounted) => {
    function sleeper() {
      const host = silentHost();
      host.greets();
      machine.run(4_000);
      host.speaks();
      machine.sleep(8 * HOUR, isCounted);
      if (!isCounted) machine.run(1_000); // its timer is as late as it ever was
      return { host, wokeAt: machine.ms };
    }

    test('asks its host, and keeps one that answers', async () => {
      const { host, wokeAt } = sleeper();
      expect(host.asked).toEqual([wokeAt]);
      machine.run(1_500);
      await host.answers();
      machine.run(15_000);
      expect(host.closedAt).toBeNull();
    });

    test('gives up a host that says nothing for two seconds', () => {
      const { host, wokeAt } = sleeper();
      machine.run(10_000);
      expect(host.closedAt).toBe(wokeAt + 2_000);
    });

    test('says how old the last byte is, with the sleep', () => {
      const { host } = sleeper();
      expect(host.connection?.traffic.silentMs).toBeGreaterThanOrEqual(8 * HOUR);
    });
  });

  describe('that may have died', () => {
    test('is kept while bytes come, until the answer does', () => {
      const host = silentHost();
      host.greets();
      host.connection?.probe();
      for (let times = 0; times < 5; times++) {
        machine.run(1_500);
        host.speaks();
      }
      expect(host.closedAt).toBeNull();
      machine.run(2_000);
      expect(host.closedAt).toBe(9_500);
    });

    test('gets four round trips where those are longer', async () => {
      const host = silentHost();
      host.greets();
      void host.connection?.request('ping', {});
      machine.run(1_000);
      await host.answers();
      host.connection?.probe();
      machine.run(3_900);
      expect(host.closedAt).toBeNull();
      machine.run(100);
      expect(host.closedAt).toBe(5_000);
    });

    test('is asked again where its own side was held up meanwhile', async () => {
      const host = silentHost();
      host.greets();
      host.connection?.probe();
      machine.sleep(4_000);
      expect(host.closedAt).toBeNull();
      expect(host.asked).toEqual([0, 4_000]);
      await host.answers();
      machine.run(5_000);
      expect(host.closedAt).toBeNull();
    });

    test('has one deadline, however often the network changes', () => {
      const host = silentHost();
      for (let times = 0; times < 4; times++) {
        host.connection?.probe();
        machine.run(500);
      }
      expect(host.closedAt).toBe(2_000);
    });
  });
});

test('a client that lost its host goes on trying, whatever the wall clock says', async () => {
  const tries: number[] = [];
  const client = new CmdopClient({
    identity: { id: 'c' as ClientId, interface: 'cli', name: 'ann', build: 'test' },
    connect: () => {
      tries.push(machine.ms);
      return Promise.reject(new CmdopError('host-unreachable', 'nobody'));
    },
    clock: machine,
    random: () => 0.999,
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  for (const jump of [0, -24 * HOUR, 24 * HOUR, 0, 0]) {
    await settle();
    machine.setWall(jump);
    machine.run(8_000);
  }
  await settle();
  client.close();
  expect(tries.length).toBe(6);
});

test('control is free after two quiet seconds, counted by the monotonic clock', () => {
  const lease = new ControlLease({ epoch: 0 as Epoch, lastHolder: null });
  const person = (name: string): Contender => ({ client: name as ClientId, actor: name as ActorId, kind: 'human', person: name });
  const take = (name: string) => lease.take(person(name), { force: false, now: machine.now() }).granted;
  expect(take('ann')).toBe(true);
  machine.setWall(HOUR); // summer time
  machine.run(1_999);
  expect(take('ben')).toBe(false);
  machine.setWall(-HOUR);
  machine.run(1);
  expect(take('ben')).toBe(true);
});

describe("a command's duration", () => {
  const shell = (memory?: CommandTracker['memory']) => {
    const now = () => ({ wall: machine.wallNow(), monotonic: machine.now() });
    const tracker = new CommandTracker({ nonce: NONCE, now: now(), ...(memory ? { memory } : {}) });
    const mark = (mark: ShellMark, count: number) => {
      const [, code = '', payload = ''] = /^\x1b\](\d+);(.*)\x07$/s.exec(encodeMark(mark, { nonce: NONCE, count })) ?? [];
      return tracker.mark({ code: Number(code), payload, start: 0 as Offset, end: 0 as Offset }, now());
    };
    return { tracker, mark };
  };
  const begin = () => {
    const running = shell();
    running.mark({ kind: 'prompt-start' }, 1);
    running.mark({ kind: 'command-line', text: 'make', flag: null }, 2);
    running.mark({ kind: 'command-start' }, 3);
    return running;
  };

  test.each([-24 * HOUR, -HOUR, HOUR])('does not follow the wall clock when that is set by %i ms', (jump) => {
    const { mark } = begin();
    machine.run(2_000);
    machine.setWall(jump);
    machine.run(3_000);
    expect(mark({ kind: 'command-end', exitCode: 0 }, 4)).toMatchObject([{ kind: 'ended', record: { durationMs: 5_000 } }]);
  });

  test('is by the wall clock where another host saw it start, and never negative', () => {
    const { memory } = begin().tracker;
    machine.run(60_000);
    const adopted = shell(memory);
    machine.setWall(-HOUR);
    expect(adopted.mark({ kind: 'command-end', exitCode: 0 }, 4)).toMatchObject([{ record: { durationMs: 0 } }]);
  });
});

test('the wall clock is asked only for what people read and files say', () => {
  const allowed = [
    'main/cli/running/ports.ts', // how long a port is there
    'main/cli/running/processes.ts', // how old a process is
    'main/cli/blame.ts',
    'main/cli/host.ts', // ages and times shown
    'main/cli/attach.ts',
    'main/cli/hosts.ts',
    'main/cli/approvals.ts', // how long something waits
    'main/cli/keeping/retention.ts', // how long ago sessions ended
    'main/cli/log-rows.ts',
    'main/cli/search.ts', // times shown
    'main/cli/since.ts', // what a time that people write means
    'main/cli/sessions.ts',
    'main/cli/sharing/share.ts', // when an invite ends
    'main/cli/sharing/ssh.ts', // the same
    'main/cli/show.ts',
    'main/cli/run.ts', // how old a session is, beside a wait of its own
    'main/host/ports/session-ports.ts', // when a port was first seen
    'main/host/processes/process-tree.ts', // when a process began
    'main/local/clock.ts', // Clock.wallNow
    'main/remote/reach.ts', // when a host was last reached
    'main/local/start-claim.ts', // a file's time
  ];
  const root = resolve(import.meta.dirname, '../..');
  const files = readdirSync(join(root, 'main'), { recursive: true, withFileTypes: true }).filter((entry) => entry.name.endsWith('.ts'));
  const asking = files
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file, 'utf8').includes('Date.now('));
  expect(asking.map((file) => relative(root, file)).filter((file) => !allowed.includes(file))).toEqual([]);
});
