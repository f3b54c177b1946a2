/** VitePress's own theme with the fonts of the system, so that a page loads no font. */
import theme from 'vitepress/theme-without-fonts';
import './colors.css';

export default theme;
