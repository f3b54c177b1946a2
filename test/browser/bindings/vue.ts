import { createApp, createSSRApp } from 'vue';
import Many from './many.vue';
import One from './one.vue';
import { type Scene, startPage } from './page.ts';

const component = (scene: Scene) => (scene === 'many' ? Many : One);
const propsOf = (scene: Scene) => (scene === 'many' ? {} : { abortOnUnmount: scene === 'aborting' });

export const createServerApp = (scene: Scene) => createSSRApp(component(scene), propsOf(scene));

if (globalThis.document)
  startPage((element, scene) => {
    const app = createApp(component(scene), propsOf(scene));
    app.mount(element);
    return () => app.unmount();
  });
