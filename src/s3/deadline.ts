/** Patience: a signal that fires when nothing has happened for a while, or when the caller has had enough. */

export interface Deadline {
  readonly signal: AbortSignal;
  /** Something happened: wait as long again. */
  restart(): void;
  stop(): void;
  expired(): boolean;
}

export function startDeadline(timeoutMs: number, caller?: AbortSignal): Deadline {
  const controller = new AbortController();
  let expired = false;
  const timer = setTimeout(() => {
    expired = true;
    controller.abort();
  }, timeoutMs);
  return {
    signal: caller ? AbortSignal.any([controller.signal, caller]) : controller.signal,
    restart: () => timer.refresh(),
    stop: () => clearTimeout(timer),
    expired: () => expired,
  };
}
