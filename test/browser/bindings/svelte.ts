import { mount, unmount } from 'svelte';
import Many from './many.svelte';
import One from './one.svelte';
import { type Scene, startPage } from './page.ts';

export const componentOf = (scene: Scene) => (scene === 'many' ? Many : One);
export const propsOf = (scene: Scene) => ({ abortOnUnmount: scene === 'aborting' });

if (globalThis.document)
  startPage((target, scene) => {
    const component = mount(componentOf(scene), { target, props: propsOf(scene) });
    return () => void unmount(component);
  });
