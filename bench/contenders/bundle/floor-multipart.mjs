/**
 * A minimal upload in parts that can be resumed: four parts at a time, three attempts, progress, a note in
 * localStorage.
 */
const json = async (path, body) => {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(response.status);
  return response.json();
};

const sha256 = async (blob) =>
  btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()))));

const send = ({ method, url, headers }, body, onProgress) =>
  new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open(method, url);
    for (const name in headers) if (name !== 'content-length') xhr.setRequestHeader(name, headers[name]);
    xhr.upload.onprogress = ({ loaded }) => onProgress(loaded);
    xhr.onload = () => (xhr.status < 300 ? resolve(xhr.getResponseHeader('etag')) : reject(new Error(xhr.status)));
    xhr.onerror = reject;
    xhr.send(body);
  });

export async function upload(route, file, onProgress) {
  const memory = `upload:${file.name}:${file.size}:${file.lastModified}`;
  const state = JSON.parse(localStorage.getItem(memory)) ?? {
    ...(await json('/uploads', { route, files: [{ fileName: file.name, size: file.size, contentType: file.type }] }))
      .uploads[0],
    done: {},
  };
  const loaded = {};
  const missing = Array.from({ length: Math.ceil(file.size / state.partSize) }, (_, index) => index + 1).filter(
    (partNumber) => !state.done[partNumber],
  );
  const sendPart = async (partNumber, tries = 3) => {
    const body = file.slice((partNumber - 1) * state.partSize, partNumber * state.partSize);
    try {
      const { parts } = await json('/uploads/parts', {
        grant: state.grant,
        parts: [{ partNumber, size: body.size, checksum: { algorithm: 'sha256', value: await sha256(body) } }],
      });
      state.done[partNumber] = await send(parts[0], body, (bytes) => {
        loaded[partNumber] = bytes;
        onProgress(Object.values(loaded).reduce((sum, part) => sum + part, 0) / file.size);
      });
      localStorage.setItem(memory, JSON.stringify(state));
    } catch (error) {
      if (tries < 2) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000 * Math.random()));
      await sendPart(partNumber, tries - 1);
    }
  };
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let next = missing.shift(); next; next = missing.shift()) await sendPart(next);
    }),
  );
  localStorage.removeItem(memory);
  return (await json('/uploads/complete', { grants: [state.grant] })).results[0];
}
