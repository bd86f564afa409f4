/** In the control bar, whose place it takes so that nothing moves: who asks for control, why, and the two answers. */
import { focusTerminal } from '../state/actions.ts';
import { keyText } from '../state/commands.ts';
import { dropRequest } from '../state/control-requests.ts';
import { grantRequest } from '../state/sharing.ts';
import type { ControlRequest } from '../state/store.ts';
import { ActorMark } from './actor-mark.tsx';
import { Keys } from './hint.tsx';

export function RequestLine({ request }: { request: ControlRequest }) {
  const { by, reason } = request;
  return (
    <>
      <ActorMark actor={by} size="small" />
      <span className="control-text" role="status" data-testid="control-request">
        {by.name} asks for control{reason && <>: “{reason}”</>}
      </span>
      <button
        type="button"
        className="button small quiet"
        onClick={() => {
          dropRequest(request);
          focusTerminal();
        }}
      >
        Not now
      </button>
      <button type="button" className="button small" onClick={() => void grantRequest(request)}>
        Grant
        <Keys text={keyText('grant-control') ?? ''} />
      </button>
    </>
  );
}
