# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""spoil.py PROGRAM SECTION COPY: copies a program that carries BPF objects, with one fault in each of
them: the first move between registers in SECTION takes a register that nothing was written to, which
every verifier refuses."""
import struct
import sys

EM_BPF = 247
MOV64_X = 0xBF
NEVER_WRITTEN = 9


def sections(image, start):
    """Name, offset in the image and size of each section of the ELF file at start."""
    table, = struct.unpack_from("<Q", image, start + 40)
    entry, count, names = struct.unpack_from("<HHH", image, start + 58)
    headers = [struct.unpack_from("<IIQQQQ", image, start + table + i * entry) for i in range(count)]
    strings = start + headers[names][4]
    for name, _, _, _, offset, size in headers:
        begin = strings + name
        yield image[begin : image.index(b"\0", begin)].decode(), start + offset, size


def objects(image):
    at = image.find(b"\x7fELF\x02\x01", 1)
    while at >= 0:
        if struct.unpack_from("<H", image, at + 18) == (EM_BPF,):
            yield at
        at = image.find(b"\x7fELF\x02\x01", at + 1)


def spoil(image, section):
    spoiled = 0
    for start in objects(image):
        for name, offset, size in sections(image, start):
            if name != section:
                continue
            move = next(at for at in range(offset, offset + size, 8) if image[at] == MOV64_X)
            image[move + 1] = image[move + 1] & 0x0F | NEVER_WRITTEN << 4
            spoiled += 1
    return spoiled


program, section, copy = sys.argv[1:]
with open(program, "rb") as file:
    image = bytearray(file.read())
if not spoil(image, section):
    sys.exit(f"{program} has no section {section}")
with open(copy, "wb") as file:
    file.write(image)
