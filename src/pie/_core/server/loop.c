#include "server/leader.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/server.h"

#define ACCEPTS_IN_A_ROW 64
#define BACKLOG 65536
#define SWEEP_MS 250
#define DRAIN_SWEEP_MS 50
#define DRAIN_IDLE_MS 300   /* a request that is on its way is still answered */
#define DRAIN_LAST_MS 1000  /* who never pauses is better left between two requests than cut in one */
#define ACCEPT_PAUSE_MS 50  /* out of descriptors: do not spin */
#define OUTBOX_NS 100000    /* a reply waits no longer for others to be made */

/* --- Forks --- */

static unsigned forks; /* between this process and the first one */

static void count_fork(void) {
    forks++;
}

static void count_forks(void) {
    pthread_atfork(NULL, NULL, count_fork);
}

bool loop_is_copy(const Loop *loop) {
    return loop->forks != forks;
}

void loop_queue(Loop *loop, Connection *connection) {
    /* What was received already raises no event: who serves it must look of itself. */
    atomic_fetch_or(&connection->events, (unsigned)EPOLLIN);
    pthread_mutex_lock(&loop->mutex);
    connection->next_queued = NULL;
    *loop->queue_end = connection;
    loop->queue_end = &connection->next_queued;
    pthread_mutex_unlock(&loop->mutex);
    if (atomic_fetch_add(&loop->queue_count, 1) == 0) {
        eventfd_write(loop->wake, 1); /* Whoever leads may be waiting for events. */
    }
}

static Connection *queued(Loop *loop) {
    if (atomic_load(&loop->queue_count) == 0) {
        return NULL;
    }
    pthread_mutex_lock(&loop->mutex);
    Connection *connection = loop->queue;
    if (connection != NULL) {
        loop->queue = connection->next_queued;
        if (loop->queue == NULL) {
            loop->queue_end = &loop->queue;
        }
        atomic_fetch_sub(&loop->queue_count, 1);
    }
    pthread_mutex_unlock(&loop->mutex);
    return connection;
}

static void add(Loop *loop, Connection *connection) {
    pthread_mutex_lock(&loop->mutex);
    connection->next = loop->open;
    if (loop->open != NULL) {
        loop->open->previous = connection;
    }
    loop->open = connection;
    pthread_mutex_unlock(&loop->mutex);
    atomic_fetch_add(&loop->open_count, 1);
}

void loop_unlink(Loop *loop, Connection *connection) {
    pthread_mutex_lock(&loop->mutex);
    if (connection->previous != NULL) {
        connection->previous->next = connection->next;
    } else {
        loop->open = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    pthread_mutex_unlock(&loop->mutex);
    if (atomic_fetch_sub(&loop->open_count, 1) == 1 && atomic_load(&loop->draining)) {
        eventfd_write(loop->wake, 1);
    }
}

void loop_bury(Loop *loop, Connection *connection) {
    pthread_mutex_lock(&loop->mutex);
    connection->next = loop->buried;
    loop->buried = connection;
    pthread_mutex_unlock(&loop->mutex);
}

/* Between two batches of events nothing names them any more. */
static void free_buried(Loop *loop) {
    if (loop->buried == NULL) {
        return;
    }
    pthread_mutex_lock(&loop->mutex);
    Connection *each = loop->buried;
    loop->buried = NULL;
    pthread_mutex_unlock(&loop->mutex);
    while (each != NULL) {
        Connection *next = each->next;
        free(each);
        each = next;
    }
}

static void peer_text(const struct sockaddr_storage *address, char *text) {
    char host[INET6_ADDRSTRLEN] = "";
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *found = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &found->sin_addr, host, sizeof host);
        snprintf(text, PEER_TEXT, "%s:%d", host, ntohs(found->sin_port));
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *found = (const struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &found->sin6_addr, host, sizeof host);
        snprintf(text, PEER_TEXT, "[%s]:%d", host, ntohs(found->sin6_port));
    } else {
        snprintf(text, PEER_TEXT, "unix");
    }
}

