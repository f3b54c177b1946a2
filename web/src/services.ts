/** The form's fourth box: which route takes the files, with its limits as the server tells them. */
import type { Client, RouteInfo } from 'waybill/client';
import { el } from './dom.ts';
import { formatBytes } from './format.ts';
import type { PageSetup } from './setup.ts';
import { describeKinds } from './words.ts';

export interface Services {
  chosen(): string;
}

export function createServices(box: HTMLElement, services: PageSetup['services'], client: Client): Services {
  for (const [index, { route, title }] of services.entries()) {
    const input = el('input', { type: 'radio', name: 'route', value: route, checked: index === 0 });
    const limits = el('small', {});
    box.append(el('label', {}, input, el('span', {}, title, limits)));
    client.routeInfo(route).then(
      (info) => limits.replaceChildren(limitsInWords(info)),
      () => limits.replaceChildren('the server does not answer'),
    );
  }
  return {
    chosen: () => box.querySelector<HTMLInputElement>('input:checked')?.value ?? services[0]?.route ?? '',
  };
}

function limitsInWords({ limits }: RouteInfo): string {
  const kinds = describeKinds(limits.contentTypes);
  return `${kinds ? `only ${kinds}` : 'anything a browser does not run'}, up to ${formatBytes(limits.maxBytes).replace(' ', '\u00A0')}`;
}
