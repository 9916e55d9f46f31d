import { expect, it } from "vitest";
import { largestCrop, moved } from "./crop.ts";

const SIZE = { width: 400, height: 200 };

it("begins with the largest square in the middle", () => {
  expect(largestCrop(SIZE)).toEqual({ x: 200, y: 100, side: 200 });
});

it("stays within the picture", () => {
  const crop = largestCrop(SIZE);

  expect(moved(SIZE, crop, 1, 1000, 1000)).toEqual({ x: 300, y: 100, side: 200 });
  expect(moved(SIZE, crop, 1, -1000, -1000)).toEqual({ x: 100, y: 100, side: 200 });
});

it("becomes smaller with the zoom, and can then move in both directions", () => {
  expect(moved(SIZE, largestCrop(SIZE), 2, -20, 30)).toEqual({ x: 180, y: 130, side: 100 });
});
