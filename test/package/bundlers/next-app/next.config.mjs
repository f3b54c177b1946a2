// Nothing is external: what users do first.
export default { distDir: process.env.NEXT_DIST_DIR ?? '.next' };
