declare global {
  namespace App {
    interface Locals {
      /** Set in hooks.server.ts. */
      userId: string;
    }
  }
}

export {};
