/** @jsxImportSource solid-js */
import { Index, Show } from 'solid-js';
import { render } from 'solid-js/web';
import { useDropzone, useRoute, useUpload, useUploads } from '../../../src/solid/index.ts';
import { client, firstFile, otherFile, picked, type Scene, startPage, titled } from './page.ts';

function One(props: { abortOnUnmount: boolean }) {
  const { start, upload, pause, resume, abort, retry, reset } = useUpload(client, 'notes', {
    abortOnUnmount: props.abortOnUnmount,
  });
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
      <input id="file" type="file" accept={accept()} onChange={(event) => start(firstFile(event), titled('chosen'))} />
      <output>{upload()?.status ?? 'idle'}</output>
      <p role="alert">{upload()?.error?.code}</p>
      <data>{upload()?.data?.title}</data>
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
  const { rootProps, inputProps, isDragging, isReading, rejections, openFolder } = useDropzone(client, 'photos', {
    onFiles: (files) => start(files),
  });
  return (
    <>
      <div id="zone" {...rootProps()}>
        <input {...inputProps()} />
        <span>Drop photos here</span>
        <button type="button" id="inner">
          Another button
        </button>
      </div>
      <button type="button" id="folder" onClick={openFolder} />
      <output>{isDragging() ? 'dragging' : isReading() ? 'reading' : 'idle'}</output>
      <ul>
        <Index each={uploads()}>
          {(upload) => (
            <li>
              {upload().fileName} {upload().status}
              <button type="button" onClick={() => remove(upload().id)} />
            </li>
          )}
        </Index>
      </ul>
      <ol>
        <Index each={rejections()}>
          {(rejection) => (
            <li>
              {rejection().relativePath} {rejection().error.code}
            </li>
          )}
        </Index>
      </ol>
    </>
  );
}

export function App(props: { scene: Scene }) {
  return (
    <Show when={props.scene === 'many'} fallback={<One abortOnUnmount={props.scene === 'aborting'} />}>
      <Many />
    </Show>
  );
}

if (globalThis.document) startPage((element, scene) => render(() => <App scene={scene} />, element));
