#include "router.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "cursor.h"

enum {
    HEADER_SIZE = ETH_HLEN,
    FRAME_SIZE = HEADER_SIZE + LAB_MTU,
    BURST = 64, /* frames of one host before the others get their turn */
    RECEIVE_BUFFER = 8 << 20,
};

/* A sleeper wakes up to a tenth of a millisecond late, so that it sleeps until that much before the
 * next packet is due and polls from there. */
#define SPIN (200 * NSEC_US)

struct watch {
    int fd; /* -1: free */
    void (*ready)(void *context, int fd);
    void *context;
};

struct router {
    struct internet *internet;
    int sockets[LAB_HOSTS];
    int epoll, timer;
    nsec armed; /* what the timer is set to */
    bool stopped;
    struct watch watches[ROUTER_MAX_WATCHES];
    uint64_t kernel_drops;
};

/* Locally administered addresses, "TER" in the middle. */
static void make_mac(enum lab_host host, uint8_t end, uint8_t out[static MAC_SIZE])
{
    const uint8_t mac[MAC_SIZE] = {0x02, 'T', 'E', 'R', (uint8_t)(host + 1), end};

    memcpy(out, mac, MAC_SIZE);
}

void router_host_mac(enum lab_host host, uint8_t out[static MAC_SIZE])
{
    make_mac(host, 1, out);
}

void router_own_mac(enum lab_host host, uint8_t out[static MAC_SIZE])
{
    make_mac(host, 2, out);
}

static int open_socket(enum lab_host host, struct error *error)
{
    const char *name = lab_host_name(host);
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = htons(ETH_P_ALL),
                                  .sll_ifindex = (int)if_nametoindex(name)};
    int on = 1, size = RECEIVE_BUFFER;
    int fd;

    /* Protocol 0: nothing comes in before the socket is bound to the one interface. */
    fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set(error, EX_OSERR, errno, "cannot open a packet socket for %s", name);
    /* Only root of the whole machine may exceed the system's limit. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        error_set(error, EX_OSERR, errno, "cannot set up the packet socket for %s", name);
        close(fd);
        return -1;
    }
    return fd;
}

static bool deliver(void *context, enum lab_host host, const uint8_t *data, size_t size)
{
    struct router *r = context;
    uint8_t frame[FRAME_SIZE];
    uint8_t mac[MAC_SIZE];
    struct writer w = writer_of(frame, sizeof frame);
    ssize_t n;

    router_host_mac(host, mac);
    writer_bytes(&w, mac, sizeof mac);
    router_own_mac(host, mac);
    writer_bytes(&w, mac, sizeof mac);
    writer_u16(&w, ETH_P_IP);
    writer_bytes(&w, data, size);
    if (w.failed)
        return false;
    n = send(r->sockets[host], frame, w.size, MSG_DONTWAIT);
    return n == (ssize_t)w.size;
}

static int add_epoll(struct router *r, int fd, struct error *error)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
        return 0;
    return error_set(error, EX_OSERR, errno, "cannot watch a descriptor");
}

static int open_all(struct router *r, const struct internet_config *config, struct error *error)
{
    struct internet_config own = *config;

    own.deliver = deliver;
    own.deliver_context = r;
    r->internet = internet_new(&own);
    if (r->internet == NULL)
        return error_set(error, EX_OSERR, errno, "cannot allocate memory");
    r->epoll = epoll_create1(EPOLL_CLOEXEC);
    r->timer = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (r->epoll < 0 || r->timer < 0)
        return error_set(error, EX_OSERR, errno, "cannot make an event loop");
    if (add_epoll(r, r->timer, error) < 0)
        return -1;
    for (unsigned i = 0; i < LAB_HOSTS; i++) {
        r->sockets[i] = open_socket((enum lab_host)i, error);
        if (r->sockets[i] < 0 || add_epoll(r, r->sockets[i], error) < 0)
            return -1;
    }
    return 0;
}

struct router *router_open(const struct internet_config *config, struct error *error)
{
    struct router *r = calloc(1, sizeof *r);

    if (r == NULL) {
        error_set(error, EX_OSERR, errno, "cannot allocate memory");
        return NULL;
    }
    r->epoll = r->timer = -1;
    r->armed = NSEC_NEVER;
    for (unsigned i = 0; i < LAB_HOSTS; i++)
        r->sockets[i] = -1;
    for (unsigned i = 0; i < ROUTER_MAX_WATCHES; i++)
        r->watches[i].fd = -1;
    if (open_all(r, config, error) == 0)
        return r;
    router_close(r);
    return NULL;
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

void router_close(struct router *r)
{
    if (r == NULL)
        return;
    for (unsigned i = 0; i < LAB_HOSTS; i++)
        close_if_open(r->sockets[i]);
    close_if_open(r->timer);
    close_if_open(r->epoll);
    internet_free(r->internet);
    free(r);
}

const struct internet *router_internet(const struct router *r)
{
    return r->internet;
}

int router_watch(struct router *r, int fd, void (*ready)(void *context, int fd), void *context,
                 struct error *error)
{
    for (unsigned i = 0; i < ROUTER_MAX_WATCHES; i++)
        if (r->watches[i].fd < 0) {
            if (add_epoll(r, fd, error) < 0)
                return -1;
            r->watches[i] = (struct watch){fd, ready, context};
            return 0;
        }
    return error_set(error, EX_SOFTWARE, 0, "too many descriptors to watch");
}

void router_unwatch(struct router *r, int fd)
{
    for (unsigned i = 0; i < ROUTER_MAX_WATCHES; i++)
        if (r->watches[i].fd == fd) {
            epoll_ctl(r->epoll, EPOLL_CTL_DEL, fd, NULL);
            r->watches[i].fd = -1;
        }
}

static nsec stamp_of(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec stamp;

            memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
            return clock_from_realtime(&stamp);
        }
    return clock_now();
}

/* Takes one frame of HOST; false if there is none. */
static bool receive(struct router *r, enum lab_host host)
{
    uint8_t frame[FRAME_SIZE];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct timespec))];
    } reference;
    struct sockaddr_ll from;
    struct iovec iov = {frame, sizeof frame};
    struct msghdr message = {.msg_name = &from,
                             .msg_namelen = sizeof from,
                             .msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = reference.bytes,
                             .msg_controllen = sizeof reference.bytes};
    ssize_t n = recvmsg(r->sockets[host], &message, 0);
    struct reader reader = reader_of(frame, n < 0 ? 0 : (size_t)n);
    uint16_t type;

    if (n < 0)
        return false;
    /* Our own frames on their way to the host are shown to us too. */
    if (from.sll_pkttype == PACKET_OUTGOING)
        return true;
    reader_take(&reader, HEADER_SIZE - 2);
    type = reader_u16(&reader);
    if (reader.failed || type != ETH_P_IP)
        internet_send_foreign(r->internet, host, stamp_of(&message));
    else
        internet_send(r->internet, host, stamp_of(&message), clock_now(), frame + reader.offset,
                      reader_left(&reader));
    return true;
}

