"""Sticky draws: a number in [0, 1) that depends on a key alone: the same key draws the same.

Algorithm: the CRC-32 of the key with a salt in front of it, mixed by the finaliser of SplitMix64
(Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). CRC-32 alone would
not do: keys that differ in a few bits draw numbers that differ in a few bits, whatever the salt.
Draws of one key under two salts are independent.
"""

from typing import Final
from zlib import crc32

_MASK: Final = (1 << 64) - 1
_UNIT: Final = 2.0**-53


def number_of(key: str) -> int:
    """A key as the number, below 2^32, that ``draw`` takes."""
    return crc32(key.encode("utf-8", "surrogatepass"))


def draw(number: int, salt: int) -> float:
    """What a key draws under a salt; both are numbers of ``number_of``."""
    mixed = ((salt << 32 | number) + 0x9E3779B97F4A7C15) & _MASK
    mixed = ((mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ mixed >> 27) * 0x94D049BB133111EB) & _MASK
    return ((mixed ^ mixed >> 31) >> 11) * _UNIT
