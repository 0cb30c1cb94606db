/* The loop: threads that wait for work, the events of connections, and what is due at times. */
#include "loop/loop.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop/connection.h"
#include "loop/connections.h"
#include "loop/leader.h"
#include "loop/listener.h"
#include "loop/outbox.h"
#include "loop/sniff.h"
#include "loop/sweep.h"

#define SWEEP_MS 250
#define DRAIN_SWEEP_MS 50
#define OUTBOX_NS 100000 /* a reply waits no longer for others to be made */

static void finish(Loop *loop) {
    pthread_mutex_lock(&loop->mutex);
    atomic_store(&loop->finished, true);
    while (loop->parked != NULL) {
        Worker *woken = loop->parked;
        loop->parked = woken->next_parked; /* Once woken it may be gone. */
        sem_post(&woken->wake);
    }
    if (loop->refuser != NULL) {
        sem_post(&loop->refuser->wake);
    }
    pthread_mutex_unlock(&loop->mutex);
    sem_post(&loop->watchdog_wake);
}

/* What is due at times; false when the loop has finished. */
static bool keep_house(Worker *worker) {
    Loop *loop = worker->loop;
    int64_t now = monotonic_ms();
    bool draining = atomic_load(&loop->draining);
    if (draining && loop->listener >= 0) {
        listener_close(worker);
    } else if (!loop->accepting && loop->listener >= 0 && now >= loop->accept_again) {
        listener_watch(loop, true);
    }
    if (now - loop->swept >= (draining ? DRAIN_SWEEP_MS : SWEEP_MS)) {
        sweep(loop, now);
        connections_thin(worker, NULL);
    }
    connections_free_buried(loop);
    bool cut = draining && now > atomic_load(&loop->drain_end) + DRAIN_SWEEP_MS;
    if (draining && (cut || atomic_load(&loop->open_count) == 0)) {
        finish(loop);
        return false;
    }
    return true;
}

static int patience(Loop *loop) {
    if (atomic_load(&loop->draining) || !loop->accepting) {
        return DRAIN_SWEEP_MS;
    }
    return atomic_load(&loop->open_count) > 0 ? SWEEP_MS : -1;
}

/* The next connection with something to do, which is now the worker's. NULL = none: the worker calls
 * again if it still leads. */
static Connection *next_connection(Worker *worker) {
    Loop *loop = worker->loop;
    Connection *connection = NULL;
    if (loop->outbox != NULL && worker->clock - loop->outbox_since > OUTBOX_NS) {
        outbox_flush(loop);
    }
    if (loop->event_at == loop->event_count) {
        if (loop->turns > 0 && (connection = connections_next_queued(loop)) != NULL) {
            loop->turns--;
            return connection;
        }
        outbox_flush(loop);
        loop->event_at = loop->event_count = 0;
        if (!keep_house(worker)) {
            return NULL;
        }
        /* Connections that are queued again and again take turns with the events of others. */
        loop->turns = atomic_load(&loop->queue_count);
        int timeout = worker->turning || loop->turns > 0 ? 0 : patience(loop);
        int count = epoll_wait(loop->epoll, loop->events, EVENTS, timeout);
        loop->event_count = count > 0 ? count : 0;
        return NULL;
    }
    struct epoll_event *event = &loop->events[loop->event_at++];
    if (event->data.ptr == &loop->listener) {
        if (loop->listener >= 0) {
            listener_accept(worker, ACCEPTS_IN_A_ROW);
        }
        return NULL;
    }
    if (event->data.ptr == &loop->wake) {
        eventfd_t count;
        eventfd_read(loop->wake, &count);
        return NULL;
    }
    connection = event->data.ptr;
    atomic_fetch_or(&connection->events, event->events);
    int idle = CONNECTION_IDLE;
    if (atomic_compare_exchange_strong(&connection->state, &idle, CONNECTION_BUSY)) {
        return connection;
    }
    int busy = CONNECTION_BUSY;
    if (!atomic_compare_exchange_strong(&connection->state, &busy, CONNECTION_AGAIN) &&
        busy == CONNECTION_IDLE && connection_take(connection)) {
        return connection; /* Its owner let go in between. */
    }
    return NULL;
}

/* Waits for work; false when there will be none. */
static bool get_lead(Worker *worker) {
    Loop *loop = worker->loop;
    if (loop_is_copy(loop)) {
        return false;
    }
    pthread_mutex_lock(&loop->mutex);
    if (!atomic_load(&loop->finished)) {
        if (leader_is_missing(loop)) {
            leader_make(loop, worker);
        } else {
            worker->next_parked = loop->parked;
            loop->parked = worker;
            atomic_fetch_add(&loop->parked_count, 1);
        }
    }
    pthread_mutex_unlock(&loop->mutex);
    while (!worker->leading && !atomic_load(&loop->finished)) {
        sem_wait(&worker->wake);
    }
    if (!atomic_load(&loop->finished)) {
        return true;
    }
    pthread_mutex_lock(&loop->mutex); /* Another thread may be about to wake this one in finish(): */
    pthread_mutex_unlock(&loop->mutex); /* wait until it has, for `worker` ends here. */
    return false;
}

static void lead(Worker *worker) {
    while (worker->leading && !atomic_load(&worker->loop->finished)) {
        Connection *connection = next_connection(worker);
        if (connection != NULL) {
            connection_serve(worker, connection);
        }
    }
}

/* One step of the refuser while it leads: resigns once another thread is parked. */
static void refuse(Worker *worker) {
    Loop *loop = worker->loop;
    Connection *connection = next_connection(worker);
    if (atomic_load(&loop->parked_count) > 0) {
        if (connection != NULL) {
            connections_queue(loop, connection);
        }
        outbox_flush(loop);
        leader_resign(worker);
    } else if (connection != NULL) {
        connection_serve(worker, connection);
    }
}

