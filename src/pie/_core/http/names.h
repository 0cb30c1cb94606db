/* Names of fields that many requests have, by number. No GIL. */
#ifndef PIE_NAMES_H
#define PIE_NAMES_H

#include "base/core.h"

enum {
    FIELD_OTHER,
    /* What reading a head looks at: */
    FIELD_HOST,
    FIELD_CONTENT_LENGTH,
    FIELD_TRANSFER_ENCODING,
    FIELD_CONNECTION,
    FIELD_EXPECT,
    FIELD_UPGRADE,
    FIELD_LAST_READ = FIELD_UPGRADE,
    /* What has a meaning for an environ: */
    FIELD_CONTENT_TYPE,
    FIELD_COOKIE,
    FIELD_X_FORWARDED_FOR,
    FIELD_X_FORWARDED_PROTO,
    FIELD_X_FORWARDED_HOST,
    FIELD_X_FORWARDED_PREFIX,
    FIELD_NAMED, /* The others are in names.c alone. */
    FIELD_COUNT = FIELD_NAMED + 53
};

/* The number of a name, in whatever case. */
uint8_t names_find(const uint8_t *name, size_t size);

/* The name in lower case: letters, digits and "-". */
const char *names_text(uint8_t number);

/* Must run once, before the first look-up. */
void names_init(void);

#endif
