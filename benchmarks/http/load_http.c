/* HTTP/1.1 for the load generator: requests in files, one at a time on a connection that is kept as
   long as the server keeps it. Every reply is checked: status 200, and the length of its content,
   which Content-Length or chunks have to say: a content that ends with its connection is refused. */
#define _GNU_SOURCE
#include "protocol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_HEAD = 64 << 10, MAX_DIGITS = 15 };
static const size_t MAX_CONTENT = 1ull << 30, NO_LENGTH = (size_t)-1, CHUNKED = (size_t)-2;

const int IDLE_CALLS_FIRST = 1;

const char *name_kind(struct kind *kind)
{
    const char *text = (const char *)kind->request, *end = text + kind->request_size;
    const char *target = memchr(text, ' ', kind->request_size);
    const char *behind = target ? memchr(target + 1, ' ', (size_t)(end - target - 1)) : NULL;
    if (!behind || !memmem(text, kind->request_size, "\r\n\r\n", 4))
        return "is not one request of HTTP/1.1";
    snprintf(kind->name, sizeof kind->name, "%.*s", (int)(behind - text), text);
    kind->closes = memmem(text, kind->request_size, "\r\nConnection: close\r\n", 21) != NULL;
    return NULL;
}

/* A number in decimal or hexadecimal, and nothing else up to `end` but what follows a ';'. */
static size_t read_number(const char *at, const char *end, int base)
{
    char text[MAX_DIGITS + 1], *stop;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    size_t size = strcspn(at, ";\r\n \t");
    if (at + size > end || size == 0 || size > MAX_DIGITS)
        return NO_LENGTH;
    memcpy(text, at, size);
    text[size] = 0;
    unsigned long long value = strtoull(text, &stop, base);
    return *stop || text[0] == '-' || text[0] == '+' ? NO_LENGTH : (size_t)value;
}

static int holds(const char *at, const char *end, const char *word)
{
    size_t size = strlen(word);
    for (; at + size <= end; at++)
        if (!strncasecmp(at, word, size))
            return 1;
    return 0;
}

/* Read the head's lines; returns the length of the content, NO_LENGTH or CHUNKED. */
static size_t read_head(struct connection *peer)
{
    const char *text = (const char *)peer->in, *last = text + peer->head - 2;
    const char *line = memchr(text, '\n', peer->head);
    size_t length = NO_LENGTH;
    peer->closes = peer->kind->closes || !memcmp(text, "HTTP/1.0", 8);
    while (line && ++line < last) {
        const char *end = memchr(line, '\n', (size_t)(last - line));
        if (!end)
            break;
        if (!strncasecmp(line, "content-length:", 15))
            length = read_number(line + 15, end, 10);
        else if (!strncasecmp(line, "transfer-encoding:", 18))
            length = holds(line + 18, end, "chunked") ? CHUNKED : NO_LENGTH;
        else if (!strncasecmp(line, "connection:", 11))
            peer->closes = peer->kind->closes || holds(line + 11, end, "close") ||
                           (peer->closes && !holds(line + 11, end, "keep-alive"));
        line = end;
    }
    return length;
}

/* Go on through the chunks, from peer->scanned, as far as they are here. */
static long find_last_chunk(struct connection *peer)
{
    for (;;) {
        const char *text = (const char *)peer->in, *at = text + peer->scanned;
        if (peer->scanned >= peer->got)
            return 0;
        const char *end = memchr(at, '\n', peer->got - peer->scanned);
        if (!end)
            return peer->got - peer->scanned > MAX_HEAD ? -1 : 0;
        size_t size = read_number(at, end, 16), line = (size_t)(end + 1 - at);
        if (size > MAX_CONTENT)
            return -1;
        if (size == 0) { /* No server here sends trailers. */
            if (peer->got < peer->scanned + line + 2)
                return 0;
            return memcmp(end + 1, "\r\n", 2) ? -1 : (long)(peer->scanned + line + 2);
        }
        peer->content += size;
        peer->scanned += line + size + 2;
    }
}

long find_reply_end(struct connection *peer)
{
    if (!peer->head) {
        size_t from = peer->scanned > 3 ? peer->scanned - 3 : 0;
        const unsigned char *end = memmem(peer->in + from, peer->got - from, "\r\n\r\n", 4);
        peer->scanned = peer->got;
        if (!end)
            return peer->got > MAX_HEAD ? -1 : 0;
        peer->head = peer->scanned = (size_t)(end + 4 - peer->in);
        if (peer->head < 16 || memcmp(peer->in, "HTTP/1.", 7))
            return -1;
        peer->content = read_head(peer);
        if (peer->content == CHUNKED)
            peer->content = 0;
        else
            return peer->content > MAX_CONTENT ? -1 : (long)(peer->head + peer->content);
    }
    return find_last_chunk(peer);
}

void check_reply(const struct connection *peer)
{
    const struct kind *kind = peer->kind;
    const char *content = (const char *)peer->in + peer->head;
    if (memcmp(peer->in + 8, " 200 ", 5))
        note_error("%s: %.*s: %.*s", kind->name, 4, (const char *)peer->in + 9,
                   peer->content < 100 ? (int)peer->content : 100, content);
    else if (kind->reply_size && peer->content != kind->reply_size)
        note_error("%s: a content of %zu bytes, %zu are right", kind->name, peer->content,
                   kind->reply_size);
}
