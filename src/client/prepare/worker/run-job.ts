import type { Job } from './job.ts';
import { renderImage } from './render.ts';
import { stripMetadata } from './strip.ts';

/** Does one job on the thread that calls it. @throws JobError */
export async function runJob(job: Job, onProgress: (fraction: number) => void): Promise<Blob> {
  return job.kind === 'render' ? renderImage(job, onProgress) : stripMetadata(job.image, job.contentType);
}
