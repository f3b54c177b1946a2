// Nothing is external: what users do first.
const basePath = process.env.NEXT_BASE_PATH ?? '';
export default {
  distDir: process.env.NEXT_DIST_DIR ?? '.next',
  ...(basePath === '' ? {} : { basePath, trailingSlash: true }),
};
