import { ready } from './go.mjs';

ready(async () => 0);
