/** The limits of what a host keeps, as a form: empty is no limit. */
import { type FormEvent, useState } from 'react';
import { MIN_SESSION_BYTES, type RetentionLimits } from '#protocol/retention.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const DAY_MS = 24 * 60 * 60 * 1000;

type Props = { limits: RetentionLimits; save: (limits: RetentionLimits) => Promise<void> };

export function StorageLimits({ limits, save }: Props) {
  const [isBusy, setIsBusy] = useState(false);
  const submitted = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const number = (name: string) => (form.get(name) ? Number(form.get(name)) : null);
    const [session, total, age] = [number('session'), number('total'), number('age')];
    setIsBusy(true);
    await save({
      sessionBytes: session === null ? limits.sessionBytes : Math.round(session * MIB),
      totalBytes: total === null ? null : Math.round(total * GIB),
      maxAgeMs: age === null ? null : Math.round(age * DAY_MS),
    });
    setIsBusy(false);
  };
  const { sessionBytes, totalBytes, maxAgeMs } = limits;
  return (
    <form className="storage-limits" aria-label="Limits" onSubmit={(event) => void submitted(event)}>
      <Limit name="session" label="Output of one session" unit="MiB" value={sessionBytes / MIB} min={MIN_SESSION_BYTES / MIB} isRequired />
      <Limit name="total" label="All sessions together" unit="GiB" value={totalBytes === null ? null : totalBytes / GIB} min={0} />
      <Limit name="age" label="After a session ended" unit="days" value={maxAgeMs === null ? null : maxAgeMs / DAY_MS} min={0} />
      <button type="submit" className="button" disabled={isBusy}>
        Save limits
      </button>
    </form>
  );
}

type LimitProps = { name: string; label: string; unit: string; value: number | null; min: number; isRequired?: boolean };

function Limit({ name, label, unit, value, min, isRequired = false }: LimitProps) {
  return (
    <label>
      <span>{label}</span>
      <input
        className="field"
        type="number"
        name={name}
        min={min}
        step="any"
        required={isRequired}
        placeholder="no limit"
        defaultValue={value === null ? '' : Number(value.toFixed(3))}
      />
      <span className="storage-unit">{unit}</span>
    </label>
  );
}
