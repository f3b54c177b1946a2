import { createClient } from 'waybill/client';
import { useRoute, useUpload } from 'waybill/react';

const client = createClient({ endpoint: '/uploads' });

export function App() {
  const { start, upload, abort, retry, reset } = useUpload(client, 'photo');
  const { accept } = useRoute(client, 'photo');

  function onChange({ target }) {
    const [file] = target.files;
    if (file) start(file);
    // Choosing the same file again must also cause a change event.
    target.value = '';
  }

  return (
    <main>
      <h1>A photo</h1>
      <label>
        Choose a photo <input type="file" accept={accept} onChange={onChange} />
      </label>
      <div aria-live="polite">{upload && <Progress upload={upload} abort={abort} retry={retry} reset={reset} />}</div>
    </main>
  );
}

function Progress({ upload, abort, retry, reset }) {
  const { status, fileName, loaded, total, error, file } = upload;
  if (file) return <img src={file.url} alt={file.fileName} />;
  if (error)
    return (
      <p role="alert">
        {fileName}: {error.message} {/* Not retryable: a wrong type or size. */}
        {error.retryable ? (
          <button type="button" onClick={retry}>
            Try again
          </button>
        ) : (
          <button type="button" onClick={reset}>
            Choose another photo
          </button>
        )}
      </p>
    );
  return (
    <p>
      {fileName}: {status} <progress value={loaded} max={total} />{' '}
      <button type="button" onClick={abort}>
        Cancel
      </button>
    </p>
  );
}
