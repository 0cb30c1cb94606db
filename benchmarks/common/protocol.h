/* What the load generator asks of a protocol: where a reply ends, and whether it is the right one.
   load.c is linked with one file that has the functions declared here. */
#ifndef PIE_BENCH_PROTOCOL_H
#define PIE_BENCH_PROTOCOL_H

#include "histogram.h"

#include <stddef.h>

struct kind { /* of call */
    unsigned char *request;
    size_t request_size;
    size_t reply_size; /* of what a right reply contains; 0: any */
    char name[64];
    int closes; /* the protocol saw that the server is to close after its reply */
    long weight, credit;
    struct histogram latency;
};

struct connection {
    int fd;      /* -1: lost */
    int blocked; /* the rest of the call waits for room in the socket */
    struct kind *kind;
    uint64_t started; /* 0: no call in flight */
    uint64_t replies; /* while it is measured */
    size_t sent, got, room;
    unsigned char *in;
    size_t reply_end; /* bytes of the whole reply; 0: not known yet */
    size_t head, scanned, content; /* the protocol's own, 0 when a call starts */
    int closes;                    /* as in struct kind, or because the reply says so */
};

/* Whether an idle connection makes one call before it is idle, as a client's does. */
extern const int IDLE_CALLS_FIRST;

/* Name a kind of call by its request. Returns what is wrong with the request; NULL: nothing. */
const char *name_kind(struct kind *kind);

/* Bytes of the reply, of which `got` are here; 0 while too few are here to tell, -1 for what is no
   reply. */
long find_reply_end(struct connection *peer);

/* Call note_error for a whole reply that is not the right one. */
void check_reply(const struct connection *peer);

void note_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
