const SIDE_MAX = 1600;

/** The text of the QR code in a picture; null when none is found. The picture stays in the browser. */
export async function readQr(picture: Blob): Promise<string | null> {
  const { default: jsQR } = await import("jsqr");
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(picture);
  } catch {
    return null; // No picture at all.
  }
  // Cameras make pictures that are larger than any code needs.
  const scale = Math.min(1, SIDE_MAX / Math.max(bitmap.width, bitmap.height));
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale)));
  const drawing = canvas.getContext("2d")!;
  drawing.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const pixels = drawing.getImageData(0, 0, canvas.width, canvas.height);
  return jsQR(pixels.data, pixels.width, pixels.height)?.data ?? null;
}