static void welcome(Worker *worker, int fd, const struct sockaddr_storage *address) {
    Loop *loop = worker->loop;
    char peer[PEER_TEXT];
    peer_text(address, peer);
    if (atomic_load(&loop->open_count) >= loop->limits.max_connections) {
        close(fd);
        server_refused(worker, peer);
        return;
    }
    int yes = 1;
    if (address->ss_family != AF_UNIX) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    }
    Connection *connection = connection_new(loop, fd, peer);
    if (connection == NULL) {
        close(fd);
        return;
    }
    add(loop, connection);
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data.ptr = connection,
    };
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        connection_end(connection);
    }
}

/* -1 with errno set: what is listened on is no socket, or the system has no room. */
static int listen_on(Loop *loop, bool on) {
    /* The workers of a master share one listener: one of them is woken, not all. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = &loop->listener};
    int done = epoll_ctl(loop->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, loop->listener, &event);
    loop->accepting = on && done == 0;
    return done;
}

/* False when the backlog is empty. */
static bool accept_some(Worker *worker, int most) {
    Loop *loop = worker->loop;
    for (int i = 0; i < most; i++) {
        struct sockaddr_storage address;
        socklen_t size = sizeof address;
        address.ss_family = AF_UNIX;
        int fd = accept4(loop->listener, (struct sockaddr *)&address, &size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            welcome(worker, fd, &address);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return false;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            server_cannot_accept(worker, errno);
            listen_on(loop, false);
            loop->accept_again = monotonic_ms() + ACCEPT_PAUSE_MS;
            return false;
        }
    }
    return true;
}

static bool over(long long since, int64_t now, int64_t limit) {
    return since != 0 && now - since > limit;
}

static bool is_late(Connection *connection, int64_t now) {
    int64_t transfer = connection->loop->limits.transfer_ms;
    return over(atomic_load(&connection->frame_begun), now, transfer) ||
           over(atomic_load(&connection->write_begun), now, transfer);
}

static bool is_idle(Connection *connection, int64_t now, int64_t idle) {
    if (connection_owes(connection)) {
        return false;
    }
    if (atomic_load(&connection->heard_all)) {
        return true;
    }
    uint8_t byte;
    return atomic_load(&connection->frame_begun) == 0 &&
           over(atomic_load(&connection->used), now, idle) &&
           /* A request may be here for which there was no time yet. */
           recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

/* Ends connections that are idle for too long, or too slow. Collects under the mutex, ends outside
 * of it: nobody else frees a connection while this thread leads. */
static void sweep(Loop *loop, int64_t now) {
    bool draining = atomic_load(&loop->draining);
    bool cut = draining && now > atomic_load(&loop->drain_end);
    bool last = draining && now > atomic_load(&loop->drain_end) - DRAIN_LAST_MS;
    int64_t idle = last ? -1 : draining ? DRAIN_IDLE_MS : loop->limits.idle_ms;
    Connection *found = NULL;
    pthread_mutex_lock(&loop->mutex);
    for (Connection *each = loop->open; each != NULL; each = each->next) {
        if (cut) {
            shutdown(each->fd, SHUT_RDWR);
        }
        if ((cut || is_late(each, now) || is_idle(each, now, idle)) && connection_take(each)) {
            each->next_queued = found;
            found = each;
        }
    }
    pthread_mutex_unlock(&loop->mutex);
    while (found != NULL) {
        Connection *next = found->next_queued;
        connection_end(found);
        found = next;
    }
    loop->swept = now;
}

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
        /* In this order: who connects from now on wakes the workers that share the listener. */
        listen_on(loop, false);
        /* More than the longest backlog, less than for ever: clients may go on connecting. */
        for (int i = 0; i < BACKLOG / ACCEPTS_IN_A_ROW && accept_some(worker, ACCEPTS_IN_A_ROW); i++) {
        }
        loop->listener = -1;
        server_backlog_served(worker);
    } else if (!loop->accepting && loop->listener >= 0 && now >= loop->accept_again) {
        listen_on(loop, true);
    }
    if (now - loop->swept >= (draining ? DRAIN_SWEEP_MS : SWEEP_MS)) {
        sweep(loop, now);
    }
    free_buried(loop);
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

/* The next connection with something to do, which is now the worker's; NULL = look whether you still
 * lead, and call again. */
static Connection *next_connection(Worker *worker) {
    Loop *loop = worker->loop;
    Connection *connection = NULL;
    if (loop->outbox != NULL && worker->clock - loop->outbox_since > OUTBOX_NS) {
        loop_flush(loop);
    }
    if (loop->event_at == loop->event_count) {
        if (loop->turns > 0 && (connection = queued(loop)) != NULL) {
            loop->turns--;
            return connection;
        }
        loop_flush(loop);
        loop->event_at = loop->event_count = 0;
        if (!keep_house(worker)) {
            return NULL;
        }
        /* Who queues again and again takes turns with the events of others. */
        loop->turns = atomic_load(&loop->queue_count);
        int timeout = worker->turning || loop->turns > 0 ? 0 : patience(loop);
        int count = epoll_wait(loop->epoll, loop->events, EVENTS, timeout);
        loop->event_count = count > 0 ? count : 0;
        return NULL;
    }
    struct epoll_event *event = &loop->events[loop->event_at++];
    if (event->data.ptr == &loop->listener) {
        if (loop->listener >= 0) {
            accept_some(worker, ACCEPTS_IN_A_ROW);
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
    pthread_mutex_lock(&loop->mutex); /* Whoever finishes the loop may be about to wake this thread: */
    pthread_mutex_unlock(&loop->mutex); /* it does not go before that. */
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

/* As long as everybody else is busy. */
static void refuse(Worker *worker) {
    Loop *loop = worker->loop;
    Connection *connection = next_connection(worker);
    if (atomic_load(&loop->parked_count) > 0) {
        if (connection != NULL) {
            loop_queue(loop, connection);
        }
        loop_flush(loop);
        leader_resign(worker);
    } else if (connection != NULL) {
        connection_serve(worker, connection);
    }
}

int worker_open(Worker *worker, Loop *loop) {
    *worker = (Worker){.loop = loop, .in = malloc(READ_SIZE)};
    sem_init(&worker->wake, 0, 0);
    return worker->in == NULL ? -1 : 0;
}

void worker_close(Worker *worker) {
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
        return true; /* A handler's child that goes on with the asyncio loop: nothing here is its. */
    }
    worker->python = PyEval_SaveThread();
    do {
        Connection *connection = next_connection(worker);
        if (connection != NULL) {
            connection_serve(worker, connection);
        }
    } while (loop->event_at < loop->event_count || loop->turns > 0);
    loop_flush(loop);
    if (atomic_load(&loop->queue_count) > 0) {
        eventfd_write(loop->wake, 1); /* For the next turn: this one may have read the word of it. */
    }
    PyEval_RestoreThread(worker->python);
    return !atomic_load(&loop->finished);
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
    pthread_mutex_lock(&loop->mutex);
    loop->refuser = &worker;
    pthread_mutex_unlock(&loop->mutex);
    while (!atomic_load(&loop->finished)) {
        if (worker.leading) {
            refuse(&worker);
        } else {
            sem_wait(&worker.wake);
        }
    }
    pthread_mutex_lock(&loop->mutex);
    loop->refuser = NULL;
    pthread_mutex_unlock(&loop->mutex);
    PyEval_RestoreThread(worker.python);
    worker_close(&worker);
    return 0;
}

int loop_open(Loop *loop, int listener, const Limits *limits, void *server, bool threads) {
    static pthread_once_t counted = PTHREAD_ONCE_INIT;
    pthread_once(&counted, count_forks);
    *loop = (Loop){.listener = listener, .limits = *limits, .server = server, .forks = forks};
    loop->queue_end = &loop->queue;
    loop->worker_count = 1; /* The first is there unasked. */
    atomic_init(&loop->vacant_since, monotonic_ns());
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    pthread_mutex_init(&loop->mutex, NULL);
    sem_init(&loop->watchdog_wake, 0, 0);
    struct epoll_event woken = {.events = EPOLLIN, .data.ptr = &loop->wake};
    if (loop->epoll < 0 || loop->wake < 0 ||
        epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake, &woken) < 0 || listen_on(loop, true) < 0) {
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
    loop_flush(loop);
    while (loop->open != NULL) { /* Nobody had the time to end these. */
        connection_end(loop->open);
    }
    free_buried(loop);
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
