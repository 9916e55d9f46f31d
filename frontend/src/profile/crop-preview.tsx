import { type KeyboardEvent, type PointerEvent, useEffect, useId, useRef } from "react";
import { type Crop, moved } from "./crop.ts";
import { draw } from "./picture.ts";

type Properties = Readonly<{
  picture: ImageBitmap;
  crop: Crop;
  onCrop: (crop: Crop) => void;
}>;

const PIXELS = 288; // Width and height of the canvas, which is never shown larger.
const STEP = 16; // Pixels of the canvas by which an arrow key moves the picture.
const LARGEST_ZOOM = 4;

/** The part of a picture that becomes the avatar: drag it, or use the arrow keys and the slider. */
export function CropPreview({ picture, crop, onCrop }: Properties) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const id = useId();
  const zoom = Math.min(picture.width, picture.height) / crop.side;
  useEffect(() => {
    if (canvas.current) {
      draw(canvas.current, picture, crop);
    }
  }, [picture, crop]);
  const move = (dx: number, dy: number) => {
    const scale = crop.side / (canvas.current?.clientWidth || PIXELS);
    onCrop(moved(picture, crop, zoom, dx * scale, dy * scale));
  };
  const drag = (event: PointerEvent) => {
    if (event.currentTarget.hasPointerCapture(event.pointerId)) {
      move(-event.movementX, -event.movementY);
    }
  };
  const press = (event: KeyboardEvent) => {
    const steps: Record<string, [number, number]> = {
      ArrowLeft: [-STEP, 0],
      ArrowRight: [STEP, 0],
      ArrowUp: [0, -STEP],
      ArrowDown: [0, STEP],
    };
    const step = steps[event.key];
    if (step) {
      event.preventDefault();
      move(...step);
    }
  };
  return (
    <div className="crop">
      <div
        className="crop-area"
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: The arrow keys move the picture.
        tabIndex={0}
        aria-label="Part of the picture, move it with the arrow keys"
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={drag}
        onKeyDown={press}
      >
        <canvas ref={canvas} width={PIXELS} height={PIXELS} />
      </div>
      <label htmlFor={id}>Zoom</label>
      <input
        id={id}
        type="range"
        min={1}
        max={LARGEST_ZOOM}
        step={0.05}
        value={zoom}
        onChange={(event) => onCrop(moved(picture, crop, Number(event.target.value), 0, 0))}
      />
    </div>
  );
}
