export default defineNuxtConfig({
  modules: ['waybill/adapters/nuxt'],
  compatibilityDate: '2026-01-01',
  css: ['~/style.css'],
  app: {
    head: { title: 'Your photo', htmlAttrs: { lang: 'en' }, link: [{ rel: 'icon', href: 'data:,' }] },
  },
});
