/**
 * What the suites for all browser engines need from a browser. Each engine implements {@link RawPage}, and `createPage`
 * builds the rest on it, so that a page behaves the same way in every engine.
 */

export type EngineName = 'chromium' | 'firefox' | 'webkit';

export interface Engine {
  readonly name: EngineName;
  /** For messages and benchmarks, for example `Firefox 153.8.0`. */
  readonly version: string;
  /**
   * Opens a tab of 1280 x 900 pixels. Tabs share their databases, locks and messages, as the tabs of one user do. A
   * suite separates its data from other suites by its own origin.
   */
  open(url: string): Promise<EnginePage>;
  /** Ends the browser and every process that belongs to it. */
  close(): Promise<void>;
}

export interface EnginePage {
  /**
   * Runs a function in the page and returns its result. Argument and result are copied as JSON. The function cannot use
   * variables of the test.
   */
  evaluate<Result>(work: () => Result | Promise<Result>): Promise<Result>;
  evaluate<Result, Argument>(
    work: (argument: Argument) => Result | Promise<Result>,
    argument: Argument,
  ): Promise<Result>;
  /** Asks the page again and again until the condition is truthy. The time limit is that of the test. */
  waitFor(condition: () => unknown): Promise<void>;
  waitFor<Argument>(condition: (argument: Argument) => unknown, argument: Argument): Promise<void>;
  /** Chooses files of the disk in a file input, as a user does. */
  setFiles(selector: string, ...paths: string[]): Promise<void>;
  /** Clicks in the middle of an element, with the events and the permissions of a real click. */
  click(selector: string): Promise<void>;
  /** Returns after the `load` event. */
  goto(url: string): Promise<void>;
  /** Returns after the `load` event. */
  reload(): Promise<void>;
  /** The visible part of the page as a PNG. */
  screenshot(): Promise<Buffer>;
  close(): Promise<void>;
}

/** What differs between the engines. */
export interface RawPage extends Omit<EnginePage, 'evaluate' | 'waitFor'> {
  /** Evaluates an expression whose value is a promise of a string, and returns the string. */
  run(expression: string): Promise<string>;
}

const pollMs = 50;

export function createPage({ run, ...page }: RawPage): EnginePage {
  async function evaluate(work: (argument: never) => unknown, argument?: unknown) {
    const call = `(${work})(${JSON.stringify(argument) ?? ''})`;
    const { value } = JSON.parse(await run(`(async () => JSON.stringify({ value: await ${call} }))()`));
    return value;
  }
  return {
    ...page,
    evaluate,
    async waitFor(condition: (argument: never) => unknown, argument?: unknown) {
      while (!(await evaluate(condition, argument))) await new Promise((resolve) => setTimeout(resolve, pollMs));
    },
  };
}

export const viewport = { width: 1280, height: 900 } as const;
