import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { useDropzone, useRoute, useUpload, useUploads } from '../../../src/react/index.ts';
import { client, firstFile, otherFile, picked, type Scene, startPage, titled } from './page.ts';

function One({ abortOnUnmount }: { abortOnUnmount: boolean }) {
  const { start, upload, pause, resume, abort, retry, reset } = useUpload(client, 'notes', { abortOnUnmount });
  const { accept } = useRoute(client, 'notes');
  const startOther = () => {
    start(picked, titled('a'));
    start(otherFile(), titled('b'));
  };
  const startTwice = () => {
    start(picked, titled('a'));
    start(picked, titled('a'));
  };
  return (
    <>
      <input id="file" type="file" accept={accept} onChange={(event) => start(firstFile(event), titled('chosen'))} />
      <output>{upload?.status ?? 'idle'}</output>
      <p role="alert">{upload?.error?.code}</p>
      <data>{upload?.data?.title}</data>
      <button type="button" id="twice" onClick={startTwice} />
      <button type="button" id="other" onClick={startOther} />
      <button type="button" id="pause" onClick={pause} />
      <button type="button" id="resume" onClick={resume} />
      <button type="button" id="abort" onClick={abort} />
      <button type="button" id="retry" onClick={retry} />
      <button type="button" id="reset" onClick={reset} />
    </>
  );
}

function Many() {
  const { start, uploads, remove } = useUploads(client, 'photos');
  const { getRootProps, getInputProps, isDragging, isReading, rejections, openFolder } = useDropzone(client, 'photos', {
    onFiles: (files) => start(files),
  });
  return (
    <>
      <div {...getRootProps({ id: 'zone' })}>
        <input {...getInputProps()} />
        <span>Drop photos here</span>
        <button type="button" id="inner">
          Another button
        </button>
      </div>
      <button type="button" id="folder" onClick={openFolder} />
      <output>{isDragging ? 'dragging' : isReading ? 'reading' : 'idle'}</output>
      <ul>
        {uploads.map(({ id, status, fileName }) => (
          <li key={id}>
            {fileName} {status}
            <button type="button" onClick={() => remove(id)} />
          </li>
        ))}
      </ul>
      <ol>
        {rejections.map(({ relativePath, error }) => (
          <li key={relativePath}>
            {relativePath} {error.code}
          </li>
        ))}
      </ol>
    </>
  );
}

export function App({ scene }: { scene: Scene }) {
  return scene === 'many' ? <Many /> : <One abortOnUnmount={scene === 'aborting'} />;
}

if (globalThis.document)
  startPage((element, scene) => {
    const root = createRoot(element);
    root.render(
      <StrictMode>
        <App scene={scene} />
      </StrictMode>,
    );
    return () => root.unmount();
  });
