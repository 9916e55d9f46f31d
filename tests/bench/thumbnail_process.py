"""The commands that bench_thumbnail.py runs in processes of their own."""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "lambdas"))

from thumbnail.picture import Rejected, picture, square

SIDES = {"12 Mpx": 3464, "3 Mpx": 1732}  # Of pictures that are not cropped.


def measure(times: str, *names: str) -> None:
    """Print the mean processor seconds of a picture."""
    files = [Path(name).read_bytes() for name in names]
    if int(times) > 1:
        picture(files[0])  # So that imports and caches are not measured.
    started = time.process_time()
    for _ in range(int(times)):
        for file in files:
            picture(file)
    print((time.process_time() - started) / int(times) / len(files))


def error(name: str) -> None:
    """Print the errors of our picture and of *name*.png, relative to Lanczos in floating point."""
    from PIL import Image

    with Image.open(name) as image, Image.open(f"{name}.png") as peer:
        exact = [band.convert("F") for band in image.split()]
        expected = [band.resize((512, 512), Image.Resampling.LANCZOS).tobytes() for band in exact]
        for actual in (square(Path(name).read_bytes()), peer.convert("RGB")):
            print(_root_mean_square(expected, [band.tobytes() for band in actual.split()]))


def _root_mean_square(expected: list[bytes], actual: list[bytes]) -> float:
    total = number = 0.0
    for reals, integers in zip(expected, actual, strict=True):
        for real, integer in zip(memoryview(reals).cast("f"), integers, strict=True):
            total += (min(max(real, 0), 255) - integer) ** 2
        number += len(integers)
    return (total / number) ** 0.5


def refuse(name: str) -> None:
    """Print the reason why a picture is rejected."""
    try:
        picture(Path(name).read_bytes())
    except Rejected as reason:
        print(reason)
    else:
        print("accepted")


def convert(home: str, *names: str) -> None:
    """Print the paths of the photographs *names* as PNG; convert those that are missing."""
    from PIL import Image

    for number, name in enumerate(names):
        file = Path(home, f"photograph {number}.png")
        if not file.exists():
            Image.open(name).convert("RGB").save(file)
        print(file)


def generate(home: str) -> None:
    """Print the paths of the generated pictures by kind; generate them if they are missing."""
    import json
    import random

    folder, index = Path(home), Path(home, "index.json")
    if not index.exists():
        folder.mkdir(parents=True, exist_ok=True)
        paths: dict[str, list[str]] = {}
        for kind, file in _files(random.Random(1)):
            paths.setdefault(kind, []).append(str(folder / f"{kind} {len(paths.get(kind, []))}"))
            Path(paths[kind][-1]).write_bytes(file)
        index.write_text(json.dumps(paths))
    print(index.read_text())


def _files(chance):
    from PIL import Image

    from tests.lambdas.thumbnail import pictures

    for _ in range(4):
        photo = _photo((2000, 1500), chance)
        yield "3 Mpx WebP", pictures.encoded(photo, "WEBP", method=1)
        photo.putalpha(Image.linear_gradient("L").resize(photo.size))
        yield "3 Mpx PNG", pictures.encoded(photo, compress_level=3)
    for name, side in SIDES.items():
        square = _photo((side, side), chance)
        yield f"{name} JPEG, square", pictures.encoded(square, "JPEG", quality=88)
    yield "bomb, PNG", pictures.blank_png(30000, 30000)
    large = Image.new("L", (30000, 30000))
    yield "bomb, baseline JPEG", pictures.encoded(large, "JPEG", quality=20, optimize=True)
    yield "bomb, progressive JPEG", pictures.encoded(large, "JPEG", quality=20, progressive=True)
    yield "bomb, WebP", pictures.webp_with_canvas(13000, 13000)


def _photo(size, chance):
    """Return a picture like a photograph: soft and fine shapes, and the noise of a sensor."""
    from PIL import Image

    layers = [
        (Image.frombytes("RGB", (side, side), chance.randbytes(3 * side * side)), part)
        for side, part in ((4, 1.0), (16, 0.4), (64, 0.25), (256, 0.15), (1024, 0.1))
    ]
    layers.append((Image.frombytes("RGB", size, chance.randbytes(3 * size[0] * size[1])), 0.06))
    photo = Image.new("RGB", size)
    for layer, part in layers:
        photo = Image.blend(photo, layer.resize(size, Image.Resampling.BICUBIC), part)
    return photo


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    command, *arguments = sys.argv[1:]
    {"time": measure, "error": error, "refuse": refuse, "convert": convert, "generate": generate}[
        command
    ](*arguments)
