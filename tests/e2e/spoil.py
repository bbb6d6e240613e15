# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""spoil.py PROGRAM SECTION COPY: copies a program that carries BPF objects, packed by gzip -9n, with one fault
in each of them: the first move between registers in SECTION takes a register that nothing was written to, which
every verifier refuses."""
import struct
import sys
import zlib

GZIP = bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 3))
COMMENTED = bytes((0x1F, 0x8B, 8, 16, 0, 0, 0, 0, 2, 3))
EM_BPF = 247
MOV64_X = 0xBF
NEVER_WRITTEN = 9


def sections(image):
    """Name, offset and size of each section of an ELF file."""
    table, = struct.unpack_from("<Q", image, 40)
    entry, count, names = struct.unpack_from("<HHH", image, 58)
    headers = [struct.unpack_from("<IIQQQQ", image, table + i * entry) for i in range(count)]
    strings = headers[names][4]
    for name, _, _, _, offset, size in headers:
        begin = strings + name
        yield image[begin : image.index(b"\0", begin)].decode(), offset, size


def objects(program):
    """Where each object is in the program, how long there, and what it is unpacked."""
    at = program.find(GZIP)
    while at >= 0:
        unpacked = zlib.decompressobj(wbits=31)
        image = bytearray(unpacked.decompress(bytes(program[at:])))
        if image[:4] == b"\x7fELF" and struct.unpack_from("<H", image, 18) == (EM_BPF,):
            yield at, len(program) - at - len(unpacked.unused_data), image
        at = program.find(GZIP, at + 1)


def packed(image, size):
    """An object in so many bytes, which a comment fills."""
    ways = [zlib.compressobj(9, zlib.DEFLATED, -15, memory) for memory in range(5, 10)]
    body = min((way.compress(bytes(image)) + way.flush() for way in ways), key=len) + struct.pack("<II", zlib.crc32(image), len(image))
    comment = size - len(COMMENTED) - 1 - len(body)
    if comment < 0:
        sys.exit("an object is no longer of the size that it had")
    return COMMENTED + b" " * comment + b"\0" + body


def spoil(program, section):
    spoiled = 0
    for start, packed_size, image in objects(program):
        for name, offset, size in sections(image):
            if name != section:
                continue
            move = next(at for at in range(offset, offset + size, 8) if image[at] == MOV64_X)
            image[move + 1] = image[move + 1] & 0x0F | NEVER_WRITTEN << 4
            program[start : start + packed_size] = packed(image, packed_size)
            spoiled += 1
    return spoiled


program, section, copy = sys.argv[1:]
with open(program, "rb") as file:
    image = bytearray(file.read())
if not spoil(image, section):
    sys.exit(f"{program} has no section {section}")
with open(copy, "wb") as file:
    file.write(image)
