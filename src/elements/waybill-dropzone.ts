/**
 * The web component. It connects the area for files, the list, the form around it and the app's attributes. The file is
 * long because a custom element is one class.
 */
import { type FoundFile, filesOf } from '../client/folders.ts';
import { type Client, createClient, type RouteInfo, type WaybillError } from '../client/index.ts';
import type { Catalogue } from '../messages/catalogue.ts';
import { en } from '../messages/en.ts';
import { loadMessages } from '../messages/load.ts';
import { createTranslator, type Translator } from '../messages/translate.ts';
import { attributes, reflectAttributes } from './attributes.ts';
import { watchDrops } from './drop-target.ts';
import { type Choice, createFileChooser } from './file-chooser.ts';
import { createFormField, type FieldState } from './form-field.ts';
import { acceptOf, limitsText } from './limits.ts';
import type { Item } from './list/items.ts';
import type { Panel, PanelHost } from './list/panel.ts';
import type { DropzoneAttributes, DropzoneEvents, DropzoneFile, DropzoneProperties } from './types.ts';
import { createZone } from './zone.ts';

const emptyField: FieldState = { urls: [], problem: null };

/** Importing this file on a server, which has no elements, defines nothing and throws nothing. */
const ElementBase = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

/**
 * `<waybill-dropzone>`: files that are dropped, chosen, pasted or photographed are sent straight to the storage.
 * @example <waybill-dropzone endpoint="/uploads" route="photos" name="photos" required></waybill-dropzone>
 */
export class WaybillDropzone extends ElementBase implements DropzoneAttributes, DropzoneProperties {
  static readonly formAssociated = true;
  static readonly observedAttributes = ['lang', ...Object.values(attributes).map(([attribute]) => attribute)];

  declare endpoint: string;
  declare route: string;
  declare name: string;
  declare required: boolean;
  declare disabled: boolean;
  declare maxFiles: number;
  declare manual: boolean;
  declare folders: boolean;
  declare camera: string;
  declare reorder: boolean;
  declare skipDuplicates: boolean;
  declare persist: string;
  declare paste: string;
  metadata: unknown = undefined;

  readonly #internals = this.attachInternals();
  readonly #shadow = this.attachShadow({ mode: 'open', delegatesFocus: true });
  readonly #zone = createZone(this.#shadow, (what) => this.#choose(what));
  readonly #field = createFormField(this, this.#internals, this.#zone.chooseButton);
  readonly #chooser = createFileChooser(this.#shadow, (files) => void this.addFiles(files));
  /** Null until the first file, or until a kept list is restored. */
  #panel: Panel | null = null;
  #loadingPanel: Promise<Panel> | null = null;
  #translator = createTranslator(en, 'en');
  #language = '';
  #messages: Catalogue | null = null;
  #client: Client | null = null;
  #defaultClient: Client | null = null;
  #limits: RouteInfo['limits'] | undefined;
  /** Why the limits, or the list, could not be loaded. */
  #problem: ((translator: Translator) => string) | undefined;
  #isOver = false;
  #isFormDisabled = false;
  /** The item whose file the user was asked for. */
  #awaited: Item | null = null;
  #stopDrops: (() => void) | undefined;
  #stopGuard: (() => void) | undefined;

  get client(): Client | null {
    return this.#client;
  }

  set client(client: Client | null) {
    this.#client = client;
    this.#applyClient();
  }

  get messages(): Catalogue | null {
    return this.#messages;
  }

  set messages(messages: Catalogue | null) {
    this.#messages = messages;
    this.#language = '';
    void this.#loadLanguage();
  }

  /** The files in the list, in their order. */
  get files(): readonly DropzoneFile[] {
    return this.#panel?.files ?? [];
  }

  /** The `url` of each stored file, in the order of the list: the value of the form field. */
  get value(): readonly string[] {
    return this.#field.value;
  }

  get form(): HTMLFormElement | null {
    return this.#internals.form;
  }

  get validity(): ValidityState {
    return this.#internals.validity;
  }

