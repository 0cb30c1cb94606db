/* The adaptive leader: many connections, many threads, one of which leads.
 *
 * The leader waits for readiness, reads, runs the handler and writes, all on its own stack. Before a
 * handler that is known to be slow it makes a parked thread the leader; when a handler surprises,
 * the watchdog does. Cheap handlers so run at the speed of a single loop, and blocking ones on as
 * many threads as there may be. Twin: pie/rpc/server/threaded.py (a thread per connection).
 *
 * Memory order: what belongs to the leader (events, the queue of connections with more to do) is
 * passed on under `mutex`. A connection belongs to whoever turned its state from IDLE to BUSY.
 */
#ifndef PIE_LOOP_H
#define PIE_LOOP_H

#include "base/buffer.h"
#include "base/clock.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#define EVENTS 64
#define READ_SIZE (64 << 10)
#define PEER_TEXT 64

typedef struct Loop Loop;
typedef struct Connection Connection;

typedef struct {
    size_t frame_limit;    /* bytes of one message */
    size_t write_limit;    /* bytes of replies that a connection's peer has not read */
    int max_connections;
    int max_threads;
    int64_t idle_ms;       /* without a request */
    int64_t transfer_ms;   /* for a frame that has begun, and for a reply */
    int64_t overload_ms;   /* all threads busy for so long: refuse what waits */
} Limits;

/* A thread that runs `loop_work`. */
typedef struct Worker {
    Loop *loop;
    PyThreadState *python; /* while the GIL is released */
    sem_t wake;
    struct Worker *next_parked;
    atomic_bool leading;
    bool refusing; /* leads only to say that everybody is busy */
    bool turning;  /* leads in turns, and never waits */
    uint64_t turn; /* of its leadership */
    int64_t clock; /* ns; when it last received */
    Buffer out;    /* the reply being made */
    uint8_t *in;   /* what was received last */
} Worker;

enum { CONNECTION_IDLE, CONNECTION_BUSY, CONNECTION_AGAIN };

struct Connection {
    Loop *loop;
    int fd;
    atomic_int state;
    atomic_uint events;     /* seen by leaders, not yet by the owner */
    atomic_int references;  /* the loop's, and one for each reply that is owed apart */
    atomic_bool ended;
    bool readable;          /* owner: more may be there to read */
    bool readable_to_end;   /* owner: the peer sends no more, so read until its end is seen */
    atomic_bool heard_all;  /* its end was seen; replies that are owed apart still go out */
    Buffer rest;            /* owner: received and not answered */
    struct MessageWalk *walk; /* owner: how far a message without a length was walked over */
    pthread_mutex_t writing;
    Buffer pending;         /* under `writing`: replies that the socket did not take */
    size_t pending_at;
    atomic_bool blocked;    /* something is pending */
    atomic_llong used, frame_begun, write_begun; /* ms; 0 = not */
    double received;        /* owner: when the last bytes came */
    Connection *next, *previous; /* under the loop's mutex: all that are open */
    Connection *next_queued;
    Connection *next_outgoing; /* the leader's, likewise: */
    bool outgoing;
    char peer[PEER_TEXT];
};

typedef enum { PHASE_VACANT, PHASE_LEADING, PHASE_HANDLING } Phase;

struct Loop {
    int epoll, wake, listener;
    unsigned forks; /* when it was opened */
    Limits limits;
    void *server; /* whose requests are answered */

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
    Connection *buried; /* ended, but an event may still name them */
    Connection *queue, **queue_end; /* with more to do, without an event to say so */
    atomic_int queue_count;

    /* The leader's: */
    struct epoll_event events[EVENTS];
    int event_count, event_at;
    int turns; /* of the queue, until events are asked for again */
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

/* 0, or -1 with an OSError. `listener` is not owned; `threads` = several will lead. */
int loop_open(Loop *loop, int listener, const Limits *limits, void *server, bool threads);
void loop_close(Loop *loop);

/* This is a child that a handler forked, where nothing of the loop may be touched: connections and
 * epoll are shared with the parent, and threads are missing. */
bool loop_is_copy(const Loop *loop);

/* Works until the loop has finished: called with the GIL, by as many threads as the server asked
 * for. 0, or -1 with MemoryError. */
int loop_work(Loop *loop);
/* Serves what is ready and returns: for an event loop that watches `epoll`, and calls at times besides.
 * Called with the GIL, by one thread. False when the loop has finished. */
bool loop_turn(Worker *worker);
int worker_open(Worker *worker, Loop *loop);
void worker_close(Worker *worker);
/* Leads while everybody is busy for too long; one thread runs it, beside the others. */
int loop_refuse(Loop *loop);

/* Accepts what is in the backlog, then nothing more; ends idle connections soon, and all of them
 * after `patience` ms. */
void loop_drain(Loop *loop, int64_t patience);

/* Called with the GIL around a handler; `slow` = it is known to be, so that somebody else shall
 * lead meanwhile. */
void worker_enter_handler(Worker *worker, int64_t start_ns, bool slow);
void worker_leave_handler(Worker *worker);

/* --- connection.c: what its owner does with a connection. Without the GIL. --- */

Connection *connection_new(Loop *loop, int fd, const char *peer);
/* Answers what is there, until nothing is. */
void connection_serve(Worker *worker, Connection *connection);
/* Sends a reply, or keeps what the socket does not take. Empties the buffer it was made in. */
void connection_send(Connection *connection, Buffer *reply);
void loop_flush(Loop *loop);
/* Whether replies are still to be made, or to be taken by its socket. */
bool connection_owes(const Connection *connection);
/* Lets the connection go before its reply is there, so that others may be served on it meanwhile:
 * `rest` was received behind the request. A reference is owed: connection_release. */
void connection_part(Worker *worker, Connection *connection, const uint8_t *rest, size_t size);
void connection_release(Connection *connection);
/* Shuts the socket: its owner, or the event that follows, ends it. */
void connection_hang_up(Connection *connection);
/* Its socket, which is the caller's from now on; what is sent here goes nowhere. By the owner. */
int connection_give_away(Connection *connection);
/* Closes. By the owner, once. */
void connection_end(Connection *connection);
/* Takes an idle connection; false if somebody has it. */
bool connection_take(Connection *connection);
/* Unlinks and frees what has ended. */
void loop_bury(Loop *loop, Connection *connection);
void loop_unlink(Loop *loop, Connection *connection);
/* To be served although no event will say so. */
void loop_queue(Loop *loop, Connection *connection);

#endif
