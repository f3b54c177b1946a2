/** A timeout that ends a request when the storage has sent nothing for a while. */

export interface IdleTimeout {
  /** Sets the function to call when the time has passed. It replaces any earlier one. */
  onExpire(stop: () => void): void;
  /** Starts the whole time again. Call it when data has arrived. */
  restart(): void;
  stop(): void;
  isExpired(): boolean;
}

export function startIdleTimeout(timeoutMs: number): IdleTimeout {
  let isExpired = false;
  let stopWaiting = () => {};
  const start = () =>
    setTimeout(() => {
      isExpired = true;
      stopWaiting();
    }, timeoutMs);
  let timer = start();
  return {
    onExpire(stop) {
      stopWaiting = stop;
    },
    // Only timers of Node have `refresh()`. In Workers with an older compatibility date a timer is a number.
    restart() {
      clearTimeout(timer);
      timer = start();
    },
    stop: () => clearTimeout(timer),
    isExpired: () => isExpired,
  };
}
