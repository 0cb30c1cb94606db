/* The body of a request that does not come in one piece. */
#include "http/body.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int fd, const uint8_t *data, size_t size) {
    while (size > 0) {
        ssize_t count = write(fd, data, size);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return false;
        }
        data += count;
        size -= (size_t)count;
    }
    return true;
}

/* A file that has no name, for this user alone. -1 = there can be none. */
static int open_spool(const char *folder) {
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)) {
        return fd;
    }
    char name[4096]; /* A file system without O_TMPFILE. */
    int size = snprintf(name, sizeof name, "%s/pie-body-XXXXXX", folder);
    if (size < 0 || (size_t)size >= sizeof name) {
        return -1;
    }
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0) {
        unlink(name);
    }
    return fd;
}

/* Moves the body from memory to a file, once it is too large for that. */
static bool spool(const HttpObject *server, Body *body) {
    if (body->file < 0) {
        if (body->memory.size <= server->memory_limit) {
            return true;
        }
        body->file = open_spool(server->spool_folder);
        if (body->file < 0) {
            return false;
        }
    }
    bool written = write_all(body->file, body->memory.data, body->memory.size);
    buffer_reset(&body->memory, 0);
    return written;
}

static BodyState take_counted(Partial *partial, const uint8_t *data, size_t size, size_t *taken,
                              HttpProblem *problem) {
    uint64_t left = (uint64_t)partial->head.content_length - partial->body.size;
    *taken = size < left ? size : (size_t)left;
    if (*taken > 0 && buffer_add(&partial->body.memory, data, *taken) < 0) {
        *problem = (HttpProblem){503, "there is no memory for the body"};
        return BODY_BAD;
    }
    return *taken == left ? BODY_WHOLE : BODY_MORE;
}

static BodyState take_chunks(const HttpObject *server, Partial *partial, const uint8_t *data,
                             size_t size, size_t *taken, HttpProblem *problem) {
    switch (chunks_read(&partial->chunks, data, size, taken, &partial->body.memory,
                        server->body_limit, problem)) {
    case CHUNKS_DONE:
        return BODY_WHOLE;
    case CHUNKS_MORE:
        return BODY_MORE;
    default:
        return BODY_BAD;
    }
}

BodyState body_take(HttpObject *server, Partial *partial, const uint8_t *data, size_t size,
                    size_t *taken, HttpProblem *problem) {
    Body *body = &partial->body;
    size_t before = body->memory.size;
    BodyState state = partial->head.chunked
                          ? take_chunks(server, partial, data, size, taken, problem)
                          : take_counted(partial, data, size, taken, problem);
    body->size += body->memory.size - before;
    if (state != BODY_BAD && !spool(server, body)) {
        *problem = (HttpProblem){503, "the body cannot be stored: no room, or no descriptor"};
        state = BODY_BAD;
    }
    return state;
}

void body_drop(Body *body) {
    buffer_free(&body->memory);
    if (body->file >= 0) {
        close(body->file);
    }
    body->file = -1;
}
