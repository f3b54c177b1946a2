/** Patience: it is over when nothing has happened for a while. */

export interface Deadline {
  /** What ends the waiting then. Said again, it takes the place of what was said before. */
  onOver(stop: () => void): void;
  /** Something happened: wait as long again. */
  restart(): void;
  stop(): void;
  expired(): boolean;
}

export function startDeadline(timeoutMs: number): Deadline {
  let expired = false;
  let stopWaiting = () => {};
  const timer = setTimeout(() => {
    expired = true;
    stopWaiting();
  }, timeoutMs);
  return {
    onOver(stop) {
      stopWaiting = stop;
    },
    restart: () => timer.refresh(),
    stop: () => clearTimeout(timer),
    expired: () => expired,
  };
}
