/** What an app would write in place of an adapter: the least that passes a request to `uploads.handle()`. */

/** For frameworks on node:http. */
export const bareNode = (uploads) => async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const [path, query = ''] = request.url.split('?');
  const answer = await uploads.handle({
    method: request.method,
    path,
    query,
    header: (name) => request.headers[name],
    headers: () => Object.entries(request.headers),
    body: async () => body,
    raw: request,
  });
  response.writeHead(answer.status, answer.headers);
  response.end(answer.body);
};

/** For frameworks with the `Request` of the Fetch API. */
export const bareFetch = (uploads) => async (request) => {
  const { pathname: path, search } = new URL(request.url);
  const answer = await uploads.handle({
    method: request.method,
    path,
    query: search.slice(1),
    header: (name) => request.headers.get(name) ?? undefined,
    headers: () => request.headers,
    body: async () => new Uint8Array(await request.arrayBuffer()),
    raw: request,
  });
  return new Response(answer.body, { status: answer.status, headers: answer.headers });
};

/** For Lambda. */
export const bareLambda = (uploads) => async (event) => {
  const answer = await uploads.handle({
    method: event.requestContext.http.method,
    path: event.rawPath,
    query: event.rawQueryString,
    header: (name) => event.headers[name],
    headers: () => Object.entries(event.headers),
    body: async () => Buffer.from(event.body, 'base64'),
    raw: event,
  });
  return { statusCode: answer.status, headers: answer.headers, body: answer.body, isBase64Encoded: false };
};
