const everyone = 'uri="http://acs.amazonaws.com/groups/global/AllUsers"';

/**
 * Headers and form fields with which a client could try to make its object public. Each is tried both as a header and
 * as a field.
 */
export const publicAclAdditions: [description: string, name: string, value: string][] = [
  ['a public ACL', 'x-amz-acl', 'public-read'],
  ['a writable ACL', 'x-amz-acl', 'public-read-write'],
  ['an ACL for everyone with an account', 'x-amz-acl', 'authenticated-read'],
  ['two ACLs', 'x-amz-acl', 'private, public-read'],
  ['a grant to read', 'x-amz-grant-read', everyone],
  ['a grant of everything', 'x-amz-grant-full-control', everyone],
  ['a grant to change the ACL', 'x-amz-grant-write-acp', everyone],
  ['the ACL of a form', 'acl', 'public-read'],
];
