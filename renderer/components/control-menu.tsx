/** At the end of the control bar: how control moves in this session, whose window decides the size, and its agents. */
import { ChevronDown } from 'lucide-react';
import { DropdownMenu } from 'radix-ui';
import type { ControlMode, SizePolicy } from '#protocol/shapes.ts';
import { focusTerminal } from '../state/actions.ts';
import { pauseAgentsIn } from '../state/agents.ts';
import { isOwner, setDefaultMode, setMode, setSizePolicy } from '../state/sharing.ts';
import { app, findHost, type HostedSession, useApp } from '../state/store.ts';
import { Hint } from './hint.tsx';

const MODES: readonly { mode: ControlMode; name: string; means: string }[] = [
  { mode: 'turns', name: 'Turns', means: 'who types has control; after 2 s of quiet the next one takes it by typing' },
  { mode: 'locked', name: 'Locked', means: 'control moves only when it is taken, released or given' },
  { mode: 'open', name: 'Open', means: 'everybody types, in one order, each piece whole' },
];

const SIZES: readonly { policy: Extract<SizePolicy, string>; name: string }[] = [
  { policy: 'controller', name: 'Of whoever has control' },
  { policy: 'largest', name: 'Of the largest window' },
  { policy: 'smallest', name: 'Of the smallest window' },
];

export function ControlMenu({ session }: { session: HostedSession }) {
  const { control, sizePolicy } = session;
  const isEverywherePaused = useApp((state) => findHost(state, session.host)?.agentsPaused ?? false);
  const mode = MODES.find((each) => each.mode === control.mode);
  const canChange = isOwner(session);
  return (
    <DropdownMenu.Root>
      <Hint label={`Control: ${mode?.means}`}>
        <DropdownMenu.Trigger asChild>
          <button
            type="button"
            className="button small quiet control-mode"
            data-testid="control-menu"
            aria-label={`Control mode: ${mode?.name}`}
          >
            {mode?.name}
            <ChevronDown size={12} aria-hidden="true" />
          </button>
        </DropdownMenu.Trigger>
      </Hint>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          className="menu control-menu"
          align="end"
          collisionPadding={8}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            focusTerminal();
          }}
        >
          <DropdownMenu.Label className="menu-title">Control{!canChange && ' (owners change it)'}</DropdownMenu.Label>
          <DropdownMenu.RadioGroup value={control.mode}>
            {MODES.map(({ mode: each, name, means }) => (
              <DropdownMenu.RadioItem key={each} value={each} disabled={!canChange} onSelect={() => void setMode(session, each)}>
                <Chosen />
                <span className="menu-two">
                  {name}
                  <span className="dim">{means}</span>
                </span>
              </DropdownMenu.RadioItem>
            ))}
          </DropdownMenu.RadioGroup>
          <DropdownMenu.Item disabled={!canChange} onSelect={() => void setDefaultMode(session.host, control.mode)}>
            <span className="menu-chosen" />
            New sessions begin in this mode
          </DropdownMenu.Item>
          <DropdownMenu.Separator />
          <DropdownMenu.Label className="menu-title">Size{!canChange && ' (owners change it)'}</DropdownMenu.Label>
          <DropdownMenu.RadioGroup value={typeof sizePolicy === 'string' ? sizePolicy : 'fixed'}>
            {SIZES.map(({ policy, name }) => (
              <DropdownMenu.RadioItem
                key={policy}
                value={policy}
                disabled={!canChange}
                onSelect={() => void setSizePolicy(session, policy)}
              >
                <Chosen />
                {name}
              </DropdownMenu.RadioItem>
            ))}
            <DropdownMenu.RadioItem
              value="fixed"
              disabled={!canChange}
              onSelect={() => setTimeout(() => app.set({ dialog: { is: 'fixed-size', session: session.key } }))}
            >
              <Chosen />
              {typeof sizePolicy === 'string' ? 'Fixed…' : `Fixed: ${sizePolicy.cols}×${sizePolicy.rows}…`}
            </DropdownMenu.RadioItem>
          </DropdownMenu.RadioGroup>
          <DropdownMenu.Separator />
          {session.agentsPaused && !isEverywherePaused ? (
            <DropdownMenu.Item disabled={!canChange} onSelect={() => void pauseAgentsIn(session, false)}>
              Resume agents in this session
            </DropdownMenu.Item>
          ) : (
            <DropdownMenu.Item disabled={session.agentsPaused || !canChange} onSelect={() => void pauseAgentsIn(session)}>
              Pause agents in this session
            </DropdownMenu.Item>
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** Room for the mark of what is chosen, so that names stand below each other. */
function Chosen() {
  return (
    <span className="menu-chosen" aria-hidden="true">
      <DropdownMenu.ItemIndicator>✓</DropdownMenu.ItemIndicator>
    </span>
  );
}
