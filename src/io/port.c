#include "port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "hash.h"

enum {
    SERVER_BUFFER = 4 << 20,
    CONTROL_ROOM = 256, /* of a message's timestamp, packet information and error */
    /* Every packet of ours that nobody can guess has what makes it so in its first bytes, or is
     * shorter; routers may quote no more than these, and may pad what they quote (RFC 4884). */
    QUOTE_COMPARED = 48,
};

static struct sockaddr_in to_sockaddr(struct endpoint e)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(e.port), .sin_addr.s_addr = htonl(e.address)};
}

static struct endpoint from_sockaddr(const struct sockaddr_in *sa)
{
    return (struct endpoint){ntohl(sa->sin_addr.s_addr), ntohs(sa->sin_port)};
}

static bool set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

void route_open(struct route *r)
{
    r->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

uint32_t route_source(const struct route *r, struct endpoint towards)
{
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    struct sockaddr_in sa = to_sockaddr(towards);
    socklen_t size = sizeof sa;
    uint32_t address = 0;

    if (connect(r->fd, (struct sockaddr *)&sa, sizeof sa) == 0 &&
        getsockname(r->fd, (struct sockaddr *)&sa, &size) == 0)
        address = ntohl(sa.sin_addr.s_addr);
    /* Else it would keep the address that it got. */
    (void)connect(r->fd, &nowhere, sizeof nowhere);
    return address;
}

void route_close(struct route *r)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

uint32_t port_route_source(struct endpoint towards)
{
    struct route r;
    uint32_t address;

    route_open(&r);
    address = route_source(&r, towards);
    route_close(&r);
    return address;
}

static void client_bind_error(struct endpoint local, int errnum, struct error *error)
{
    int status = errnum == EACCES                                  ? EX_NOPERM
                 : errnum == EADDRINUSE || errnum == EADDRNOTAVAIL ? EX_UNAVAILABLE
                                                                   : EX_OSERR;

    error_set(error, status, errnum, "cannot bind UDP port %u", local.port);
    if (errnum == EADDRINUSE)
        error_hint(error, "another program has this port; choose another with --local-port");
}

static void server_bind_error(struct endpoint local, int errnum, struct error *error)
{
    char text[ENDPOINT_STRLEN], address[IP4_STRLEN];

    endpoint_format(local, text);
    ip4_format(local.address, address);
    switch (errnum) {
    case EADDRNOTAVAIL:
        error_set(error, EX_UNAVAILABLE, 0,
                  "cannot listen on %s: %s is not an address of this host", text, address);
        error_hint(error,
                   "`ip -4 address`, which lists those it has; to add one: `ip address "
                   "add %s/32 dev lo`",
                   address);
        break;
    case EADDRINUSE:
        error_set(error, EX_UNAVAILABLE, 0, "cannot listen on %s: another program has this port",
                  text);
        error_hint(error, "`ss -ulpn sport = %u` shows it; stop it, or choose another port",
                   local.port);
        break;
    case EACCES:
        error_set(error, EX_NOPERM, errnum, "cannot listen on %s", text);
        error_hint(error, "ports below 1024 are for root (CAP_NET_BIND_SERVICE)");
        break;
    default:
        error_set(error, EX_OSERR, errnum, "cannot listen on %s", text);
    }
}

/* Each of these options only adds what can be told, or speed; none is needed to work. */
static void set_options(struct port *p, enum port_use use)
{
    /* RFC 4380 5.1.2: the don't fragment bit stays off. */
    set_int(p->fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
    if (use == PORT_SERVER) {
        set_int(p->fd, SOL_SOCKET, SO_RCVBUF, SERVER_BUFFER);
        set_int(p->fd, SOL_SOCKET, SO_SNDBUF, SERVER_BUFFER);
        /* Root may go beyond the system's limit. */
        set_int(p->fd, SOL_SOCKET, SO_RCVBUFFORCE, SERVER_BUFFER);
        set_int(p->fd, SOL_SOCKET, SO_SNDBUFFORCE, SERVER_BUFFER);
        return;
    }
    p->has_errors = set_int(p->fd, IPPROTO_IP, IP_RECVERR, 1);
    set_int(p->fd, IPPROTO_IP, IP_PKTINFO, 1);
    p->has_stamps = set_int(p->fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    p->stamps_sends = set_int(p->fd, SOL_SOCKET, SO_TIMESTAMPING,
                              SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
                                  SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY);
}

static int bind_port(struct port *p, const struct port_config *config, struct sockaddr_in *sa)
{
    socklen_t size = sizeof *sa;

    if (config->sharing == PORT_JOINED && !set_int(p->fd, SOL_SOCKET, SO_REUSEPORT, 1))
        return -1;
    if (bind(p->fd, (struct sockaddr *)sa, size) != 0)
        return -1;
    if (config->sharing == PORT_SHARED && !set_int(p->fd, SOL_SOCKET, SO_REUSEPORT, 1))
        return -1;
    return getsockname(p->fd, (struct sockaddr *)sa, &size);
}

int port_open(struct port *p, const struct port_config *config, struct error *error)
{
    struct endpoint local = config->local;
    struct sockaddr_in sa = to_sockaddr(local);

    *p = (struct port){.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (p->fd < 0)
        return error_set(error, EX_OSERR, errno, "cannot open a UDP socket");
    if (bind_port(p, config, &sa) != 0) {
        int errnum = errno;

        if (config->use == PORT_SERVER)
            server_bind_error(local, errnum, error);
        else
            client_bind_error(local, errnum, error);
        port_close(p);
        errno = errnum;
        return -1;
    }
    p->local =
        (struct endpoint){local.address != 0 ? local.address : port_route_source(config->towards),
                          ntohs(sa.sin_port)};
    set_options(p, config->use);
    return 0;
}

void port_close(struct port *p)
{
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
}

static int send_once(const struct port *p, const struct udp_message *message, uint8_t ttl)
{
    struct sockaddr_in sa = to_sockaddr(message->to);
    struct iovec iov = {(void *)message->payload, message->size};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct msghdr msg = {
        .msg_name = &sa, .msg_namelen = sizeof sa, .msg_iov = &iov, .msg_iovlen = 1};

    if (ttl != 0) {
        int value = ttl;

        control.align = (struct cmsghdr){CMSG_LEN(sizeof value), IPPROTO_IP, IP_TTL};
        memcpy(CMSG_DATA(&control.align), &value, sizeof value);
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof control.bytes;
    }
    return sendmsg(p->fd, &msg, MSG_NOSIGNAL) < 0 ? errno : 0;
}

/* Everything that one message told beside the payload. */
struct ancillary {
    bool has_stamp;
    struct timespec stamp;
    bool has_error;
    struct sock_extended_err error;
    struct sockaddr_in offender;
    uint32_t local;                 /* address that the datagram was sent to */
    uint8_t quoted[QUOTE_COMPARED]; /* of an error */
    size_t quoted_size;
};

static void read_ancillary(struct msghdr *msg, struct ancillary *a)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
        const unsigned char *data = CMSG_DATA(c);
        size_t size = c->cmsg_len - CMSG_LEN(0);

        /* SCM_TIMESTAMPING starts with the software stamp, in the same form. */
        if (c->cmsg_level == SOL_SOCKET &&
            (c->cmsg_type == SCM_TIMESTAMPNS || c->cmsg_type == SCM_TIMESTAMPING) &&
            size >= sizeof a->stamp) {
            memcpy(&a->stamp, data, sizeof a->stamp);
            a->has_stamp = a->stamp.tv_sec != 0;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR &&
                   size >= sizeof a->error) {
            memcpy(&a->error, data, sizeof a->error);
            a->has_error = true;
            if (size >= sizeof a->error + sizeof a->offender)
                memcpy(&a->offender, data + sizeof a->error, sizeof a->offender);
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO &&
                   size >= sizeof(struct in_pktinfo)) {
            struct in_pktinfo info;

            memcpy(&info, data, sizeof info);
            a->local = ntohl(info.ipi_addr.s_addr);
        }
    }
}

static uint64_t hash_of_sent(struct endpoint to, const uint8_t *bytes, size_t size)
{
    return hash_bytes(hash_mix(to.port, to.address), bytes,
                      size < QUOTE_COMPARED ? size : QUOTE_COMPARED);
}

/* One message of the error queue: an ICMP error, or the time of a send. False if it is empty. */
static bool take_from_error_queue(const struct port *p, struct sockaddr_in *peer,
                                  struct ancillary *a)
{
    union {
        char bytes[CONTROL_ROOM];
        struct cmsghdr align;
    } control;
    struct iovec iov = {a->quoted, sizeof a->quoted};
    struct msghdr msg = {.msg_name = peer,
                         .msg_namelen = sizeof *peer,
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof control.bytes};

    ssize_t size;

    memset(peer, 0, sizeof *peer);
    memset(a, 0, sizeof *a);
    size = recvmsg(p->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);
    if (size < 0)
        return false;
    read_ancillary(&msg, a);
    a->quoted_size = (size_t)size;
    return true;
}

static bool is_icmp(const struct ancillary *a)
{
    return a->has_error && a->error.ee_origin == SO_EE_ORIGIN_ICMP;
}

static struct port_receipt error_receipt(const struct port *p, const struct ancillary *a,
                                         const struct sockaddr_in *peer)
{
    uint64_t quoted = hash_of_sent(from_sockaddr(peer), a->quoted, a->quoted_size);

    return (struct port_receipt){
        .is_error = true,
        .when = a->has_stamp ? clock_from_realtime(&a->stamp) : clock_now(),
        .from = p->local,
        .to = from_sockaddr(peer),
        .icmp_type = a->error.ee_type,
        .icmp_code = a->error.ee_code,
        .icmp_reporter = ntohl(a->offender.sin_addr.s_addr),
        .quotes_sent = a->quoted_size > 0 && p->sent[quoted % PORT_SENT] == quoted,
    };
}

/* The kernel's time of the send just made: it is on the error queue as soon as the packet was
 * handed to the device, which for an idle device is before sendmsg returns. The queue cannot be
 * peeked at: ICMP errors found on the way are kept for port_receive. */
static bool take_send_stamp(struct port *p, uint32_t id, nsec *when)
{
    struct sockaddr_in peer;
    struct ancillary a;

    while (take_from_error_queue(p, &peer, &a)) {
        if (is_icmp(&a)) {
            if (p->kept_count < PORT_KEPT)
                p->kept[p->kept_count++] = error_receipt(p, &a, &peer);
        } else if (a.has_error && a.error.ee_origin == SO_EE_ORIGIN_TIMESTAMPING && a.has_stamp &&
                   a.error.ee_data == id) {
            *when = clock_from_realtime(&a.stamp);
            return true;
        }
    }
    return false;
}

int port_send(struct port *p, const struct udp_message *message, uint8_t ttl, nsec *when)
{
    uint64_t hash = hash_of_sent(message->to, message->payload, message->size);
    int failed;

    p->sent[hash % PORT_SENT] = hash;
    *when = clock_now();
    failed = send_once(p, message, ttl);
    /* An ICMP error that came back for an earlier packet makes one send fail in its place; what it
     * said is on the error queue, and this packet was not sent. */
    if (failed == ECONNREFUSED || failed == EHOSTUNREACH || failed == ENETUNREACH ||
        failed == EPROTO || failed == EMSGSIZE)
        failed = send_once(p, message, ttl);
    if (failed == 0 && p->stamps_sends) {
        nsec stamp;
        uint32_t id = p->next_send_id++;

        if (take_send_stamp(p, id, &stamp))
            *when = nsec_max(*when, stamp);
    }
    return failed;
}

/* What recvmmsg fills. */
struct port_slots {
    size_t room;
    struct mmsghdr messages[PORT_BATCH];
    struct iovec vectors[PORT_BATCH];
    struct sockaddr_in sources[PORT_BATCH];
    union {
        char bytes[CONTROL_ROOM];
        struct cmsghdr align;
    } control[PORT_BATCH];
    uint8_t data[]; /* of `room` each; pages that no datagram reaches are never touched */
};

struct port_batch *port_batch_new(size_t room, struct error *error)
{
    struct port_batch *b = calloc(1, sizeof *b);
    struct port_slots *s = calloc(1, sizeof *s + PORT_BATCH * room);

    if (b == NULL || s == NULL) {
        free(b);
        free(s);
        error_set(error, EX_OSERR, ENOMEM, "cannot start");
        return NULL;
    }
    b->slots = s;
    s->room = room;
    for (unsigned i = 0; i < PORT_BATCH; i++) {
        s->vectors[i] = (struct iovec){s->data + i * room, room};
        s->messages[i].msg_hdr = (struct msghdr){.msg_name = &s->sources[i],
                                                 .msg_control = s->control[i].bytes,
                                                 .msg_iov = &s->vectors[i],
                                                 .msg_iovlen = 1};
    }
    return b;
}

void port_batch_free(struct port_batch *b)
{
    if (b != NULL)
        free(b->slots);
    free(b);
}

/* Late send stamps come this way as well, and are of no use any more. */
static void take_errors(struct port *p, struct port_batch *b, unsigned limit)
{
    struct sockaddr_in peer;
    struct ancillary a;

    for (; b->count < limit && b->count < p->kept_count; b->count++)
        b->receipts[b->count] = p->kept[b->count];
    memmove(&p->kept[0], &p->kept[b->count], (p->kept_count - b->count) * sizeof p->kept[0]);
    p->kept_count -= b->count;
    for (unsigned i = 0; i < PORT_BATCH && b->count < limit; i++) {
        if (!take_from_error_queue(p, &peer, &a))
            return;
        if (is_icmp(&a))
            b->receipts[b->count++] = error_receipt(p, &a, &peer);
    }
}

static void add_datagram(const struct port *p, struct port_batch *b, unsigned slot, nsec now)
{
    struct port_slots *s = b->slots;
    struct ancillary a = {0};

    if (s->messages[slot].msg_hdr.msg_controllen > 0)
        read_ancillary(&s->messages[slot].msg_hdr, &a);
    b->receipts[b->count++] = (struct port_receipt){
        .when = a.has_stamp ? clock_from_realtime(&a.stamp) : now,
        .from = from_sockaddr(&s->sources[slot]),
        .to = {a.local != 0 ? a.local : p->local.address, p->local.port},
        .size = s->messages[slot].msg_len,
        .bytes = s->vectors[slot].iov_base,
    };
}

/* Whether a receive may fail so for an ICMP error that is pending, once for each; the error queue
 * tells which it is. Interrupted, or short of memory, it may do better the next time. */
static bool is_passing(int errnum)
{
    switch (errnum) {
    case EAGAIN:
    case EINTR:
    case ENOMEM:
    case ENOBUFS:
    case ECONNREFUSED:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case EMSGSIZE:
    case ENETDOWN:
    case ENETUNREACH:
    case ENONET:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EPROTO:
        return true;
    default:
        return false;
    }
}

int port_receive(struct port *p, struct port_batch *b, unsigned limit, struct error *error)
{
    struct port_slots *s = b->slots;
    unsigned room;
    nsec now;
    int n;

    b->count = 0;
    if (limit > PORT_BATCH)
        limit = PORT_BATCH;
    if (p->has_errors)
        take_errors(p, b, limit);
    room = limit - b->count;
    if (room == 0)
        return (int)b->count;
    for (unsigned i = 0; i < room; i++) {
        s->messages[i].msg_hdr.msg_namelen = sizeof s->sources[i];
        s->messages[i].msg_hdr.msg_controllen = p->has_stamps ? sizeof s->control[i] : 0;
    }
    n = recvmmsg(p->fd, s->messages, room, MSG_DONTWAIT, NULL);
    if (n < 0 && !is_passing(errno))
        return error_set(error, EX_OSERR, errno, "cannot receive on UDP port %u", p->local.port);
    now = clock_now();
    for (int i = 0; i < n; i++)
        add_datagram(p, b, (unsigned)i, now);
    return (int)b->count;
}

void port_queue_init(struct port_queue *q)
{
    q->count = 0;
    memset(q->messages, 0, sizeof q->messages);
    for (unsigned i = 0; i < PORT_BATCH; i++) {
        q->destinations[i] = (struct sockaddr_in){.sin_family = AF_INET};
        q->messages[i].msg_hdr = (struct msghdr){.msg_name = &q->destinations[i],
                                                 .msg_namelen = sizeof q->destinations[i],
                                                 .msg_iov = &q->vectors[i],
                                                 .msg_iovlen = 1};
    }
}

void port_queue_add(struct port_queue *q, struct endpoint to, const uint8_t *data, size_t size)
{
    unsigned i = q->count++;

    q->destinations[i].sin_port = htons(to.port);
    q->destinations[i].sin_addr.s_addr = htonl(to.address);
    q->vectors[i] = (struct iovec){(void *)data, size};
}

unsigned port_flush(const struct port *p, struct port_queue *q,
                    void (*failed)(void *context, struct endpoint to, int errnum), void *context)
{
    unsigned sent = 0, done = 0;

    while (done < q->count) {
        int n = sendmmsg(p->fd, q->messages + done, q->count - done, MSG_DONTWAIT);

        if (n > 0) {
            sent += (unsigned)n;
            done += (unsigned)n;
        } else if (errno != EINTR) {
            /* The error is the first one's alone. */
            if (failed != NULL)
                failed(context, from_sockaddr(&q->destinations[done]), errno);
            done++;
        }
    }
    q->count = 0;
    return sent;
}
