/** The script of a worker. `npm run docs` bundles it into worker-code.ts. */
import { type Answer, type Job, JobError } from './job.ts';
import { runJob } from './run-job.ts';

const answer = (message: Answer) => postMessage(message);

addEventListener('message', async ({ data: { id, job } }: MessageEvent<{ id: number; job: Job }>) => {
  try {
    answer({ id, blob: await runJob(job, (progress) => answer({ id, progress })) });
  } catch (error) {
    const failure = error instanceof JobError ? error.failure : 'unreadable';
    answer({ id, failure, message: String((error as Error).message ?? error) });
  }
});
