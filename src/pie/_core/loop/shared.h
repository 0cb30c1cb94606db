/* What the threads of a loop share: the loop, its workers and its connections.
 *
 * Memory order: what belongs to the leader (events, the outbox) is passed on under `mutex`. A
 * connection belongs to the thread that turned its state from IDLE to BUSY.
 */
#ifndef PIE_SHARED_H
#define PIE_SHARED_H

#include "base/buffer.h"
#include "base/clock.h"
#include "base/fork.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#define EVENTS 64       /* that a leader reads at once */
#define EVENTS_KEPT 256 /* that wait for the next leader */
#define NOTES 8
#define READ_SIZE (64 << 10)
#define PEER_TEXT 64

typedef struct Loop Loop;
typedef struct Worker Worker;
typedef struct Connection Connection;

/* --- the protocol of a connection --- */

typedef enum {
    ANSWER_READY,   /* the reply, if there is one, is in the worker's `out` */
    ANSWER_LAST,    /* likewise, and no other follows it on this connection: linger.h */
    ANSWER_PARTED,  /* likewise, and the connection was let go: release it when that is sent */
    ANSWER_PENDING, /* the reply comes later, and then the connection is served on: pending.c */
    ANSWER_PARTIAL, /* the message is not complete yet */
    ANSWER_TAKEN,   /* nor now, but what was taken of it need not be kept */
    ANSWER_BROKEN,  /* hang up */
} Answer;

typedef enum { SPEAKS, SPEAKS_NOT, SPEAKS_PERHAPS } Speaks;

/* What the loop calls, one table for each protocol; each function is called without the GIL. */
typedef struct {
    /* Whether a connection that begins with these bytes speaks it; perhaps = more of them will tell. */
    Speaks (*speaks)(const uint8_t *data, size_t size);
    /* Answers the message at the front of `data`, of which `*taken` gets the size. */
    Answer (*answer)(Worker *worker, Connection *connection, const uint8_t *data, size_t size,
                     size_t *taken);
    /* A message did not come in time: a last reply may be made. NULL = there is none. */
    void (*late)(Connection *connection, Buffer *reply);
    /* Frees a connection's `progress`. */
    void (*forget)(void *progress);
} LoopProtocol;

/* A protocol as one server speaks it. */
typedef struct {
    const LoopProtocol *protocol;
    void *server;         /* the protocol's */
    int64_t idle_ms;      /* a connection without a request is closed after this */
    int64_t read_ms;      /* for a message that has begun */
    int64_t write_ms;     /* for a reply, from when its peer has last read of it */
} Speaker;

/* --- the loop --- */

typedef struct {
    size_t write_limit;    /* bytes of replies that a connection's peer has not read */
    size_t buffer_limit;   /* bytes that wait in all connections together; crowd.h */
    int max_connections;
    int max_threads;
    int64_t overload_ms;   /* all threads busy for so long: refuse what waits */
} Limits;

/* A pie.loop.native_loop.LoopHooks: functions of a loop's Python side; hooks.h. */
typedef struct {
    PyObject *refused;        /* (peer): one connection too many */
    PyObject *cannot_accept;  /* (errno) */
    PyObject *crowded;        /* (peer, bytes): closed, for all connections hold too much */
    PyObject *backlog_served; /* (): nothing more is accepted */
    PyObject *spawn;          /* () → bool: start one more thread; NULL = the loop has turns */
    PyObject *end_forked_child; /* (): ends this process */
} LoopHooks;

#define MOST_SPEAKERS 2

/* A thread that runs `loop_work`. */
struct Worker {
    Loop *loop;
    PyThreadState *python; /* while the GIL is released */
    PyObject *call; /* that it answers, borrowed; with the GIL, as the next one: */
    Worker *next, **link; /* of all workers of this process */
    sem_t wake;
    Worker *next_parked;
    atomic_bool leading;
    bool refusing; /* leads only to answer that all threads are busy */
    bool turning;  /* leads in turns, and never waits */
    uint64_t turn; /* of its leadership */
    int64_t clock; /* ns; when it last received */
    Buffer out;    /* the reply being made */
    uint8_t *in;   /* what was received last */
};

typedef enum { PHASE_VACANT, PHASE_LEADING, PHASE_HANDLING } Phase;

