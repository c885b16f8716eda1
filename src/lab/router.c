#include "router.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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

struct link_end {
    struct router *router;
    enum lab_host host;
    int fd; /* the packet socket; -1 = not open */
};

struct router {
    struct internet *internet;
    struct loop *loop;
    struct loop_timer timer;
    struct link_end ends[LAB_HOSTS];
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
    n = send(r->ends[host].fd, frame, w.size, MSG_DONTWAIT);
    return n == (ssize_t)w.size;
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

/* Takes one frame of HOST: 1; 0 if there is none, -1 with ERROR filled if there can be none. */
static int receive(struct router *r, enum lab_host host, struct error *error)
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
    ssize_t n = recvmsg(r->ends[host].fd, &message, 0);
    struct reader reader = reader_of(frame, n < 0 ? 0 : (size_t)n);
    uint16_t type;

    /* An interface that goes down says so once. */
    if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENETDOWN))
        return 0;
    if (n < 0)
        return error_set(error, EX_OSERR, errno, "cannot receive from host %s",
                         lab_host_name(host));
    /* Our own frames on their way to the host are shown to us too. */
    if (from.sll_pkttype == PACKET_OUTGOING)
        return 1;
    reader_take(&reader, HEADER_SIZE - 2);
    type = reader_u16(&reader);
    if (reader.failed || type != ETH_P_IP)
        internet_send_foreign(r->internet, host, stamp_of(&message));
    else
        internet_send(r->internet,
                      &(struct lab_frame){host, stamp_of(&message), frame + reader.offset,
                                          reader_left(&reader)},
                      clock_now());
    return 1;
}

static int take_frames(void *context, struct pollfd ready, struct error *error)
{
    const struct link_end *end = context;
    int got = 1;

    (void)ready;
    for (unsigned n = 0; n < BURST && got > 0; n++)
        got = receive(end->router, end->host, error);
    /* What they come to is carried out once all hosts have been looked at. */
    end->router->timer.when = 0;
    return got < 0 ? -1 : 0;
}

/* Carries out what is due and sets the timer to what is next. Where that is due very soon, the
 * timer has run down already, and the loop polls. */
static int carry(void *context, struct error *error)
{
    struct router *r = context;
    nsec due;

    (void)error;
    internet_advance(r->internet, clock_now());
    due = internet_deadline(r->internet);
    r->timer.when = due == NSEC_NEVER ? due : due - SPIN;
    return 0;
}

static int open_end(struct router *r, enum lab_host host, struct error *error)
{
    struct link_end *end = &r->ends[host];
    struct loop_watch watch = {.events = POLLIN, .ready = take_frames, .context = end};

    end->fd = watch.fd = open_socket(host, error);
    return end->fd < 0 ? -1 : loop_watch(r->loop, &watch, error);
}

static int open_all(struct router *r, const struct internet_config *config, struct error *error)
{
    struct internet_config own = *config;

    own.deliver = deliver;
    own.deliver_context = r;
    r->internet = internet_new(&own);
    if (r->internet == NULL)
        return error_set(error, EX_OSERR, errno, "cannot allocate memory");
    for (unsigned i = 0; i < LAB_HOSTS; i++)
        if (open_end(r, (enum lab_host)i, error) != 0)
            return -1;
    return 0;
}

struct router *router_open(const struct internet_config *config, struct loop *loop,
                           struct error *error)
{
    struct router *r = calloc(1, sizeof *r);

    if (r == NULL) {
        error_set(error, EX_OSERR, errno, "cannot allocate memory");
        return NULL;
    }
    r->loop = loop;
    r->timer = (struct loop_timer){.when = NSEC_NEVER, .fired = carry, .context = r};
    loop_add_timer(loop, &r->timer);
    for (unsigned i = 0; i < LAB_HOSTS; i++)
        r->ends[i] = (struct link_end){r, (enum lab_host)i, -1};
    if (open_all(r, config, error) == 0)
        return r;
    router_close(r);
    return NULL;
}

void router_close(struct router *r)
{
    if (r == NULL)
        return;
    loop_remove_timer(r->loop, &r->timer);
    for (unsigned i = 0; i < LAB_HOSTS; i++)
        if (r->ends[i].fd >= 0) {
            loop_unwatch(r->loop, r->ends[i].fd);
            close(r->ends[i].fd);
        }
    internet_free(r->internet);
    free(r);
}

uint64_t router_kernel_drops(struct router *r)
{
    for (unsigned i = 0; i < LAB_HOSTS; i++) {
        struct tpacket_stats stats = {0};
        socklen_t size = sizeof stats;

        /* Reading resets the kernel's count. */
        if (getsockopt(r->ends[i].fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0)
            r->kernel_drops += stats.tp_drops;
    }
    return r->kernel_drops;
}
