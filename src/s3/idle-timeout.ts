/** A timeout that ends a request when the storage has sent nothing for a while. */

export interface IdleTimeout {
  /** Sets what to call on expiry, instead of any earlier function. */
  onExpire(stop: () => void): void;
  /** Call it when data has arrived: the whole time runs again. */
  restart(): void;
  stop(): void;
  isExpired(): boolean;
}

export function startIdleTimeout(timeoutMs: number): IdleTimeout {
  let isExpired = false;
  let stopWaiting = () => {};
  const timer = setTimeout(() => {
    isExpired = true;
    stopWaiting();
  }, timeoutMs);
  return {
    onExpire(stop) {
      stopWaiting = stop;
    },
    restart: () => timer.refresh(),
    stop: () => clearTimeout(timer),
    isExpired: () => isExpired,
  };
}
