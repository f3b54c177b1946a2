/** The calls that list and rename stored files. Both are closed on every route that does not open them. */
import {
  checkExtension,
  type ListFilesResponse,
  type RenameResponse,
  type StoredFile,
  WaybillError,
} from '../../protocol/index.ts';
import { authorize } from '../authorize.ts';
import type { CallbackRequest } from '../callback-inputs.ts';
import type { ResolvedRoute } from '../config.ts';
import { createListCursors, type ListCursors } from '../files/list-cursors.ts';
import type { OwnedFile } from '../files/types.ts';
import { cleanFileName } from '../grants/file-name.ts';
import { findBrokenOwnerRule } from '../grants/keys.ts';
import type { Services } from '../services.ts';
import { invalid, missingFieldMessage, unknownRoute } from '../shared/errors.ts';
import { openRefToRename } from '../views/views.ts';
import { type Call, readJsonBody } from './call.ts';
import { type PlainResponse, RequestView } from './plain-request.ts';
import { json } from './responses.ts';
import { parseRenameRequest } from './wire-schema.ts';

/** Without a ledger a page asks the storage about each of its files, so the page size limits the cost of a call. */
const maxPageSize = 100;
const defaultPageSize = 50;

export type FileOperations = Record<'files' | 'rename', (call: Call) => Promise<PlainResponse>>;

export function createFileOperations(services: Services): FileOperations {
  const { config } = services;
  let loadedCursors: ListCursors | undefined;
  const cursors = () => {
    loadedCursors ??= createListCursors(config.secrets());
    return loadedCursors;
  };
  return {
    async files({ request }) {
      const query = parseListQuery(request.query);
      const route = config.routes.get(query.route);
      if (!route?.definition.authorizeList) throw unknownRoute();
      const list = {
        route: route.name,
        ownerId: await findListedOwner(route, new RequestView(request), query.ownerId),
      };
      const cursor = query.cursor === null ? null : cursors().open(query.cursor, list);
      if (cursor === null && query.cursor !== null)
        throw invalid([{ path: 'cursor', message: 'does not continue this list. Start the list again' }]);
      const page = await (await services.files()).list({ ...list, cursor, limit: query.limit });
      const answer: ListFilesResponse = {
        files: page.files.map(withoutOwner),
        cursor: page.cursor === null ? null : cursors().seal(page.cursor, list),
      };
      return json(200, answer);
    },

    async rename(call) {
      const { fileName } = parseRenameRequest(await readJsonBody(services, call));
      const newFileName = cleanFileName(fileName);
      const request = new RequestView(call.request);
      const { ref, route, actor } = await openRefToRename(config, services.refs, request, call.target, newFileName);
      const refusal = checkExtension(route.limits, newFileName, ref.contentType);
      if (refusal) throw refusal;
      const change = { ownerId: ref.ownerId, ...(actor === null ? {} : { actor }) };
      const answer: RenameResponse = {
        file: withoutOwner(await (await services.files()).rename(call.target, newFileName, change)),
      };
      return json(200, answer);
    },
  };
}

/** @throws {WaybillError} the error of `authorize`, or `forbidden` */
async function findListedOwner(
  route: ResolvedRoute,
  request: CallbackRequest,
  askedFor: string | null,
): Promise<string> {
  const { authorizeList } = route.definition;
  // Every request to a route for `anyone` is another owner, who has no files.
  if (route.public && askedFor === null) throw invalid([{ path: 'ownerId', message: missingFieldMessage }]);
  const isDecidedByApp = typeof authorizeList === 'function';
  const ownerId =
    isDecidedByApp && askedFor !== null ? askedFor : (await authorize(route, request, 'list', [])).ownerId;
  const isAllowed = isDecidedByApp
    ? await authorizeList({ request, route: route.name, ownerId })
    : askedFor === null || askedFor === ownerId;
  if (!isAllowed) throw new WaybillError('forbidden', 'You cannot list these files.');
  return ownerId;
}

interface ListQuery {
  route: string;
  ownerId: string | null;
  cursor: string | null;
  limit: number;
}

function parseListQuery(text: string): ListQuery {
  const query = new URLSearchParams(text);
  const ownerId = query.get('ownerId');
  const rule = ownerId === null ? null : findBrokenOwnerRule(ownerId);
  if (rule) throw invalid([{ path: 'ownerId', message: `cannot be used: ${rule}` }]);
  return {
    route: query.get('route') ?? '',
    ownerId,
    cursor: query.get('cursor'),
    limit: parseLimit(query.get('limit')),
  };
}

function parseLimit(text: string | null): number {
  if (text === null) return defaultPageSize;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= maxPageSize) return limit;
  throw invalid([{ path: 'limit', message: `must be a whole number from 1 to ${maxPageSize}` }]);
}

/** The metadata stays at the server: its schema may have added facts that are not for the client. */
function withoutOwner({ ownerId: _, metadata: __, ...file }: OwnedFile): StoredFile {
  return file;
}
