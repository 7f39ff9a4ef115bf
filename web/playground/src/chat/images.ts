// Models look at no more than this, and a request has a limit.
const longestSide = 1568;
const smallEnough = 300_000;

/** Pictures as data: addresses, made smaller where that loses nothing that a model sees. */
export async function readImages(files: Iterable<File>): Promise<string[]> {
  const images: string[] = [];
  for (const file of files) if (file.type.startsWith('image/')) images.push(await readImage(file));
  return images;
}

async function readImage(file: File): Promise<string> {
  const known = ['image/png', 'image/jpeg', 'image/webp', 'image/gif'].includes(file.type);
  const picture = await createImageBitmap(file).catch(() => undefined);
  if (!picture) throw new Error(`${file.name || 'That'} is not a picture that this browser can read.`);
  const scale = Math.min(1, longestSide / Math.max(picture.width, picture.height));
  if (known && scale === 1 && file.size <= smallEnough) return address(file);
  const canvas = Object.assign(document.createElement('canvas'), { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
  canvas.getContext('2d')!.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const blob = await new Promise<Blob | null>(resolve => canvas.toBlob(resolve, file.type === 'image/png' && file.size < smallEnough ? 'image/png' : 'image/jpeg', 0.9));
  return blob ? address(blob) : address(file);
}

function address(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(reader.error as Error);
    reader.readAsDataURL(blob);
  });
}
