/** The minimum that sends a file with a grant: without retry, progress and error messages. */
const json = async (path, body) => {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(response.status);
  return response.json();
};

export async function upload(route, file) {
  const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
  const value = btoa(String.fromCharCode(...new Uint8Array(digest)));
  const { uploads } = await json('/uploads', {
    route,
    files: [{ fileName: file.name, size: file.size, contentType: file.type, checksum: { algorithm: 'sha256', value } }],
  });
  const [{ grant, request }] = uploads;
  const stored = await fetch(request.url, { method: request.method, headers: request.headers, body: file });
  if (!stored.ok) throw new Error(stored.status);
  return (await json('/uploads/complete', { grants: [grant] })).results[0];
}
