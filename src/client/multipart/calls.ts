/** The calls of an upload in parts, and the careful taking apart of their answers. */
import type { ListPartsResponse, PartDeclaration, SignedPart } from '../../protocol/index.ts';
import type { Api } from '../api.ts';
import type { Tools } from '../tools.ts';

export interface PartCalls {
  /** Gathers what is asked for at about the same time. */
  sign(part: PartDeclaration): Promise<SignedPart>;
  /** @throws WaybillError `upload_conflict`, `upload_expired` */
  list(grant: string): Promise<ListPartsResponse>;
}

const partsAtOnce = 24;

/** @param grant the one that is valid now */
export function createPartCalls({ createBatcher }: Tools, { call, batch }: Api, grant: () => string): PartCalls {
  return {
    sign: createBatcher(
      (parts: PartDeclaration[]) =>
        batch('/parts', { grant: grant(), parts }, 'parts', parts.length, (item) => {
          if (!item.request.url) throw 0;
          return item as SignedPart;
        }),
      partsAtOnce,
    ),
    list: (grant) =>
      call('/parts/list', { grant }, (json) => {
        if (!json.grant || !json.partSize || !json.parts.every) throw 0;
        return json as ListPartsResponse;
      }),
  };
}
