/** A square of a picture: its centre and its side, in pixels of the picture. */
export type Crop = Readonly<{ x: number; y: number; side: number }>;
export type Size = Readonly<{ width: number; height: number }>;

/** Return the largest square in the middle of a picture. */
export function largestCrop({ width, height }: Size): Crop {
  return { x: width / 2, y: height / 2, side: Math.min(width, height) };
}

/** Return a crop that is `zoom` times smaller than the largest one, moved by dx and dy pixels. */
export function moved(size: Size, crop: Crop, zoom: number, dx: number, dy: number): Crop {
  const side = Math.min(size.width, size.height) / zoom;
  return {
    x: clamped(crop.x + dx, side / 2, size.width - side / 2),
    y: clamped(crop.y + dy, side / 2, size.height - side / 2),
    side,
  };
}

function clamped(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