  get validationMessage(): string {
    return this.#internals.validationMessage;
  }

  get willValidate(): boolean {
    return this.#internals.willValidate;
  }

  checkValidity(): boolean {
    return this.#internals.checkValidity();
  }

  reportValidity(): boolean {
    return this.#internals.reportValidity();
  }

  /** Makes the field invalid with a message of the app; an empty one makes it valid again. */
  setCustomValidity(message: string): void {
    this.#field.setCustomValidity(message);
    this.#update();
  }

  /** Adds files as if the user had chosen them. Resolves when they are in the list. */
  async addFiles(files: Iterable<File> | DataTransfer): Promise<void> {
    const awaited = this.#awaited;
    this.#awaited = null;
    const loading = this.#loadPanel();
    // The data of a drop is read before the first await, after which the browser has cleared it.
    const found = await filesOf(files);
    if (this.#isDisabled()) return;
    try {
      (await loading).add(found, awaited);
    } catch {
      this.#problem = ({ text }) => text('errorNetwork');
      this.#update();
    }
  }

  /** Starts every file that waits for it. A file that has been started is not sent again. */
  start(): void {
    this.#panel?.start();
  }

  /** Pauses every upload that is under way. */
  pause(): void {
    this.#panel?.pause();
  }

  /** Continues every paused upload. */
  resume(): void {
    this.#panel?.resume();
  }

  /** Removes a file from the list, and aborts its upload. A stored file is not deleted. */
  removeFile(id: string): void {
    this.#panel?.remove(id);
  }

  /** Removes all files from the list, and aborts their uploads. */
  clear(): void {
    this.#panel?.clear();
  }

  override addEventListener<Type extends keyof DropzoneEvents>(
    type: Type,
    listener: (this: WaybillDropzone, event: DropzoneEvents[Type]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(...given: [string, never, never?]): void {
    super.addEventListener(...given);
  }

  // --- What the browser calls.

  connectedCallback(): void {
    this.#takeEarlyProperties();
    this.#stopDrops = watchDrops(this, {
      isEnabled: () => !this.#isDisabled(),
      setOver: (isOver) => {
        if (isOver) void this.#loadPanel().catch(() => {});
        this.#isOver = isOver;
        this.#update();
      },
      onFiles: (data) => void this.addFiles(data),
      takesPastes: () => this.paste === 'page',
    });
    this.#applyClient();
    void this.#loadLanguage();
    if (this.persist) void this.#loadPanel().then((panel) => panel.restore());
  }

  disconnectedCallback(): void {
    this.#stopDrops?.();
    this.#stopGuard?.();
  }

  attributeChangedCallback(name: string): void {
    if (!this.isConnected) return;
    if (name === 'endpoint' || name === 'route') this.#applyClient();
    if (name === 'lang') void this.#loadLanguage();
    this.#updateAll();
  }

  formDisabledCallback(isDisabled: boolean): void {
    this.#isFormDisabled = isDisabled;
    this.#update();
  }

  formResetCallback(): void {
    this.clear();
  }

  #loadPanel(): Promise<Panel> {
    this.#loadingPanel ??= import('./list/panel.ts').then(({ Panel }) => {
      this.#panel = new Panel(this.#panelHost());
      return this.#panel;
    });
    this.#loadingPanel.catch(() => {
      this.#loadingPanel = null;
    });
    return this.#loadingPanel;
  }

  #panelHost(): PanelHost {
    const { root, liveRegion, chooseButton } = this.#zone;
    return {
      shadow: this.#shadow,
      root,
      liveRegion,
      chooseButton,
      client: () => this.#clientInUse(),
      translator: () => this.#translator,
      route: () => this.route,
      metadataOf: (found: FoundFile) => (typeof this.metadata === 'function' ? this.metadata(found) : this.metadata),
      maxFiles: () => this.#mostFiles(),
      isManual: () => this.manual,
      canReorder: () => this.reorder,
      skipsDuplicates: () => this.skipDuplicates,
      persist: () => this.persist,
      chooseAgain: (item) => {
        this.#awaited = item;
        this.#choose('files');
      },
      emit: (type, detail) =>
        this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, cancelable: type === 'upload-add' })),
      changed: () => this.#update(),
    };
  }

  #updateAll(): void {
    if (this.#panel) this.#panel.update();
    else this.#update();
  }

  /** Shows the area as it is now, and sets the value of the form field. */
  #update(): void {
    const translator = this.#translator;
    const maxFiles = this.#mostFiles();
    const problem = this.#problem?.(translator);
    this.#zone.update({
      translator,
      limits: problem ?? (this.#limits ? limitsText(translator, this.#limits, maxFiles) : ''),
      hasProblem: !!problem,
      isSingle: maxFiles === 1,
      showsFolders: this.folders && maxFiles !== 1,
      showsCamera: !!this.camera && matchMedia('(pointer: coarse)').matches,
      isDisabled: this.#isDisabled(),
      isOver: this.#isOver,
    });
    const hasChanged = this.#field.update(this.#panel?.fieldState ?? emptyField, translator);
    if (hasChanged) this.dispatchEvent(new Event('change', { bubbles: true }));
  }

  #clientInUse(): Client {
    this.#defaultClient ??= createClient({ endpoint: this.endpoint || '/uploads' });
    return this.#client ?? this.#defaultClient;
  }

  /** Asks for the limits, and guards the uploads of the client, when the client, its address or the route is new. */
  #applyClient(): void {
    if (!this.isConnected) return;
    this.#defaultClient = null;
    this.#limits = undefined;
    this.#problem = undefined;
    this.#stopGuard?.();
    const client = this.#clientInUse();
    this.#stopGuard = client.guardUnload();
    if (this.route) void this.#loadLimits(client, this.route);
  }

  async #loadLimits(client: Client, route: string): Promise<void> {
    const answer = await client.routeInfo(route).catch((error: WaybillError) => error);
    // Only a page with a problem loads the messages for problems.
    const { errorText } = 'limits' in answer ? {} : await loadErrorTexts();
    if (client !== this.#clientInUse() || route !== this.route) return;
    if ('limits' in answer) this.#limits = answer.limits;
    else this.#problem = (translator) => errorText?.(translator, answer) ?? translator.text('errorNetwork');
    this.#update();
  }

  async #loadLanguage(): Promise<void> {
    const language = this.closest<HTMLElement>('[lang]')?.lang || 'en';
    if (language === this.#language) return;
    this.#language = language;
    // When the messages cannot be loaded, English ones are better than none.
    const messages = this.#messages ?? (await loadMessages(language).catch(() => en));
    if (language !== this.#language) return;
    this.#translator = createTranslator(messages, messages === en ? 'en' : language);
    this.#updateAll();
  }

  #choose(what: Choice): void {
    if (this.#isDisabled()) return;
    void this.#loadPanel().catch(() => {});
    const multiple = this.#mostFiles() !== 1 && !this.#awaited;
    this.#chooser.choose(what, { accept: acceptOf(this.#limits ?? {}), multiple, camera: this.camera });
  }

  /** The most files in the list; null without a limit. */
  #mostFiles(): number | null {
    return this.maxFiles || (this.#limits?.maxFiles === 1 ? 1 : null);
  }

  #isDisabled(): boolean {
    return this.disabled || this.#isFormDisabled;
  }

  /** Properties that a framework has set before this class was defined would hide the accessors of the class. */
  #takeEarlyProperties(): void {
    for (const name of ['client', 'messages', ...Object.keys(attributes)]) {
      const early = Object.getOwnPropertyDescriptor(this, name);
      if (!early) continue;
      Reflect.deleteProperty(this, name);
      Reflect.set(this, name, early.value);
    }
  }
}

const loadErrorTexts = (): Promise<Partial<typeof import('../messages/errors.ts')>> =>
  import('../messages/errors.ts').catch(() => ({}));

if (globalThis.HTMLElement) reflectAttributes(WaybillDropzone.prototype);
