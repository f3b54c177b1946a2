const everyone = 'uri="http://acs.amazonaws.com/groups/global/AllUsers"';

/** What a sender may add to a request in order to make its object public. The form's fields are also tried as headers, and the other way round. */
export const publicAclAdditions: [what: string, name: string, value: string][] = [
  ['a public ACL', 'x-amz-acl', 'public-read'],
  ['a writable ACL', 'x-amz-acl', 'public-read-write'],
  ['an ACL for everyone with an account', 'x-amz-acl', 'authenticated-read'],
  ['two ACLs', 'x-amz-acl', 'private, public-read'],
  ['a grant to read', 'x-amz-grant-read', everyone],
  ['a grant of everything', 'x-amz-grant-full-control', everyone],
  ['a grant to change who may', 'x-amz-grant-write-acp', everyone],
  ['the ACL of a form', 'acl', 'public-read'],
];
