/** The radio buttons that choose a route, each with the limits that the server reports. */
import { formatBytes } from 'waybill';
import type { Client, RouteInfo } from 'waybill/client';
import { el } from './dom.ts';
import { describeContentTypes } from './error-text.ts';

import type { PageConfig } from './page-config.ts';

export interface RoutePicker {
  selectedRoute(): string;
}

export function createRoutePicker(container: HTMLElement, routes: PageConfig['routes'], client: Client): RoutePicker {
  for (const [index, { route, title }] of routes.entries()) {
    const input = el('input', { type: 'radio', name: 'route', value: route, checked: index === 0 });
    const limits = el('small', {});
    container.append(el('label', {}, input, el('span', {}, title, limits)));
    client.routeInfo(route).then(
      (info) => limits.replaceChildren(limitsText(info)),
      () => limits.replaceChildren('the server does not answer'),
    );
  }
  return {
    selectedRoute: () => container.querySelector<HTMLInputElement>('input:checked')?.value ?? routes[0]?.route ?? '',
  };
}

function limitsText({ limits }: RouteInfo): string {
  const types = describeContentTypes(limits.contentTypes);
  const maxSize = formatBytes(limits.maxBytes).replace(' ', '\u00A0');
  return `${types ? `only ${types}` : 'anything a browser does not run'}, up to ${maxSize}`;
}
