/* The load generator: N connections to 127.0.0.1, one call at a time on each, one epoll loop.

   load --port P --request FILE[,WEIGHT[,SIZE]] [--request ...] [options]

     --request FILE   one call as it is sent. Several are mixed by weight, evenly. SIZE is that of
                      what a right reply contains, checked unless 0.
     --connections N  that make calls (1).           --idle K   more that make none (0).
     --warm-up S      seconds before the measured ones (0.2).
     --seconds S      to measure (1).                --calls N  or until so many are answered.
     --rate R         calls a second, started on time whether or not others were answered; their
                      latency counts from when they were due. Without it a connection's next call
                      follows its last reply.
     --watch PID      a process whose CPU time and memory are told, too.

   A server may close a connection after a reply, if its protocol has words for that: the connection
   is opened anew, and the next call's latency includes it. The result is one line of JSON;
   latencies are in microseconds. */
#define _GNU_SOURCE
#include "protocol.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_KINDS = 8, MAX_WATCHED = 64, MAX_EVENTS = 256, CHUNK = 64 << 10 };
static const uint64_t SECOND = 1000000000ull, STALLED = 10ull * 1000000000ull,
                      OPENING = 30ull * 1000000000ull;

static struct {
    int port, connections, idle;
    uint64_t warm_up, length, calls;
    double rate;
    pid_t watched[MAX_WATCHED];
    int watched_count;
} options = {.connections = 1, .warm_up = 200000000, .length = 1000000000};

static struct kind kinds[MAX_KINDS];
static int kind_count;
static struct histogram latency;
static uint64_t errors, reopened, idle_lost;
static char first_error[200];
static struct connection *connections, **unused;
static int *idle;
static int unused_count, open_count, poller;
static uint64_t next_due, last_reply;

static void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t clock_ns(clockid_t which)
{
    struct timespec now;
    if (clock_gettime(which, &now))
        return 0;
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

/* CPU time of all threads of the watched processes, those that ended included. */
static uint64_t watched_cpu(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < options.watched_count; i++) {
        clockid_t clock;
        if (!clock_getcpuclockid(options.watched[i], &clock))
            sum += clock_ns(clock);
    }
    return sum;
}

/* Kilobytes in a file of /proc, behind a word at the beginning of a line. */
static uint64_t kilobytes_in(pid_t process, const char *name, const char *word)
{
    char path[48], line[128];
    uint64_t found = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", process, name);
    FILE *file = fopen(path, "r");
    while (file && !found && fgets(line, sizeof line, file))
        if (!strncmp(line, word, strlen(word)))
            found = strtoull(line + strlen(word), NULL, 10);
    if (file)
        fclose(file);
    return found;
}

static uint64_t watched_bytes(const char *name, const char *word)
{
    uint64_t sum = 0;
    for (int i = 0; i < options.watched_count; i++)
        sum += kilobytes_in(options.watched[i], name, word) * 1024;
    return sum;
}

void note_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!errors++)
        vsnprintf(first_error, sizeof first_error, format, arguments);
    va_end(arguments);
}

static void load_kind(char *text)
{
    if (kind_count == MAX_KINDS)
        die("too many --request");
    struct kind *kind = &kinds[kind_count++];
    char *path = strtok(text, ","), *weight = strtok(NULL, ","), *size = strtok(NULL, ",");
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        die(path);
    kind->request_size = (size_t)ftell(file);
    kind->request = malloc(kind->request_size + 1);
    rewind(file);
    if (!kind->request || fread(kind->request, 1, kind->request_size, file) != kind->request_size)
        die(path);
    fclose(file);
    kind->weight = weight ? atol(weight) : 1;
    kind->reply_size = size ? (size_t)atol(size) : 0;
    const char *complaint = name_kind(kind);
    if (complaint) {
        fprintf(stderr, "load: %s %s\n", path, complaint);
        exit(1);
    }
}

