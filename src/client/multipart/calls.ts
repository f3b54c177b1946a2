/** The calls to the app's server that only uploads in parts need. */
import type { ListPartsResponse, PartDeclaration, SignedPart } from '../../protocol/index.ts';
import type { Api } from '../api.ts';
import type { Tools } from '../tools.ts';

export interface PartCalls {
  /** Asks for a signed request for a part, in one call with other parts that ask at the same time. */
  sign(part: PartDeclaration): Promise<SignedPart>;
  /** @throws WaybillError `upload_conflict`, `upload_expired` */
  list(grant: string): Promise<ListPartsResponse>;
}

const maxPartsInRequest = 24;

/** @param currentGrant returns the newest grant of the upload */
export function createPartCalls(
  { assertShape, createBatcher }: Tools,
  { call, batch }: Api,
  currentGrant: () => string,
): PartCalls {
  return {
    sign: createBatcher(
      (parts: PartDeclaration[]) =>
        batch('/parts', { grant: currentGrant(), parts }, 'parts', parts.length, (item) => {
          assertShape(item.request.url);
          return item as SignedPart;
        }),
      maxPartsInRequest,
    ),
    list: (grant) =>
      call('/parts/list', { grant }, (json) => {
        assertShape(json.grant && json.partSize && json.parts.every);
        return json as ListPartsResponse;
      }),
  };
}
