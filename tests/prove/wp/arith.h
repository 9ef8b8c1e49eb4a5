/* SPDX-License-Identifier: MIT */
/*
 * What WP is told of arithmetic that it does not know: it reads conversions as functions of integers that it has only
 * the range of, and bit operations as ones that it has a few laws of. Each axiom here is one of C, and
 * arith.smt2 proves it of words of 64 bits: tests/prove/wp/run looks whether each name is there, and is proved.
 */
#ifndef PROVE_WP_ARITH_H
#define PROVE_WP_ARITH_H

#include <stddef.h>
#include <stdint.h>

/*@ axiomatic Sizes {
        // A power of two, 1 to 32768. That it is one is said by the axioms that need it.
        predicate is_size(integer size);
        axiom size_bounds: \forall integer size; is_size(size) ==> 1 <= size <= 32768;
        axiom xor_within: \forall integer x, y, mask; is_size(mask + 1) && 0 <= x <= mask && 0 <= y <= mask ==>
            0 <= (x ^ y) <= mask;
    }

    axiomatic Conversions {
        axiom low16: \forall integer x; 0 <= x ==> (uint16_t)x == x % 65536;
        axiom low16_negative: \forall integer x; -65536 <= x < 0 ==> (uint16_t)x == x + 65536;
        axiom low32: \forall integer x; 0 <= x < 0x200000000 ==>
            (uint32_t)x == (x >= 0x100000000 ? x - 0x100000000 : x);
        axiom low32_negative: \forall integer x; -0x100000000 <= x < 0 ==> (uint32_t)x == x + 0x100000000;
    }

    axiomatic Masks {
        axiom and_is_less: \forall integer x, y; 0 <= x && 0 <= y ==> 0 <= (x & y) <= x && (x & y) <= y;
        axiom high_half: \forall integer x; 0 <= x ==> (x >> 16) == x / 65536;
        axiom rounded: \forall integer x, y, low; 0 <= x && (low == 63 || low == 4095) && y == (size_t)~low ==>
            (x & y) == (low == 63 ? x - x % 64 : x - x % 4096);
        axiom rounded_swapped: \forall integer x, y, low;
            0 <= y && (low == 63 || low == 4095) && x == (size_t)~low ==>
            (x & y) == (low == 63 ? y - y % 64 : y - y % 4096);
        axiom rounded_64: \forall integer x; 0 <= x ==> (x & (size_t)~(size_t)63) == x - x % 64;
        axiom low_of_pair: \forall integer x, y; 0 <= x <= 0x7fff && 0 <= y <= 0xffff ==>
            (((uint32_t)x | (uint32_t)(y << 16)) & 0x7fff) == x;
        axiom high_of_pair: \forall integer x, y; 0 <= x <= 0x7fff && 0 <= y <= 0x7fff ==>
            (((uint32_t)x | (uint32_t)(y << 16)) >> 16 & 0x7fff) == y;
        axiom pair_is_small: \forall integer x, y; 0 <= x <= 0x7fff && 0 <= y <= 0x7fff ==>
            ((uint32_t)x | (uint32_t)(y << 16)) < 0x80000000;
    }
*/

#endif
