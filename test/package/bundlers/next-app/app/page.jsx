import { AvatarInput } from './avatar-input.jsx';

export const dynamic = 'force-dynamic';

export default function Page() {
  return <AvatarInput />;
}
