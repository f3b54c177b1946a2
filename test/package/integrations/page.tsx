/** Renders the components of docs/interop.md, each in a place of its own. */
import { QueryClientProvider } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { PhotoUpload } from './antd-upload.js';
import { client } from './client.js';
import { PhotoDropzone } from './dropzone.js';
import { EntryForm } from './entry-form.js';
import { pond } from './filepond.js';
import { PhotoList, queryClient } from './photo-list.js';
import { uppy } from './uppy.js';

const saved: unknown[] = [];
const render = (id: string, node: ReactNode) => createRoot(document.querySelector(`#${id}`) as Element).render(node);

render('antd', <PhotoUpload onSent={(url) => saved.push(url)} />);
render('dropzone', <PhotoDropzone />);
render('form', <EntryForm save={async (entry) => void saved.push(entry)} />);
render(
  'query',
  <QueryClientProvider client={queryClient}>
    <PhotoList load={async () => []} />
  </QueryClientProvider>,
);
Object.assign(window, { client, uppy, pond, saved });
