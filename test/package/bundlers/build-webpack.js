// Calls webpack by its API, because its command line is a separate package.
import webpack from 'webpack';
import config from './webpack.config.js';

const compiler = webpack(config);
compiler.run((error, stats) => {
  console.log(error ?? stats.toString({ preset: 'errors-warnings' }));
  process.exitCode = error || stats.hasErrors() ? 1 : 0;
  compiler.close(() => undefined);
});
