import { createClient } from '/waybill/client/index.js';

const client = createClient({ endpoint: '/uploads' });
const list = document.querySelector('#photos');

function show({ url, fileName }) {
  const image = new Image();
  image.src = url;
  image.alt = fileName;
  return image;
}

function send(file) {
  const row = document.createElement('div');
  const bar = document.createElement('progress');
  const text = document.createElement('p');
  row.append(bar, text);
  list.prepend(row);

  const upload = client.upload('photo', file);
  upload.subscribe(() => {
    const { status, loaded, total, secondsLeft } = upload.getSnapshot();
    bar.max = total;
    bar.value = loaded;
    text.textContent = `${file.name}: ${status}${secondsLeft === null ? '' : `, ${Math.ceil(secondsLeft)} s left`}`;
  });
  upload.done.then(
    ({ file }) => row.replaceChildren(show(file)),
    (error) => row.replaceChildren(`${file.name}: ${error.message}`),
  );
}

document.querySelector('#files').addEventListener('change', ({ target }) => {
  for (const file of target.files) send(file);
  target.value = '';
});

const earlier = await fetch('/photos');
list.append(...(await earlier.json()).map(show));
