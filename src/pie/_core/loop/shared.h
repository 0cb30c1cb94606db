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
    ANSWER_PARTED,  /* likewise, and the connection was let go: release it when that is sent */
    ANSWER_PENDING, /* the reply comes later, and then the connection is served on: pending.c */
    ANSWER_PARTIAL, /* the message is not complete yet */
    ANSWER_BROKEN,  /* hang up */
} Answer;

/* What the loop calls, one table for each protocol; each function is called without the GIL. */
typedef struct {
    /* Answers the message at the front of `data`, of which `*taken` gets the size. */
    Answer (*answer)(Worker *worker, Connection *connection, const uint8_t *data, size_t size,
                     size_t *taken);
    /* A connection was closed, for max_connections are open. */
    void (*refused)(Worker *worker, const char *peer);
    /* accept() failed with this errno. */
    void (*cannot_accept)(Worker *worker, int error);
    /* A connection is closed, for all of them hold more than buffer_limit. */
    void (*crowded)(Worker *worker, const char *peer, long long held);
    /* Nothing more is accepted. */
    void (*backlog_served)(Worker *worker);
} LoopProtocol;

/* --- the loop --- */

typedef struct {
    size_t frame_limit;    /* bytes of one message */
    size_t write_limit;    /* bytes of replies that a connection's peer has not read */
    size_t buffer_limit;   /* bytes that wait in all connections together; crowd.h */
    int max_connections;
    int max_threads;
    int64_t idle_ms;       /* without a request */
    int64_t transfer_ms;   /* for a frame that has begun, and for a reply */
    int64_t overload_ms;   /* all threads busy for so long: refuse what waits */
} Limits;

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
    Limits limits;
    const LoopProtocol *protocol; /* of the listener's connections */
    void *server; /* the protocol's */

    pthread_mutex_t mutex;
    Worker *parked; /* the last one parked is the warmest: it is taken first */
    atomic_int parked_count;
    int worker_count;
    atomic_ullong leadership; /* turn << 2 | Phase */
    atomic_llong handling_since, vacant_since; /* ns */
    atomic_ullong handled;
    Worker *refuser;

    Connection *open;
    atomic_int open_count;
    atomic_llong held, held_elsewhere; /* bytes; here, and in connections that were given away */
    Connection *buried; /* ended, but an event may still name them */
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

struct Connection {
    Loop *loop;
    const LoopProtocol *protocol;
    int fd;
    atomic_int state;
    atomic_uint events;     /* seen by leaders, not yet by the owner */
    atomic_int references;  /* the loop's, and one for each reply that is owed apart */
    atomic_bool ended;
    bool readable;          /* owner: more may be there to read */
    bool readable_to_end;   /* owner: the peer sends no more, so read until its end is seen */
    atomic_bool heard_all;  /* its end was seen; replies that are owed apart still go out */
    Buffer rest;            /* owner: received and not answered */
    void *progress;         /* owner: the protocol's, in a message that is partial; freed by free() */
    pthread_mutex_t writing;
    atomic_llong rest_held, pending_held; /* bytes that are counted in the loop's `held` */
    Buffer pending;         /* under `writing`: replies that the socket did not take */
    size_t pending_at;
    atomic_bool blocked;    /* something is pending */
    atomic_llong used, frame_begun, write_begun; /* ms; 0 = not */
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
