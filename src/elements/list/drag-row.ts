/** Moves a row of the list with a mouse, a finger or a pen. */

/**
 * @param rows the rows in their order now
 * @param move is called with the new place of the row, while it is dragged over another one
 */
export function dragRow(
  row: HTMLElement,
  start: PointerEvent,
  rows: () => HTMLElement[],
  move: (to: number) => void,
): void {
  if (start.button !== 0) return;
  start.preventDefault();
  const controller = new AbortController();
  const { signal } = controller;
  row.classList.add('moving');
  const end = () => {
    row.classList.remove('moving');
    controller.abort();
  };
  // The window hears of the pointer also when it has left the list.
  addEventListener(
    'pointermove',
    ({ clientY }) => {
      const to = rows().findIndex((other) => {
        const { top, bottom } = other.getBoundingClientRect();
        return clientY >= top && clientY < bottom;
      });
      if (to >= 0 && rows()[to] !== row) move(to);
    },
    { signal },
  );
  addEventListener('pointerup', end, { signal });
  addEventListener('pointercancel', end, { signal });
}
