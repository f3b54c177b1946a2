/** In the just-in-time mode of Angular, because the tests have no compiler of its own. */
import '@angular/compiler';
import { Component, Directive, provideZonelessChangeDetection, type Type } from '@angular/core';
import { createApplication } from '@angular/platform-browser';
import { injectDropzone, injectRoute, injectUpload, injectUploads } from '../../../src/angular/index.ts';
import { client, firstFile, otherFile, picked, type Scene, startPage, titled } from './page.ts';

const one = (abortOnUnmount: boolean): Type<unknown> =>
  Component({
    selector: 'one-note',
    template: `
      <input id="file" type="file" [attr.accept]="route.accept()" (change)="choose($event)" />
      <output>{{ note.upload()?.status ?? 'idle' }}</output>
      <p role="alert">{{ note.upload()?.error?.code }}</p>
      <data>{{ note.upload()?.data?.title }}</data>
      <button type="button" id="twice" (click)="startTwice()"></button>
      <button type="button" id="other" (click)="startOther()"></button>
      <button type="button" id="pause" (click)="note.pause()"></button>
      <button type="button" id="resume" (click)="note.resume()"></button>
      <button type="button" id="abort" (click)="note.abort()"></button>
      <button type="button" id="retry" (click)="note.retry()"></button>
      <button type="button" id="reset" (click)="note.reset()"></button>`,
  })(
    class {
      note = injectUpload(client, 'notes', { abortOnUnmount });
      route = injectRoute(client, 'notes');
      choose(event: Event) {
        this.note.start(firstFile(event), titled('chosen'));
      }
      startOther() {
        this.note.start(picked, titled('a'));
        this.note.start(otherFile(), titled('b'));
      }
      startTwice() {
        this.note.start(picked, titled('a'));
        this.note.start(picked, titled('a'));
      }
    },
  );

const PhotoDrop = Directive({ selector: '[photoDrop]', exportAs: 'photoDrop' })(
  class {
    photos = injectUploads(client, 'photos');
    dropzone = injectDropzone(client, 'photos', { onFiles: (files) => this.photos.start(files) });
  },
);

const Many = Component({
  selector: 'many-photos',
  imports: [PhotoDrop],
  template: `
    <div id="zone" photoDrop #drop="photoDrop">
      <span>Drop photos here</span>
      <button type="button" id="inner">Another button</button>
    </div>
    <button type="button" id="folder" (click)="drop.dropzone.openFolder()"></button>
    <output>{{ drop.dropzone.isDragging() ? 'dragging' : drop.dropzone.isReading() ? 'reading' : 'idle' }}</output>
    <ul>
      @for (upload of drop.photos.uploads(); track upload.id) {
        <li>{{ upload.fileName }} {{ upload.status }}<button type="button" (click)="drop.photos.remove(upload.id)"></button></li>
      }
    </ul>
    <ol>
      @for (rejection of drop.dropzone.rejections(); track rejection.relativePath) {
        <li>{{ rejection.relativePath }} {{ rejection.error.code }}</li>
      }
    </ol>`,
})(class {});

const componentOf = (scene: Scene) => (scene === 'many' ? Many : one(scene === 'aborting'));

startPage((element, scene) => {
  const host = element.appendChild(document.createElement('div'));
  const starting = createApplication({ providers: [provideZonelessChangeDetection()] });
  starting.then((app) => app.bootstrap(componentOf(scene), host));
  return () => void starting.then((app) => app.destroy());
});