struct Loop {
    int epoll, wake, listener;
    unsigned forks; /* fork_count when it was opened */
    PyObject *owner; /* the Loop of Python, borrowed */
    Limits limits;
    LoopHooks hooks; /* borrowed */
    Speaker speakers[MOST_SPEAKERS]; /* a connection speaks to one of them */
    int speaker_count;
    Speaker undecided; /* of connections that have not sent enough to tell: sniff.h */

    pthread_mutex_t mutex;
    Worker *parked; /* the last one parked is the warmest: it is taken first */
    atomic_int parked_count;
    int worker_count;
    atomic_ullong leadership; /* turn << 2 | Phase */
    atomic_llong handling_since, vacant_since; /* ns */
    atomic_ullong handled;
    Worker *refuser; /* while it waits */

    Connection *open;
    atomic_int open_count;
    atomic_llong held, held_elsewhere; /* bytes; here, and in connections that were given away */
    Connection *_Atomic buried; /* ended, but an event may still name them */
    Connection *queue, **queue_end; /* with more to do, without an event for it */
    atomic_int queue_count;

    /* The leader's: */
    struct epoll_event events[EVENTS_KEPT];
    int event_count, event_at;
    int turns; /* of the queue, before the next epoll_wait */
    Connection *outbox; /* with replies to send before waiting */
    int64_t outbox_since;
    int64_t swept, accept_again; /* ms */
    int64_t spawn_again;         /* ns */
    bool accepting;

    atomic_bool draining, finished;
    atomic_llong drain_end; /* ms */
    pthread_t watchdog;
    sem_t watchdog_wake;
    atomic_bool watchdog_asleep;
    bool watched;
};

/* Whether this is a child that a handler forked. Nothing of the loop may be touched there:
 * connections and epoll are shared with the parent, and threads are missing. */
static inline bool loop_is_copy(const Loop *loop) {
    return loop->forks != fork_count;
}

/* --- a connection --- */

enum { CONNECTION_IDLE, CONNECTION_BUSY, CONNECTION_AGAIN };

/* So many bytes were here at this time (monotonic seconds). */
typedef struct {
    double at;
    size_t bytes;
} Arrival;

/* A part of a file that is sent. */
typedef struct {
    int fd; /* owned; only while there are bytes left */
    off_t at;
    size_t left;
} FileTail;

struct Connection {
    Loop *loop;
    const Speaker *_Atomic speaker; /* owner changes it */
    int fd;
    atomic_int state;
    atomic_uint events;     /* seen by leaders, not yet by the owner */
    atomic_int references;  /* the loop's, and one for each reply that is owed apart */
    atomic_bool ended;
    bool readable;          /* owner: more may be there to read */
    bool readable_to_end;   /* owner: the peer sends no more, so read until its end is seen */
    atomic_bool heard_all;  /* its end was seen; replies that are owed apart still go out */
    Buffer rest;            /* owner: received and not answered */
    void *progress;         /* owner: the protocol's, in a message that is partial */
    size_t progress_size;   /* owner: bytes of the message that are kept there */
    pthread_mutex_t writing;
    atomic_llong rest_held, pending_held; /* bytes that are counted in the loop's `held` */
    Buffer pending;         /* under `writing`: replies that the socket did not take */
    size_t pending_at;
    FileTail file;          /* under `writing`: sent behind these */
    atomic_bool blocked;    /* something is pending */
    atomic_bool hungry;     /* the socket takes more of it, but others were to be served */
    atomic_bool last;       /* nothing more is sent once that is gone */
    atomic_bool broken;     /* nothing more can be sent */
    atomic_llong used;      /* ms */
    atomic_llong read_ends, write_ends; /* ms: when a message, a reply must be through; 0 = none is */
    /* Owner: the bytes that were received last, behind those that were left of earlier ones. */
    double received;        /* when they were read */
    size_t total, carried;  /* all of these bytes; those that were left */
    size_t at;              /* where the message begins that is being answered */
    double begun;           /* when the message began that was left */
    Arrival arrivals[NOTES];
    int arrival_count;
    Arrival notes[NOTES];   /* under the loop's mutex: of bytes that wait to be received */
    atomic_int noted;
    Connection *next, *previous; /* under the loop's mutex: all that are open */
    Connection *next_queued;
    Connection *next_outgoing; /* the leader's, likewise: */
    bool outgoing;
    char peer[PEER_TEXT];
};

/* Takes an idle connection; false if another thread has it. */
static inline bool connection_take(Connection *connection) {
    int idle = CONNECTION_IDLE;
    return atomic_compare_exchange_strong(&connection->state, &idle, CONNECTION_BUSY);
}

#endif
