"""Bytes that Pillow and torchvision make of images, for tests/folder.rs.

    python resize.py > resize.txt

A line is `NAME HEIGHT WIDTH: bytes`. Pixel k of an image of n bytes is (k² · 7 + k · 13) mod 251.
"""

from PIL import Image
from torchvision import transforms


def image(height, width):
    values = bytes((k * k * 7 + k * 13) % 251 for k in range(height * width * 3))
    return Image.frombytes("RGB", (width, height), values)


for height, width, resize, crop in [
    (9, 7, 4, 4), (7, 9, 4, 3), (5, 12, 8, 5), (6, 6, 6, 6), (33, 20, 3, 1), (4, 5, 11, 8), (8, 8, 5, 2),
    (2, 1, 3, 2),
]:
    result = transforms.CenterCrop(crop)(transforms.Resize(resize)(image(height, width)))
    print(f"{height} {width} {resize} {crop}: {' '.join(map(str, result.tobytes()))}")
