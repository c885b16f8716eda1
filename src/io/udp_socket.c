#include "udp_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

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

uint32_t udp_route_source(struct endpoint towards)
{
    struct sockaddr_in sa = to_sockaddr(towards);
    socklen_t size = sizeof sa;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    uint32_t address = 0;

    if (fd < 0)
        return 0;
    if (connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0 &&
        getsockname(fd, (struct sockaddr *)&sa, &size) == 0)
        address = ntohl(sa.sin_addr.s_addr);
    close(fd);
    return address;
}

int udp_socket_open(struct udp_socket *s, uint16_t port, struct endpoint towards,
                    struct error *error)
{
    return udp_socket_open_at(s, (struct endpoint){INADDR_ANY, port}, towards, error);
}

int udp_socket_open_at(struct udp_socket *s, struct endpoint local, struct endpoint towards,
                       struct error *error)
{
    struct sockaddr_in sa = to_sockaddr(local);
    socklen_t size = sizeof sa;

    *s = (struct udp_socket){.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (s->fd < 0)
        return error_set(error, EX_OSERR, errno, "cannot open a UDP socket");
    if (bind(s->fd, (struct sockaddr *)&sa, sizeof sa) != 0 ||
        getsockname(s->fd, (struct sockaddr *)&sa, &size) != 0) {
        int errnum = errno;
        int status = errnum == EACCES                                  ? EX_NOPERM
                     : errnum == EADDRINUSE || errnum == EADDRNOTAVAIL ? EX_UNAVAILABLE
                                                                       : EX_OSERR;

        error_set(error, status, errnum, "cannot bind UDP port %u", local.port);
        if (errnum == EADDRINUSE)
            error_hint(error, "another program has this port; choose another with --local-port");
        udp_socket_close(s);
        errno = errnum;
        return -1;
    }
    s->local = (struct endpoint){local.address != 0 ? local.address : udp_route_source(towards),
                                 ntohs(sa.sin_port)};
    /* Each of these only adds what can be told; none is needed to work. RFC 4380 5.1.2: the don't
     * fragment bit stays off. */
    set_int(s->fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
    set_int(s->fd, IPPROTO_IP, IP_RECVERR, 1);
    set_int(s->fd, IPPROTO_IP, IP_PKTINFO, 1);
    set_int(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    /* A waiting error queue then is urgent data to poll, not an error of the socket. */
    set_int(s->fd, SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1);
    s->stamps_sends = set_int(s->fd, SOL_SOCKET, SO_TIMESTAMPING,
                              SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
                                  SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY);
    return 0;
}

static int send_once(const struct udp_socket *s, struct endpoint to, uint8_t ttl, const void *data,
                     size_t size)
{
    struct sockaddr_in sa = to_sockaddr(to);
    struct iovec iov = {(void *)data, size};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } reference = {{0}};
    struct msghdr msg = {
        .msg_name = &sa, .msg_namelen = sizeof sa, .msg_iov = &iov, .msg_iovlen = 1};

    if (ttl != 0) {
        int value = ttl;

        reference.align = (struct cmsghdr){CMSG_LEN(sizeof value), IPPROTO_IP, IP_TTL};
        memcpy(CMSG_DATA(&reference.align), &value, sizeof value);
        msg.msg_control = reference.bytes;
        msg.msg_controllen = sizeof reference.bytes;
    }
    return sendmsg(s->fd, &msg, MSG_NOSIGNAL) < 0 ? errno : 0;
}

/* Everything that one recvmsg told beside the payload. */
struct ancillary {
    bool has_stamp;
    struct timespec stamp;
    bool has_error;
    struct sock_extended_err error;
    struct sockaddr_in offender;
    uint32_t local; /* address that the datagram was sent to */
};

static void read_ancillary(struct msghdr *msg, struct ancillary *a)
{
    memset(a, 0, sizeof *a);
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

static ssize_t receive_once(const struct udp_socket *s, int flags, uint8_t *buf, size_t size,
                            struct sockaddr_in *peer, struct ancillary *a)
{
    union {
        char bytes[512];
        struct cmsghdr align;
    } reference;
    struct iovec iov = {buf, size};
    struct msghdr msg = {.msg_name = peer,
                         .msg_namelen = sizeof *peer,
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = reference.bytes,
                         .msg_controllen = sizeof reference.bytes};
    ssize_t n;

    memset(peer, 0, sizeof *peer);
    do {
        n = recvmsg(s->fd, &msg, flags | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n >= 0)
        read_ancillary(&msg, a);
    return n;
}

static struct udp_receipt error_receipt(const struct udp_socket *s, const struct ancillary *a,
                                        const struct sockaddr_in *peer)
{
    return (struct udp_receipt){
        .is_error = true,
        .when = a->has_stamp ? clock_from_realtime(&a->stamp) : clock_now(),
        .from = s->local,
        .to = from_sockaddr(peer),
        .icmp_type = a->error.ee_type,
        .icmp_code = a->error.ee_code,
        .icmp_reporter = ntohl(a->offender.sin_addr.s_addr),
    };
}

/* The kernel's time of the send just made: it is on the error queue as soon as the packet was
 * handed to the device, which for an idle device is before sendmsg returns. The queue cannot be
 * peeked at: ICMP errors found on the way are kept for udp_socket_receive. */
static bool take_send_stamp(struct udp_socket *s, uint32_t id, nsec *when)
{
    struct sockaddr_in peer;
    struct ancillary a;
    uint8_t buf[1];

    while (receive_once(s, MSG_ERRQUEUE, buf, sizeof buf, &peer, &a) >= 0) {
        if (a.has_error && a.error.ee_origin == SO_EE_ORIGIN_ICMP) {
            if (s->kept_count < UDP_SOCKET_KEPT)
                s->kept[s->kept_count++] = error_receipt(s, &a, &peer);
        } else if (a.has_error && a.error.ee_origin == SO_EE_ORIGIN_TIMESTAMPING && a.has_stamp &&
                   a.error.ee_data == id) {
            *when = clock_from_realtime(&a.stamp);
            return true;
        }
    }
    return false;
}

int udp_socket_send(struct udp_socket *s, struct endpoint to, uint8_t ttl, const void *data,
                    size_t size, nsec *when)
{
    int failed;

    *when = clock_now();
    failed = send_once(s, to, ttl, data, size);
    /* An ICMP error that came back for an earlier packet makes one send fail in its place; what it
     * said is on the error queue, and this packet was not sent. */
    if (failed == ECONNREFUSED || failed == EHOSTUNREACH || failed == ENETUNREACH ||
        failed == EPROTO || failed == EMSGSIZE)
        failed = send_once(s, to, ttl, data, size);
    if (failed == 0 && s->stamps_sends) {
        nsec stamp;
        uint32_t id = s->next_send_id++;

        if (take_send_stamp(s, id, &stamp))
            *when = nsec_max(*when, stamp);
    }
    return failed;
}

static bool receive_error(struct udp_socket *s, struct udp_receipt *out)
{
    struct sockaddr_in peer;
    struct ancillary a;
    uint8_t buf[1];

    if (s->kept_count > 0) {
        *out = s->kept[0];
        memmove(&s->kept[0], &s->kept[1], --s->kept_count * sizeof s->kept[0]);
        return true;
    }
    while (receive_once(s, MSG_ERRQUEUE, buf, sizeof buf, &peer, &a) >= 0) {
        /* Late send stamps come this way as well, and are of no use any more. */
        if (!a.has_error || a.error.ee_origin != SO_EE_ORIGIN_ICMP)
            continue;
        *out = error_receipt(s, &a, &peer);
        return true;
    }
    return false;
}

bool udp_socket_receive(struct udp_socket *s, struct udp_receipt *out,
                        uint8_t buf[static UDP_SOCKET_BUFFER])
{
    struct sockaddr_in peer;
    struct ancillary a;
    ssize_t n;

    if (receive_error(s, out))
        return true;
    do {
        n = receive_once(s, 0, buf, UDP_SOCKET_BUFFER, &peer, &a);
        /* A pending ICMP error makes one receive fail; the error queue has told it already. */
    } while (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EBADF &&
             errno != ENOTSOCK && errno != EFAULT && errno != ENOMEM && errno != EINVAL);
    if (n < 0)
        return false;
    *out = (struct udp_receipt){
        .when = a.has_stamp ? clock_from_realtime(&a.stamp) : clock_now(),
        .from = from_sockaddr(&peer),
        .to = {a.local != 0 ? a.local : s->local.address, s->local.port},
        .size = (size_t)n,
    };
    return true;
}

void udp_socket_close(struct udp_socket *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}
