import type { Crop } from "./crop.ts";

export const ACCEPTED_TYPES = ["image/jpeg", "image/png", "image/webp"] as const;
/** Above this size a browser may need seconds to decode a picture. */
const MAX_FILE_BYTES = 20 * 1024 * 1024;
/** The side of an uploaded avatar, in pixels: that of the thumbnail, lambdas/thumbnail/picture.py. */
const AVATAR_PIXELS = 512;
const QUALITY = 0.9;

/** A file cannot be used as an avatar; the message is for the user. */
export class PictureError extends Error {}

/** Decode the file of a picture, rotated by its EXIF orientation. Throw PictureError. */
export async function decode(file: File): Promise<ImageBitmap> {
  if (!(ACCEPTED_TYPES as readonly string[]).includes(file.type)) {
    throw new PictureError("Choose a JPEG, PNG or WebP picture.");
  }
  if (file.size > MAX_FILE_BYTES) {
    throw new PictureError("This picture is too large: it may have at most 20 MB.");
  }
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new PictureError("This picture cannot be read. Choose another one.");
  }
}

export function draw(canvas: HTMLCanvasElement, picture: ImageBitmap, crop: Crop): void {
  const context = canvas.getContext("2d");
  if (!context) {
    return;
  }
  const { width: side } = canvas;
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#fff"; // JPEG has no transparency.
  context.fillRect(0, 0, side, side);
  const [left, top] = [crop.x - crop.side / 2, crop.y - crop.side / 2];
  context.drawImage(picture, left, top, crop.side, crop.side, 0, 0, side, side);
}

/** Return the cropped picture as a JPEG, without the metadata of the original. */
export async function encode(picture: ImageBitmap, crop: Crop): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = AVATAR_PIXELS;
  draw(canvas, picture, crop);
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new PictureError("This picture cannot be saved."))),
      "image/jpeg",
      QUALITY,
    );
  });
}
