/** The errors of AWS for requests that fail authentication. The verifiers throw them and the devstore sends them. */

/** AWS's codes with their statuses: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const statusByCode = {
  AccessDenied: 403,
  AuthorizationHeaderMalformed: 400,
  AuthorizationQueryParametersError: 400,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  ExpiredToken: 400,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidPolicyDocument: 400,
  InvalidRequest: 400,
  InvalidToken: 400,
  InvalidURI: 400,
  NotImplemented: 501,
  RequestTimeTooSkewed: 403,
  SignatureDoesNotMatch: 403,
} as const;

export type S3AuthCode = keyof typeof statusByCode;

export class S3AuthError extends Error {
  readonly code: S3AuthCode;
  /** HTTP status. */
  readonly status: number;
  /** Further elements of the `<Error>` document, by name. */
  readonly details: Readonly<Record<string, string>>;

  constructor(code: S3AuthCode, message: string, details: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'S3AuthError';
    this.code = code;
    this.status = statusByCode[code];
    this.details = details;
  }
}
