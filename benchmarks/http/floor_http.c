/* HTTP/1.1 for the floor.

   floor TEXT

   Every GET is answered with the text. */
#define _GNU_SOURCE
#include "floor.h"

#include <stdio.h>
#include <string.h>

enum { MOST = 64 << 10 };

static char reply[4096];
static size_t reply_size;

void prepare(int count, char **arguments)
{
    const char *text = count > 0 ? arguments[0] : "";
    int size = snprintf(reply, sizeof reply,
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                        "\r\n%s", strlen(text), text);
    if (size >= (int)sizeof reply)
        die("the text is too long");
    reply_size = (size_t)size;
}

long answer(const unsigned char *data, size_t have, struct buffer *out)
{
    const unsigned char *end = memmem(data, have, "\r\n\r\n", 4);
    if (!end)
        return have > MOST ? -1 : 0;
    if (memcmp(data, "GET ", 4))
        return -1;
    add(out, reply, reply_size);
    return end + 4 - data;
}