/* True if FD is one of the router's own; its work is done then. */
static bool serve_own(struct router *r, int fd)
{
    uint64_t expirations;

    if (fd == r->timer) {
        /* What was due is carried out after every wake-up; only the timer is to be quieted. */
        (void)!read(fd, &expirations, sizeof expirations);
        r->armed = NSEC_NEVER;
        return true;
    }
    for (unsigned i = 0; i < LAB_HOSTS; i++)
        if (r->sockets[i] == fd) {
            for (unsigned n = 0; n < BURST && receive(r, (enum lab_host)i); n++)
                continue;
            return true;
        }
    return false;
}

static void serve(struct router *r, int fd)
{
    if (serve_own(r, fd))
        return;
    for (unsigned i = 0; i < ROUTER_MAX_WATCHES; i++)
        if (r->watches[i].fd == fd) {
            r->watches[i].ready(r->watches[i].context, fd);
            return;
        }
}

static void arm(struct router *r, nsec when)
{
    struct itimerspec t = {0};

    if (when == r->armed)
        return;
    r->armed = when;
    if (when != NSEC_NEVER)
        t.it_value = clock_to_timer(when);
    timerfd_settime(r->timer, TFD_TIMER_ABSTIME, &t, NULL);
}

/* Sets the timer; false if the next packet is due so soon that it is better to poll. */
static bool may_sleep(struct router *r, nsec now, nsec until)
{
    nsec due = internet_deadline(r->internet);

    if (due != NSEC_NEVER && due - now <= SPIN)
        return false;
    arm(r, nsec_min(due == NSEC_NEVER ? due : due - SPIN, until));
    return true;
}

enum router_end router_run(struct router *r, nsec until, struct error *error)
{
    struct epoll_event events[8];
    int n;

    r->stopped = false;
    while (!r->stopped) {
        nsec now = clock_now();

        internet_advance(r->internet, now);
        if (now >= until)
            return ROUTER_TIMED_OUT;
        n = epoll_wait(r->epoll, events, sizeof events / sizeof *events,
                       may_sleep(r, now, until) ? -1 : 0);
        if (n < 0 && errno != EINTR) {
            error_set(error, EX_OSERR, errno, "cannot wait for packets");
            return ROUTER_FAILED;
        }
        for (int i = 0; i < n; i++)
            serve(r, events[i].data.fd);
    }
    return ROUTER_STOPPED;
}

void router_stop(struct router *r)
{
    r->stopped = true;
}

uint64_t router_kernel_drops(struct router *r)
{
    for (unsigned i = 0; i < LAB_HOSTS; i++) {
        struct tpacket_stats stats = {0};
        socklen_t size = sizeof stats;

        /* Reading resets the kernel's count. */
        if (getsockopt(r->sockets[i], SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0)
            r->kernel_drops += stats.tp_drops;
    }
    return r->kernel_drops;
}