static Worker *workers;

/* In a forked child: most of their threads are not here. */
static void forget_workers(void) {
    workers = NULL;
}

int worker_open(Worker *worker, Loop *loop) {
    *worker = (Worker){.loop = loop, .in = malloc(READ_SIZE), .next = workers, .link = &workers};
    if (workers != NULL) {
        workers->link = &worker->next;
    }
    workers = worker;
    fork_handler(forget_workers);
    sem_init(&worker->wake, 0, 0);
    return worker->in == NULL ? -1 : 0;
}

int workers_calls(PyObject *list) {
    for (Worker *each = workers; each != NULL; each = each->next) {
        if (each->call != NULL && PyList_Append(list, each->call) < 0) {
            return -1;
        }
    }
    return 0;
}

void worker_close(Worker *worker) {
    if (!loop_is_copy(worker->loop)) {
        *worker->link = worker->next;
        if (worker->next != NULL) {
            worker->next->link = worker->link;
        }
    }
    sem_destroy(&worker->wake);
    buffer_free(&worker->out);
    free(worker->in);
}

int loop_work(Loop *loop) {
    Worker worker;
    if (worker_open(&worker, loop) < 0) {
        worker_close(&worker);
        PyErr_NoMemory();
        return -1;
    }
    worker.python = PyEval_SaveThread();
    while (get_lead(&worker)) {
        lead(&worker);
    }
    PyEval_RestoreThread(worker.python);
    worker_close(&worker);
    return 0;
}

bool loop_turn(Worker *worker) {
    Loop *loop = worker->loop;
    if (loop_is_copy(loop)) {
        return true; /* A child that goes on with the asyncio loop: nothing here belongs to it. */
    }
    worker->python = PyEval_SaveThread();
    do {
        Connection *connection = next_connection(worker);
        if (connection != NULL) {
            connection_serve(worker, connection);
        }
    } while (loop->event_at < loop->event_count || loop->turns > 0);
    outbox_flush(loop);
    if (atomic_load(&loop->queue_count) > 0) {
        eventfd_write(loop->wake, 1); /* For the next turn: this one may have read the event of it. */
    }
    PyEval_RestoreThread(worker->python);
    return !atomic_load(&loop->finished);
}

/* Until it is to lead. It must not be made the leader while it answers a request: it would not know. */
static void wait_to_refuse(Worker *worker) {
    Loop *loop = worker->loop;
    pthread_mutex_lock(&loop->mutex);
    bool finished = atomic_load(&loop->finished);
    if (!finished) {
        loop->refuser = worker;
    }
    pthread_mutex_unlock(&loop->mutex);
    while (!finished && !worker->leading && !atomic_load(&loop->finished)) {
        sem_wait(&worker->wake);
    }
}

int loop_refuse(Loop *loop) {
    Worker worker;
    if (worker_open(&worker, loop) < 0) {
        worker_close(&worker);
        PyErr_NoMemory();
        return -1;
    }
    worker.refusing = true;
    worker.python = PyEval_SaveThread();
    while (!atomic_load(&loop->finished)) {
        if (worker.leading) {
            refuse(&worker);
        } else {
            wait_to_refuse(&worker);
        }
    }
    pthread_mutex_lock(&loop->mutex);
    loop->refuser = NULL;
    pthread_mutex_unlock(&loop->mutex);
    PyEval_RestoreThread(worker.python);
    worker_close(&worker);
    return 0;
}

int loop_open(Loop *loop, int listener, bool threads) {
    loop->listener = listener;
    loop->forks = fork_count;
    sniff_open(loop);
    loop->queue_end = &loop->queue;
    loop->worker_count = 1; /* The first thread is started with the server. */
    atomic_init(&loop->vacant_since, monotonic_ns());
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    pthread_mutex_init(&loop->mutex, NULL);
    sem_init(&loop->watchdog_wake, 0, 0);
    struct epoll_event woken = {.events = EPOLLIN, .data.ptr = &loop->wake};
    if (loop->epoll < 0 || loop->wake < 0 ||
        epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake, &woken) < 0 || listener_watch(loop, true) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        loop_close(loop);
        return -1;
    }
    errno = threads ? pthread_create(&loop->watchdog, NULL, leader_watch, loop) : 0;
    if (errno != 0) { /* Without it a handler that blocks would hold up all others. */
        PyErr_SetFromErrno(PyExc_OSError);
        loop_close(loop);
        return -1;
    }
    loop->watched = threads;
    return 0;
}

void loop_close(Loop *loop) {
    if (loop_is_copy(loop)) {
        return; /* Its threads are not here, its locks may be held, its sockets are the parent's. */
    }
    if (loop->watched) {
        finish(loop);
        pthread_join(loop->watchdog, NULL);
    }
    outbox_flush(loop);
    while (loop->open != NULL) { /* No thread came to end these. */
        connection_end(loop->open);
    }
    connections_free_buried(loop);
    if (loop->epoll >= 0) {
        close(loop->epoll);
    }
    if (loop->wake >= 0) {
        close(loop->wake);
    }
    sem_destroy(&loop->watchdog_wake);
    pthread_mutex_destroy(&loop->mutex);
}

void loop_drain(Loop *loop, int64_t patience_ms) {
    atomic_store(&loop->drain_end, monotonic_ms() + patience_ms);
    atomic_store(&loop->draining, true);
    eventfd_write(loop->wake, 1);
}
