/* Classes of octets. */
#include "http/octets.h"

#define T OCTET_TOKEN
#define V OCTET_VALUE
#define U (OCTET_PATH | OCTET_QUERY) /* of a URL */
#define H OCTET_HOST
#define X OCTET_HEX

/* Of a name, a value and a URL: */
#define WORD (T | V | U | H)     /* what all of them have */
#define DIGIT (WORD | X | OCTET_DIGIT)
#define HEX (WORD | X)
#define MARK (T | V | U)         /* but no host */
#define DELIM (V | U | H)        /* but no token */
#define OTHER (V | U)
#define PERCENT (MARK | OCTET_CODED)
#define HIGH (OTHER | OCTET_CODED)

const uint8_t octets[256] = {
    ['\t'] = V,
    [' '] = V,
    ['!'] = WORD,
    ['"'] = OTHER,
    ['#'] = T | V,
    ['$'] = WORD,
    ['%'] = PERCENT,
    ['&' ... '\''] = WORD,
    ['(' ... ')'] = DELIM,
    ['*' ... '+'] = WORD,
    [','] = OTHER,
    ['-' ... '.'] = WORD,
    ['/'] = OTHER,
    ['0' ... '9'] = DIGIT,
    [':'] = OTHER,
    [';'] = DELIM,
    ['<'] = OTHER,
    ['='] = DELIM,
    ['>'] = OTHER,
    ['?'] = V | OCTET_QUERY,
    ['@'] = OTHER,
    ['A' ... 'F'] = HEX,
    ['G' ... 'Z'] = WORD,
    ['[' ... ']'] = OTHER,
    ['^'] = MARK,
    ['_'] = WORD,
    ['`'] = MARK,
    ['a' ... 'f'] = HEX,
    ['g' ... 'z'] = WORD,
    ['{'] = OTHER,
    ['|'] = MARK,
    ['}'] = OTHER,
    ['~'] = WORD,
    [0x80 ... 0xff] = HIGH,
};