/* By turns, each as often as its weight says, spread as evenly as can be. */
static struct kind *next_kind(void)
{
    long total = 0;
    struct kind *chosen = &kinds[0];
    for (int i = 0; i < kind_count; i++) {
        total += kinds[i].weight;
        kinds[i].credit += kinds[i].weight;
        if (kinds[i].credit > chosen->credit)
            chosen = &kinds[i];
    }
    chosen->credit -= total;
    return chosen;
}

static int connect_to_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options.port)};
    struct timeval patience = {.tv_sec = 30};
    const socklen_t size = sizeof patience;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, size) ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, size) ||
        connect(fd, (struct sockaddr *)&address, sizeof address))
        die("cannot connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void lose(struct connection *peer, const char *why)
{
    note_error("connection lost: %s", why);
    close(peer->fd);
    peer->fd = -1;
    peer->started = 0;
    open_count--;
}

static void watch(struct connection *peer, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = peer};
    if (epoll_ctl(poller, operation, peer->fd, &event))
        die("epoll_ctl");
}

/* Send what is left of the call; when the socket is full, go on when it has room. */
static void push(struct connection *peer)
{
    while (peer->sent < peer->kind->request_size) {
        ssize_t sent = send(peer->fd, peer->kind->request + peer->sent,
                            peer->kind->request_size - peer->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN) {
            lose(peer, strerror(errno));
            return;
        }
        if (sent < 0) {
            watch(peer, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            peer->blocked = 1;
            return;
        }
        peer->sent += (size_t)sent;
    }
    if (peer->blocked)
        watch(peer, EPOLL_CTL_MOD, EPOLLIN);
    peer->blocked = 0;
}

static void start(struct connection *peer, uint64_t due)
{
    peer->kind = next_kind();
    peer->started = due;
    peer->sent = peer->got = peer->reply_end = 0;
    peer->head = peer->scanned = peer->content = 0;
    peer->closes = 0;
    push(peer);
}

/* Read once, as much as is there; true when the reply is whole. */
static int pull(struct connection *peer, int flags)
{
    if (peer->got + CHUNK > peer->room) {
        peer->room = peer->got + CHUNK;
        peer->in = realloc(peer->in, peer->room);
        if (!peer->in)
            die("memory");
    }
    ssize_t got = recv(peer->fd, peer->in + peer->got, CHUNK, flags);
    if (got < 0 && errno == EAGAIN)
        return 0;
    if (got <= 0 || !peer->started) {
        lose(peer, got < 0 ? strerror(errno) : got ? "a reply to no call" : "closed by the server");
        return 0;
    }
    peer->got += (size_t)got;
    long end = peer->reply_end ? (long)peer->reply_end : find_reply_end(peer);
    if (end < 0 || (end && (size_t)end < peer->got)) {
        lose(peer, "what came is no reply");
        return 0;
    }
    peer->reply_end = (size_t)end;
    return end && (size_t)end == peer->got;
}

/* After a reply behind which the server closes. */
static void reopen(struct connection *peer)
{
    close(peer->fd);
    peer->fd = connect_to_server();
    watch(peer, EPOLL_CTL_ADD, EPOLLIN);
    peer->blocked = 0;
    reopened++;
}

static void finish(struct connection *peer)
{
    check_reply(peer);
    peer->replies++;
    uint64_t now = last_reply = clock_ns(CLOCK_MONOTONIC);
    uint64_t took = now > peer->started ? now - peer->started : 0;
    record(&latency, took);
    record(&peer->kind->latency, took);
    peer->started = 0;
    if (peer->closes)
        reopen(peer);
    if (options.rate)
        unused[unused_count++] = peer;
    else
        start(peer, now);
}

static void start_what_is_due(uint64_t now)
{
    while (options.rate && unused_count && next_due <= now) {
        struct connection *peer = unused[--unused_count];
        if (peer->fd >= 0) {
            start(peer, next_due);
            next_due += (uint64_t)((double)SECOND / options.rate);
        }
    }
}

/* Milliseconds to sleep at most. Below one there is no sleep: the generator has its core. */
static int patience(uint64_t now, uint64_t until)
{
    if (now >= until)
        return 1; /* It waits for the least number of calls. */
    if (options.rate && unused_count && next_due < until)
        until = next_due;
    uint64_t left = until > now ? (until - now) / 1000000 : 0;
    return left > 100 ? 100 : (int)left;
}

/* Until a time, but not before `least` calls are answered, or until `calls` are, unless that is 0. */
static void run_until(uint64_t until, uint64_t least, uint64_t calls)
{
    struct epoll_event events[MAX_EVENTS];
    uint64_t now;
    while (((now = clock_ns(CLOCK_MONOTONIC)) < until || latency.count < least) &&
           (!calls || latency.count < calls) && open_count) {
        if (!options.rate && now - last_reply > STALLED) {
            note_error("no reply for 10 seconds");
            return;
        }
        start_what_is_due(now);
        int ready = epoll_wait(poller, events, MAX_EVENTS, patience(now, until));
        for (int i = 0; i < ready; i++) {
            struct connection *peer = events[i].data.ptr;
            if (peer->started && events[i].events & EPOLLOUT)
                push(peer);
            if (peer->fd >= 0 && events[i].events & ~(uint32_t)EPOLLOUT && pull(peer, MSG_DONTWAIT))
                finish(peer);
        }
    }
}

/* A connection that is to be idle makes the first kind of call, if that is what clients do. */
static int open_idle(void)
{
    struct connection peer = {.fd = connect_to_server(), .kind = &kinds[0], .started = 1};
    size_t size = kinds[0].request_size;
    if (IDLE_CALLS_FIRST) {
        if (send(peer.fd, kinds[0].request, size, MSG_NOSIGNAL) != (ssize_t)size)
            die("an idle connection cannot send its first call");
        do
            errno = 0;
        while (!pull(&peer, 0) && peer.fd >= 0 && errno != EAGAIN);
        if (!peer.reply_end) {
            fprintf(stderr, "load: an idle connection got no reply to its first call: %s\n",
                    errors ? first_error : "nothing came");
            exit(1);
        }
        check_reply(&peer);
    }
    free(peer.in);
    return peer.fd;
}

static void open_all(void)
{
    struct rlimit files;
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    connections = calloc((size_t)options.connections + 1, sizeof *connections);
    unused = calloc((size_t)options.connections + 1, sizeof *unused);
    poller = epoll_create1(EPOLL_CLOEXEC);
    idle = calloc((size_t)options.idle + 1, sizeof *idle);
    if (!connections || !unused || !idle || poller < 0)
        die("memory");
    uint64_t until = clock_ns(CLOCK_MONOTONIC) + OPENING;
    for (int i = 0; i < options.idle; i++) {
        idle[i] = open_idle();
        if (clock_ns(CLOCK_MONOTONIC) > until) {
            fprintf(stderr, "load: after 30 seconds %d of %d idle connections were served\n",
                    i + 1, options.idle);
            exit(1);
        }
    }
    for (int i = 0; i < options.connections; i++) {
        connections[i].fd = connect_to_server();
        watch(&connections[i], EPOLL_CTL_ADD, EPOLLIN);
        unused[unused_count++] = &connections[i];
    }
    open_count = options.connections;
}

/* Whether the server still has every idle connection. */
static void check_idle(void)
{
    char byte;
    for (int i = 0; i < options.idle; i++)
        if (recv(idle[i], &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN)
            idle_lost++;
    if (idle_lost)
        note_error("%llu idle connections were closed by the server, or got something",
                   (unsigned long long)idle_lost);
}

/* Connections whose calls were all left unanswered. */
static int count_unserved(void)
{
    int count = 0;
    for (int i = 0; i < options.connections; i++)
        count += !options.rate && !connections[i].replies;
    return count;
}

static void print_latency(const struct histogram *all, double seconds)
{
    printf("\"calls\": %llu, \"qps\": %.1f, \"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, "
           "\"max\": %.1f",
           (unsigned long long)all->count, (double)all->count / seconds,
           (double)percentile(all, 0.5) / 1e3, (double)percentile(all, 0.99) / 1e3,
           (double)percentile(all, 0.999) / 1e3, (double)all->largest / 1e3);
}

static void print_text(const char *text)
{
    putchar('"');
    for (; *text; text++)
        putchar(*text < ' ' || *text > '~' || *text == '"' || *text == '\\' ? '?' : *text);
    putchar('"');
}

static void measure(void)
{
    uint64_t begin = clock_ns(CLOCK_MONOTONIC);
    last_reply = next_due = begin;
    if (!options.rate)
        while (unused_count)
            start(unused[--unused_count], begin);
    run_until(begin + options.warm_up, 0, 0);

    memset(&latency, 0, sizeof latency);
    reopened = 0;
    for (int i = 0; i < options.connections; i++)
        connections[i].replies = 0;
    for (int i = 0; i < kind_count; i++)
        memset(&kinds[i].latency, 0, sizeof kinds[i].latency);
    uint64_t server = watched_cpu(), own = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    begin = clock_ns(CLOCK_MONOTONIC);
    run_until(begin + options.length, options.rate ? 0 : 1, options.calls);
    double seconds = (double)(clock_ns(CLOCK_MONOTONIC) - begin) / 1e9;
    server = watched_cpu() - server;
    own = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own;
    check_idle();

    printf("{");
    print_latency(&latency, seconds);
    printf(", \"seconds\": %.4f, \"errors\": %llu, \"first_error\": ", seconds,
           (unsigned long long)errors);
    print_text(first_error);
    printf(", \"server_cpu\": %.6f, \"server_rss\": %llu, \"server_pss\": %llu, "
           "\"generator_cpu\": %.6f, \"idle_lost\": %llu, \"reopened\": %llu, "
           "\"unserved\": %d, \"kinds\": [",
           (double)server / 1e9, (unsigned long long)watched_bytes("status", "VmRSS:"),
           (unsigned long long)watched_bytes("smaps_rollup", "Pss:"), (double)own / 1e9,
           (unsigned long long)idle_lost, (unsigned long long)reopened, count_unserved());
    for (int i = 0; i < kind_count; i++) {
        printf("%s{\"method\": ", i ? ", " : "");
        print_text(kinds[i].name);
        printf(", ");
        print_latency(&kinds[i].latency, seconds);
        printf("}");
    }
    printf("]}\n");
}

int main(int argc, char **argv)
{
    static const struct option known[] = {
        {"port", 1, 0, 'p'},  {"request", 1, 0, 'f'}, {"connections", 1, 0, 'c'},
        {"idle", 1, 0, 'i'},  {"warm-up", 1, 0, 'w'}, {"seconds", 1, 0, 's'},
        {"calls", 1, 0, 'n'}, {"rate", 1, 0, 'r'},    {"watch", 1, 0, 'x'},
        {0, 0, 0, 0}};
    for (int key; (key = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (key == 'p')
            options.port = atoi(optarg);
        else if (key == 'f')
            load_kind(optarg);
        else if (key == 'c')
            options.connections = atoi(optarg);
        else if (key == 'i')
            options.idle = atoi(optarg);
        else if (key == 'w')
            options.warm_up = (uint64_t)(atof(optarg) * 1e9);
        else if (key == 's')
            options.length = (uint64_t)(atof(optarg) * 1e9);
        else if (key == 'n')
            options.calls = strtoull(optarg, NULL, 10);
        else if (key == 'r')
            options.rate = atof(optarg);
        else if (key == 'x' && options.watched_count < MAX_WATCHED)
            options.watched[options.watched_count++] = (pid_t)atoi(optarg);
        else
            return 2;
    }
    if (!options.port || !kind_count || options.connections < 1) {
        fprintf(stderr, "load: --port and --request are needed; load.c tells the rest\n");
        return 2;
    }
    open_all();
    measure();
    return 0;
}
