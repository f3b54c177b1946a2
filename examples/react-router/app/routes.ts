import { index, type RouteConfig, route } from '@react-router/dev/routes';

export default [
  index('routes/home.tsx'),
  route('uploads/*', 'routes/waybill.ts', { id: 'uploads' }),
  route('files/*', 'routes/waybill.ts', { id: 'files' }),
] satisfies RouteConfig;
